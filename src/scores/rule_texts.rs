//! What is said of each rule, in English and in French; the figures stand once, in [`rule_table`](super::rule_table) or beside
//! their study here.

use super::mirels::{FIXATION_MIN_TOTAL, HUMERUS_MIN_TOTAL};
use super::rule_table::*;
use crate::language::Text;

/// One study and cut-off with its sensitivity and specificity.
const fn accuracy(
    criterion: Text,
    [sensitivity, specificity]: [f64; 2],
    imaging: Text,
    sample: Text,
    source: &'static str,
) -> Accuracy {
    Accuracy {
        criterion,
        sensitivity_percent: Some(sensitivity),
        specificity_percent: Some(specificity),
        fractured_with_and_without_percent: None,
        imaging,
        sample,
        source,
    }
}

/// One criterion of Tatar 2014: how many fractured with it; none did without.
const fn tatar(criterion: Text, fractured_percent: f64) -> Accuracy {
    Accuracy {
        criterion,
        sensitivity_percent: None,
        specificity_percent: None,
        fractured_with_and_without_percent: Some([fractured_percent, 0.0]),
        imaging: Text::new("planning CT", "scanner dosimétrique"),
        sample: Text::new("47 irradiated lesions, 10 fractures", "47 lésions irradiées, 10 fractures"),
        source: "Tatar 2014",
    }
}

const RADIOGRAPHS: Text = Text::new("radiographs", "radiographies");

pub(super) const GUIDELINE_30_50: Rule = Rule {
    name: RuleName::Guideline3050,
    title: Text::new("Guideline 30/50", "Recommandation 30/50"),
    criterion: Text::new(
        "axial cortical lysis > 30 % and circumferential lysis > 50 % in the same axial slice",
        "ostéolyse corticale > 30 % dans le plan axial et > 50 % dans la circonférence, dans la même coupe axiale",
    ),
    limits: &[
        Limit { value: "deciding_slice_axial_percent", comparison: ">", threshold: GUIDELINE_AXIAL_PERCENT },
        Limit {
            value: "deciding_slice_circumferential_percent",
            comparison: ">",
            threshold: GUIDELINE_CIRCUMFERENTIAL_PERCENT,
        },
    ],
    population: Text::new(
        "Recommendation for patients with bone metastases of lung cancer, on diagnostic or planning CT, with a Mirels \
         score of 9 or more.",
        "Recommandation pour les patients ayant des métastases osseuses d’un cancer bronchique, sur les images du scanner \
         diagnostique ou du scanner dosimétrique, avec un score de Mirels ≥ 9.",
    ),
    accuracy: &[],
    accuracy_notes: &[Text::new(
        "No study of the criterion as the recommendation words it was found.",
        "Aucune étude du critère tel que la recommandation l’énonce n’a été trouvée.",
    )],
    caveats: &[
        Text::new(
            "This answers the image criterion alone. The recommendation applies it to a patient with a Mirels score of 9 or \
             more; the two are put together in the recommendation.",
            "Ceci répond au seul critère d’imagerie. La recommandation l’applique à un patient ayant un score de Mirels ≥ 9 ; \
             les deux sont réunis dans la recommandation.",
        ),
        Text::new(
            "The recommendation cites van der Linden, whose criterion is 30 mm along the bone, not 30 % of the axial plane: a \
             likely slip of transcription. Its own reading is kept; the length is reported by van-der-linden.",
            "La recommandation cite van der Linden, dont le critère est de 30 mm le long de l’os, et non de 30 % du plan axial : \
             probablement une erreur de transcription. Sa propre lecture est gardée ; la longueur est donnée par van-der-linden.",
        ),
    ],
    source: RECOMMENDATION_SOURCE,
};

pub(super) const HUMERUS_AT_8: Accuracy = accuracy(
    Text::new("Humerus, 8 or more", "Humérus, 8 ou plus"),
    [83.6, 79.5],
    RADIOGRAPHS,
    Text::new(
        "188 patients of one institution, 61 fractures, retrospective",
        "188 patients d’un seul centre, 61 fractures, étude rétrospective",
    ),
    "Tat 2023, PMC10132712",
);

const EVANS_SAMPLE: Text = Text::new(
    "39 readers; outcome known in 12 patients, 3 fractures",
    "39 lecteurs ; évolution connue chez 12 patients, 3 fractures",
);
const HOBAN_SAMPLE: Text = Text::new(
    "6 readers; 46 lesions of which 76 % fractured, a selected series",
    "6 lecteurs ; 46 lésions dont 76 % fracturées, série sélectionnée",
);

pub(super) const HUMERUS_AT_9: Accuracy = accuracy(
    Text::new("Humerus, 9 or more", "Humérus, 9 ou plus"),
    [14.5, 82.9],
    RADIOGRAPHS,
    EVANS_SAMPLE,
    "Evans 2008, PMC2384025",
);

pub(super) const MIRELS: Rule = Rule {
    name: RuleName::Mirels,
    title: Text::same("Mirels"),
    criterion: Text::new("Mirels total of 9 or more", "score de Mirels de 9 ou plus"),
    limits: &[Limit { value: "total", comparison: ">=", threshold: FIXATION_MIN_TOTAL as f64 }],
    population: Text::new(
        "Metastases of long bones on plain radiographs, irradiated (Mirels 1989).",
        "Métastases des os longs sur radiographies simples, irradiées (Mirels 1989).",
    ),
    accuracy: &[
        accuracy(
            Text::new("Femur", "Fémur"),
            [91.0, 35.0],
            RADIOGRAPHS,
            Text::new(
                "53 readers of 12 patients, 7 of them without prophylactic fixation",
                "53 lecteurs de 12 patients, dont 7 sans fixation prophylactique",
            ),
            "Damron 2003, PubMed 14600611",
        ),
        accuracy(
            Text::new("Femur", "Fémur"),
            [67.0, 48.0],
            Text::new("imaging of the score not told", "imagerie du score non précisée"),
            Text::new(
                "as the recommendation quotes it, without numbers",
                "tel que la recommandation le cite, sans effectifs",
            ),
            "Damron 2016, Clin Orthop Relat Res 474:643-51",
        ),
        accuracy(
            Text::new("Femur", "Fémur"),
            [88.0, 38.0],
            Text::new(
                "study on CT; imaging of the score not told",
                "étude sur scanner ; imagerie du score non précisée",
            ),
            Text::new("9 fractured and 24 unfractured patients", "9 patients fracturés et 24 non fracturés"),
            "Sternheim 2020, Bone Joint J 102-B(5), doi 10.1302/0301-620X.102B5.BJJ-2019-1328.R2",
        ),
        HUMERUS_AT_8,
        HUMERUS_AT_9,
        accuracy(
            Text::new("Humerus, 7 or more", "Humérus, 7 ou plus"),
            [81.0, 32.0],
            RADIOGRAPHS,
            EVANS_SAMPLE,
            "Evans 2008, PMC2384025",
        ),
        accuracy(
            Text::new("Upper limb, 9 or more", "Membre supérieur, 9 ou plus"),
            [14.0, 73.0],
            RADIOGRAPHS,
            HOBAN_SAMPLE,
            "Hoban 2022, JSES Int 6:675-81",
        ),
        accuracy(
            Text::new("Upper limb, 7 or more", "Membre supérieur, 7 ou plus"),
            [63.0, 55.0],
            RADIOGRAPHS,
            HOBAN_SAMPLE,
            "Hoban 2022, JSES Int 6:675-81",
        ),
        tatar(Text::new("Long bones, 9 or more", "Os longs, 9 ou plus"), 42.0),
    ],
    accuracy_notes: &[
        Text::new(
            "In 110 femoral lesions on radiographs the score did not predict fracture (p = 0.36; van der Linden 2004).",
            "Dans 110 lésions fémorales sur radiographies, le score ne prédisait pas la fracture (p = 0,36 ; van der Linden 2004).",
        ),
        Text::new(
            "Site did not independently predict fracture in Mirels' own data (Jawad and Scully 2010).",
            "Dans les données mêmes de Mirels, le site n’était pas un facteur prédictif indépendant (Jawad et Scully 2010).",
        ),
    ],
    caveats: &[Text::new(
        "The Dutch guideline advises against Mirels' score (low predictive value, overtreatment).",
        "La recommandation néerlandaise déconseille le score de Mirels (faible valeur prédictive, surtraitement).",
    )],
    source: Text::same("Mirels H. Clin Orthop Relat Res 1989;(249):256-64"),
};

pub(super) const VAN_DER_LINDEN: Rule = Rule {
    name: RuleName::VanDerLinden,
    title: Text::same("van der Linden"),
    criterion: Text::new(
        "axial cortical involvement > 30 mm, or circumferential involvement > 50 %",
        "atteinte corticale axiale > 30 mm, ou atteinte de la circonférence > 50 %",
    ),
    limits: &[
        Limit { value: "axial_extent_mm", comparison: ">", threshold: VAN_DER_LINDEN_AXIAL_MM },
        Limit { value: "circumferential_percent", comparison: ">", threshold: VAN_DER_LINDEN_CIRCUMFERENTIAL_PERCENT },
    ],
    population: Text::new(
        "110 femoral lesions in 102 patients of a randomised trial of radiotherapy, 14 fractures, plain radiographs (2004).",
        "110 lésions fémorales chez 102 patients d’un essai randomisé de radiothérapie, 14 fractures, radiographies simples (2004).",
    ),
    accuracy: &[accuracy(
        Text::new("Femur, axial involvement of 30 mm or more", "Fémur, atteinte axiale de 30 mm ou plus"),
        [86.0, 50.0],
        RADIOGRAPHS,
        Text::new(
            "100 patients, 14 fractures; predictive values 20 and 96 %",
            "100 patients, 14 fractures ; valeurs prédictives 20 et 96 %",
        ),
        "van der Wal 2020, Radiother Oncol 144:59-64",
    )],
    accuracy_notes: &[
        Text::new(
            "In 2004 only these two predicted fracture (p = 0.01 and 0.03); their sensitivity and specificity of then could \
             not be confirmed and are not printed.",
            "En 2004, seuls ces deux critères prédisaient la fracture (p = 0,01 et 0,03) ; leurs sensibilité et spécificité \
             d’alors n’ont pu être confirmées et ne sont pas imprimées.",
        ),
        Text::new(
            "The validation of 2020 is of the length alone.",
            "La validation de 2020 ne porte que sur la longueur.",
        ),
    ],
    caveats: &[Text::new(
        "Studied only on plain radiographs of the proximal femur: a length measured on CT, or in another bone, is an \
         extrapolation.",
        "Étudié seulement sur des radiographies simples du fémur proximal : une longueur mesurée au scanner, ou dans un autre \
         os, est une extrapolation.",
    )],
    source: Text::same("van der Linden YM et al. Radiother Oncol 2003;69:21-31; J Bone Joint Surg Br 2004;86:566"),
};

pub(super) const TATAR_PLANNING_CT: Rule = Rule {
    name: RuleName::TatarPlanningCt,
    title: Text::new("Tatar, planning CT", "Tatar, scanner dosimétrique"),
    criterion: Text::new(
        "circumferential involvement >= 30 %, or height >= 45 mm, or through the whole wall",
        "atteinte de la circonférence >= 30 %, ou hauteur >= 45 mm, ou toute l’épaisseur de la corticale",
    ),
    limits: &[
        Limit { value: "circumferential_percent", comparison: ">=", threshold: TATAR_CIRCUMFERENTIAL_PERCENT },
        Limit { value: "height_mm", comparison: ">=", threshold: TATAR_HEIGHT_MM },
    ],
    population: Text::new(
        "47 lesions on radiotherapy planning CT (28 femur, 17 humerus, 2 tibia), 92 % in the upper third of the bone, \
         10 fractures.",
        "47 lésions sur scanner dosimétrique (28 fémurs, 17 humérus, 2 tibias), 92 % dans le tiers supérieur de l’os, \
         10 fractures.",
    ),
    accuracy: &[
        tatar(Text::new("Circumference of 30 % or more", "Circonférence de 30 % ou plus"), 71.0),
        tatar(Text::new("Height of 45 mm or more", "Hauteur de 45 mm ou plus"), 67.0),
        tatar(Text::new("Through the whole wall", "Toute l’épaisseur de la corticale"), 40.0),
    ],
    accuracy_notes: &[
        Text::new(
            "Only the circumference remained in multivariate analysis (odds ratio 62, 95 % interval 6.5 to 595).",
            "Seule la circonférence restait significative en analyse multivariée (odds ratio 62, intervalle à 95 % de 6,5 à 595).",
        ),
        Text::new(
            "Worked out from these rates, not published: each criterion had sensitivity 100 % in the series, and specificity about \
             89, 86 and 59 %. Three joined by \"or\" cannot be more specific than the least specific of them.",
            "Calculé à partir de ces taux, non publié : chaque critère avait dans la série une sensibilité de 100 % et une \
             spécificité d’environ 89, 86 et 59 %. Trois critères joints par « ou » ne peuvent être plus spécifiques que le \
             moins spécifique d’entre eux.",
        ),
    ],
    caveats: &[Text::new(
        "Derived from 47 lesions with 10 fractures, without external validation.",
        "Établi sur 47 lésions avec 10 fractures, sans validation externe.",
    )],
    source: Text::same("Tatar 2014, Radiation Oncology 9:227, doi 10.1186/s13014-014-0227-1"),
};

pub(super) const RIGIDITY: Rule = Rule {
    name: RuleName::Rigidity,
    title: Text::new("Structural rigidity", "Rigidité structurelle"),
    criterion: Text::new(
        "axial, bending or torsional rigidity reduced by >= 35 % against the homologous intact section, at the weakest section \
         that a lesion touches",
        "rigidité axiale, en flexion ou en torsion réduite de >= 35 % par rapport à la section intacte homologue, à la section \
         la plus faible qu’une lésion touche",
    ),
    limits: &[
        Limit { value: "axial_rigidity_reduction_percent", comparison: ">=", threshold: RIGIDITY_PERCENT },
        Limit { value: "bending_rigidity_reduction_percent", comparison: ">=", threshold: RIGIDITY_PERCENT },
        Limit { value: "torsional_rigidity_reduction_percent", comparison: ">=", threshold: RIGIDITY_PERCENT },
    ],
    population: Text::new(
        "Metastases of long bones on CT with the other side for comparison.",
        "Métastases des os longs au scanner, avec le côté controlatéral pour comparaison.",
    ),
    accuracy: &[accuracy(
        Text::new("Long bones, any of the three", "Os longs, l’une des trois"),
        [100.0, 90.0],
        Text::new("calibrated CT", "scanner calibré"),
        Text::new(
            "124 patients with 149 lesions, 7 fractures in 4 months among those not fixed; Mirels' score there 71 and 50 %",
            "124 patients avec 149 lésions, 7 fractures en 4 mois parmi celles non fixées ; score de Mirels dans cette série 71 et \
             50 %",
        ),
        "Nazarian 2015",
    )],
    accuracy_notes: &[
        Text::new(
            "Damron 2016 (Clin Orthop Relat Res 474:643-51) is quoted with 100 and 61 %, Mirels' score with 67 and 48 %: counts of 6 \
             fractures and 71 unfractured lesions give these, its text was not read.",
            "Damron 2016 (Clin Orthop Relat Res 474:643-51) est cité avec 100 et 61 %, le score de Mirels avec 67 et 48 % : 6 \
             fractures et 71 lésions non fracturées donnent ces taux, son texte n’a pas été lu.",
        ),
        Text::new(
            "False positives and negatives are known (Adv Orthop 2021, doi 10.1155/2021/5591715).",
            "Des faux positifs et des faux négatifs sont connus (Adv Orthop 2021, doi 10.1155/2021/5591715).",
        ),
    ],
    caveats: &[
        Text::new(
            "Studied against the bone of the other side on calibrated CT. Left and right differ by nature (strength of 54 pairs of \
             femora: 17 ± 12 %); where the other side is the reference, the interval carries it.",
            "Étudié par rapport à l’os controlatéral sur scanner calibré. Gauche et droite diffèrent par nature (résistance de 54 \
             paires de fémurs : 17 ± 12 %) ; là où le côté opposé est la référence, l’intervalle en tient compte.",
        ),
        Text::new(
            "Beam theory does not hold near a joint.",
            "La théorie des poutres n’est pas valable près d’une articulation.",
        ),
    ],
    source: Text::same("Leong et al. 2010 (PMC2909715); Damron et al. 2016; Nazarian et al. 2015"),
};

// The texts name these numbers in words; a change of one without the other does not compile.
const _: () = assert!(FIXATION_MIN_TOTAL == 9 && HUMERUS_MIN_TOTAL == 8);
const _: () = assert!(GUIDELINE_AXIAL_PERCENT == 30.0 && GUIDELINE_CIRCUMFERENTIAL_PERCENT == 50.0);
const _: () = assert!(VAN_DER_LINDEN_AXIAL_MM == 30.0 && VAN_DER_LINDEN_CIRCUMFERENTIAL_PERCENT == 50.0);
const _: () = assert!(RIGIDITY_PERCENT == 35.0);
const _: () = assert!(TATAR_CIRCUMFERENTIAL_PERCENT == 30.0 && TATAR_HEIGHT_MM == 45.0);

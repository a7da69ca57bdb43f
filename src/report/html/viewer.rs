//! The viewer: its empty frame in each bone's section, the data and the script at the end of the page. Without a script the
//! frame stays hidden and the page is complete as it is.

use super::*;
use crate::report::figures::{AxisPlace, ViewerBone, ViewerSection};
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) const STYLE: &str = include_str!("viewer/viewer.css");

/// The script, put together from its files: one function, so that nothing of it is global.
const SCRIPT: &str = concat!(
    "(() => {\n'use strict';\n",
    include_str!("viewer/images.js"),
    include_str!("viewer/draw.js"),
    include_str!("viewer/linked.js"),
    include_str!("viewer/stage.js"),
    include_str!("viewer/review.js"),
    include_str!("viewer/start.js"),
    "})();\n"
);

/// What the policy of the page knows the script by; the test tells it anew when the script changes.
pub(super) const SCRIPT_HASH: &str = include_str!("viewer/script.sha256").trim_ascii_end();

/// The frame of one bone's viewer.
pub(super) fn skeleton(
    language: Language,
    report: &Report,
    index: usize,
    bone: &BoneReport,
    shown: &ViewerBone,
) -> Markup {
    let title = words::bone_title(language, bone);
    let twin = twin_of(report, index).map(|twin| words::bone_title(language, &report.bones[twin]));
    let picture = language.say(format!("CT of {title}: measured slice"), format!("Scanner, {title} : coupe mesurée"));
    html! {
        div .viewer id=(format!("viewer-{index}")) data-bone=(index) hidden role="group"
            aria-label=(language.say(format!("Viewer, {title}"), format!("Visionneuse, {title}"))) {
            (tools(language))
            div .stage .two[twin.is_some()] {
                figure .panel .first {
                    canvas .main tabindex="0" role="img" aria-label=(picture) aria-describedby=(format!("keys-{index}")) {}
                    figcaption { (title) }
                }
                @if let Some(twin) = &twin {
                    figure .panel .second {
                        canvas .twin role="img" aria-label=(language.say(
                            format!("CT of {twin}, mirrored: homologous section"),
                            format!("Scanner, {twin}, en miroir : section homologue"),
                        )) {}
                        figcaption { (twin) ", " (language.say("mirrored", "en miroir")) span .twin-note {} }
                    }
                }
                div .side {
                    div {
                        div .readout role="status" {}
                        div .jumps {
                            @if !bone.lesions.is_empty() {
                                button type="button" data-jump="worst" { (language.say("Worst slice", "La plus atteinte")) }
                            }
                            button type="button" data-jump="flagged" { (language.say("Next flagged ⚑", "Signalée suivante ⚑")) }
                        }
                    }
                    (legend(language, report))
                }
                div .scrub {
                    span .end aria-hidden="true" { (language.say("feet", "pieds")) }
                    div .track {
                        canvas .strip aria-hidden="true" {}
                        input type="range" min="0" value="0" step="1" aria-label=(language.say("Slice", "Coupe"));
                    }
                    span .end aria-hidden="true" { (language.say("head", "tête")) }
                }
            }
            (left_out(language, bone, shown))
            p .keys id=(format!("keys-{index}")) { (language.say(
                "Wheel, arrows, Page Up/Down, Home, End: slice. Drag with the mouse: window. Keys: B bone, S soft tissue, C contour, L lost cortex, F next flagged, + and − zoom. Click the map or the profile to go there.",
                "Molette, flèches, Page, Début, Fin : coupe. Glisser à la souris : fenêtre. Touches : B os, S tissus mous, C contour, L corticale perdue, F signalée suivante, + et − zoom. Cliquer la carte ou le profil pour y aller.",
            )) }
        }
    }
}

/// Where a page would weigh too much, that some measured slices are not in it.
fn left_out(language: Language, bone: &BoneReport, shown: &ViewerBone) -> Markup {
    let measured = bone.slices.iter().filter(|slice| slice.measured).count();
    let pictured = shown.sections.iter().flatten().count();
    html! {
        @if pictured < measured {
            p .note { (language.say(
                format!("{pictured} of {measured} measured slices are shown here, flagged ones all: the page would weigh too much. The numbers are those of every slice."),
                format!("{pictured} des {measured} coupes mesurées sont montrées ici, toutes celles signalées comprises : la page serait trop lourde. Les chiffres sont ceux de toutes les coupes."),
            )) }
        }
    }
}

fn tools(language: Language) -> Markup {
    let toggle = |name: &str, label: &str, pressed: bool| {
        html! { button type="button" data-tool=(name) aria-pressed=(pressed.to_string()) { (label) } }
    };
    html! {
        div .tools role="toolbar" aria-label=(language.say("View", "Affichage")) {
            div .group role="group" aria-label=(language.say("Window", "Fenêtre")) {
                (toggle("bone", &language.say("Bone", "Os"), true))
                (toggle("soft", &language.say("Soft tissue", "Tissus mous"), false))
                output .window {}
            }
            div .group role="group" aria-label=(language.say("Overlay", "Surimpression")) {
                (toggle("contour", &language.say("Contour", "Contour"), true))
                (toggle("lost", &language.say("Lost cortex", "Corticale perdue"), true))
            }
            div .group role="group" aria-label="Zoom" {
                button type="button" data-tool="out" aria-label=(language.say("Zoom out", "Réduire")) { "−" }
                button type="button" data-tool="in" aria-label=(language.say("Zoom in", "Agrandir")) { "+" }
            }
        }
    }
}

/// Broader for deeper, as on the pictures: colour is not needed.
fn legend(language: Language, report: &Report) -> Markup {
    let depth = report.settings.get("depth").and_then(serde_json::Value::as_f64).unwrap_or(0.3);
    let depth = words::number(language, Some(100.0 * depth), 0);
    let classes = [
        language.say(format!("lost above {depth} %"), format!("perte > {depth} %")),
        language.say("above 50 %", "perte > 50 %"),
        language.say("through the wall", "toute l’épaisseur"),
    ];
    html! {
        ul .legend aria-label=(language.say("Legend", "Légende")) {
            li { span .key .outer {} (language.say("outer contour", "contour externe")) }
            li { span .key .inner {} (language.say("intact inner border", "bord interne intact")) }
            @for (class, word) in classes.iter().enumerate() {
                li { span class=(format!("key lost{}", class + 1)) {} (word) }
            }
        }
    }
}

/// The bone of the same name on the other side, where it was measured too.
fn twin_of(report: &Report, index: usize) -> Option<usize> {
    let bone = &report.bones[index];
    let other = match bone.side.as_str() {
        "left" => "right",
        "right" => "left",
        _ => return None,
    };
    let twin = |twin: &BoneReport| twin.bone == bone.bone && twin.side == other && words::is_measured(twin);
    report.bones.iter().position(twin).filter(|_| bone.bone != "unknown")
}

/// All that the script is told.
#[derive(Serialize)]
struct Data<'a> {
    tool: &'a Tool,
    series: &'a str,
    words: BTreeMap<&'static str, String>,
    bones: Vec<BoneData<'a>>,
    /// Bones of which only a neck was measured, with losses to review.
    necks: Vec<NeckData<'a>>,
}

/// A bone without viewer, by what a review names it.
#[derive(Serialize)]
struct NeckData<'a> {
    index: usize,
    bone: &'a str,
    side: &'a str,
    z_range_mm: [f64; 2],
    neck_lesions: Vec<NeckLesionData>,
}

#[derive(Serialize)]
struct NeckLesionData {
    id: usize,
    from_head_range_mm: [f64; 2],
}

#[derive(Serialize)]
struct BoneData<'a> {
    index: usize,
    bone: &'a str,
    side: &'a str,
    z_range_mm: [f64; 2],
    axis: AxisPlace,
    map: [f64; 2],
    profile: [f64; 2],
    /// The slice to begin with: the worst one, or of a bone without lesion one from the middle of its shaft.
    worst: Option<usize>,
    rows: Vec<RowData<'a>>,
    lesions: Vec<LesionData>,
    neck_lesions: Vec<NeckLesionData>,
    /// Index of the bone of the other side.
    twin: Option<usize>,
    /// Was it registered, or is a slice of the same height shown?
    registered: bool,
}

#[derive(Serialize)]
struct RowData<'a> {
    z: f64,
    instance: Option<i64>,
    uid: Option<&'a str>,
    /// "instance 57, z −390.0 mm".
    name: String,
    /// Both percentages with their intervals; `None` where not measured.
    axial: Option<String>,
    around: Option<String>,
    /// The values alone, for the strip.
    percent: Option<[f64; 2]>,
    flagged: bool,
    /// Why it was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    section: Option<&'a ViewerSection>,
    /// The homologous row of the other bone.
    twin: Option<usize>,
}

#[derive(Serialize)]
struct LesionData {
    id: usize,
    z_range_mm: [f64; 2],
}

/// Data and script; nothing where there is nothing to scroll through.
pub(super) fn script(language: Language, report: &Report, drawn: &[DrawnBone]) -> Markup {
    let bones: Vec<BoneData> = drawn.iter().filter_map(|drawn| bone_data(language, report, drawn)).collect();
    let necks = necks_alone(report, &bones);
    if bones.is_empty() && necks.is_empty() {
        return html! {};
    }
    let words = script_words(language);
    let data = Data { tool: &report.tool, series: &report.series.series_instance_uid, words, bones, necks };
    // Inside a script element only "<" could end it.
    let json = serde_json::to_string(&data).unwrap_or_default().replace('<', "\\u003c");
    html! {
        script #data type="application/json" { (PreEscaped(json)) }
        script { (PreEscaped(SCRIPT)) }
    }
}

fn neck_lesions(bone: &BoneReport) -> Vec<NeckLesionData> {
    let lesions = bone.neck.iter().flat_map(|neck| &neck.lesions);
    lesions.map(|l| NeckLesionData { id: l.id, from_head_range_mm: l.from_head_range_mm }).collect()
}

/// Bones that have no viewer, but a neck with losses.
fn necks_alone<'a>(report: &'a Report, viewed: &[BoneData]) -> Vec<NeckData<'a>> {
    let alone = |(index, bone): (usize, &'a BoneReport)| {
        let neck_lesions = neck_lesions(bone);
        let of_viewer = viewed.iter().any(|other| other.index == index);
        (!of_viewer && !neck_lesions.is_empty()).then_some(NeckData {
            index,
            bone: &bone.bone,
            side: &bone.side,
            z_range_mm: bone.z_range_mm,
            neck_lesions,
        })
    };
    report.bones.iter().enumerate().filter_map(alone).collect()
}

fn bone_data<'a>(language: Language, report: &'a Report, drawn: &'a DrawnBone) -> Option<BoneData<'a>> {
    let (index, viewer) = (drawn.bone_index, &drawn.viewer);
    let bone = report.bones.get(index)?;
    let twin = twin_of(report, index);
    Some(BoneData {
        index,
        bone: &bone.bone,
        side: &bone.side,
        z_range_mm: bone.z_range_mm,
        axis: viewer.axis,
        map: viewer.map,
        profile: viewer.profile,
        worst: viewer.start,
        rows: (0..bone.slices.len())
            .map(|row| row_data(language, &bone.slices[row], row, viewer, twin.map(|twin| &report.bones[twin])))
            .collect(),
        lesions: bone
            .lesions
            .iter()
            .map(|lesion| LesionData { id: lesion.id, z_range_mm: lesion.z_range_mm })
            .collect(),
        neck_lesions: neck_lesions(bone),
        twin,
        registered: viewer.homologous_z_mm.is_some(),
    })
}

fn row_data<'a>(
    language: Language,
    slice: &'a SliceReport,
    row: usize,
    viewer: &'a ViewerBone,
    twin: Option<&BoneReport>,
) -> RowData<'a> {
    let percent = |value: Option<f64>, ci95| {
        value.map(|value| {
            let interval = words::interval(language, ci95, 1);
            format!("{}\u{a0}% ({interval})", words::number(language, Some(value), 1))
        })
    };
    let homologous = viewer.homologous_z_mm.as_ref().map_or(Some(slice.z_mm), |z| z.get(row).copied());
    RowData {
        z: slice.z_mm,
        instance: slice.instance_number,
        uid: slice.sop_instance_uid.as_deref().filter(|_| slice.flagged),
        name: words::capitalised(&words::slice_name(language, slice)),
        axial: percent(slice.axial_lysis_percent, slice.axial_lysis_ci95),
        around: percent(slice.circumferential_lysis_percent, slice.circumferential_lysis_ci95),
        percent: slice.axial_lysis_percent.zip(slice.circumferential_lysis_percent).map(|(a, b)| [a, b]),
        flagged: slice.flagged,
        why: slice.not_measured_because.as_ref().map(|why| why.of(language).into_owned()),
        section: viewer.sections.get(row).and_then(Option::as_ref),
        twin: twin.zip(homologous).and_then(|(twin, z)| nearest(twin, z)),
    }
}

/// The measured slice nearest to a height, not further than a centimetre.
fn nearest(bone: &BoneReport, z_mm: f64) -> Option<usize> {
    const REACH_MM: f64 = 10.0;
    let away = |row: &usize| (bone.slices[*row].z_mm - z_mm).abs();
    (0..bone.slices.len())
        .filter(|row| bone.slices[*row].measured && away(row) <= REACH_MM)
        .min_by(|a, b| away(a).total_cmp(&away(b)))
}

/// What the script says, by its own names.
fn script_words(language: Language) -> BTreeMap<&'static str, String> {
    let words = [
        ("axial", "Axial lysis", "Plan axial"),
        ("around", "Circumferential", "Circonférence"),
        ("flagged", "⚑ above 30 and 50 %", "⚑ au-dessus de 30 et 50 %"),
        ("notFlagged", "not flagged", "non signalée"),
        ("notMeasured", "was not measured:", "n’a pas été mesurée :"),
        ("nearestShown", "The nearest measured slice is shown.", "La coupe mesurée la plus proche est montrée."),
        ("noTwin", "no measured section there", "aucune section mesurée à ce niveau"),
        ("homologous", "homologous section", "section homologue"),
        ("sameHeight", "same height (not registered)", "même hauteur (non recalée)"),
        ("left", "L", "G"),
        ("right", "R", "D"),
        ("anterior", "A", "A"),
        ("posterior", "P", "P"),
        ("mirrored", "mirrored", "en miroir"),
        ("centre", "C", "C"),
        ("width", "W", "L"),
        ("hu", "HU", "UH"),
        ("go", "Show slice", "Montrer la coupe"),
        ("review", "Review", "Relecture"),
        ("accept", "Accept", "Accepter"),
        ("reject", "Reject", "Rejeter"),
        ("comment", "Comment", "Commentaire"),
        ("pain", "Pain (clinical)", "Douleur (clinique)"),
        ("painUnknown", "not given", "non donnée"),
        ("mild", "mild (1 point)", "légère (1 point)"),
        ("moderate", "moderate (2 points)", "modérée (2 points)"),
        ("functional", "functional (3 points)", "handicapante (3 points)"),
        ("nothing", "Nothing reviewed yet.", "Rien n’est encore relu."),
        (
            "decided",
            "accepted: {a}, rejected: {r}, comments: {c}, pain set: {p}",
            "acceptés : {a}, rejetés : {r}, commentaires : {c}, douleur : {p}",
        ),
        ("unsaved", "not saved yet", "pas encore enregistrée"),
        ("saved", "saved as review.json", "enregistrée dans review.json"),
    ];
    words.into_iter().map(|(name, english, french)| (name, language.say(english, french).into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use sha2::{Digest, Sha256};
    use std::path::Path;

    /// `UPDATE_SCHEMA=1 cargo test schema` writes the file anew.
    #[test]
    fn the_policy_knows_the_script_not_only_the_schema() {
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(SCRIPT));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/html/viewer/script.sha256");
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, format!("sha256-{hash}\n")).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(path).unwrap().trim(),
            format!("sha256-{hash}"),
            "run UPDATE_SCHEMA=1 cargo test schema"
        );
        assert!(!SCRIPT.contains("</script") && !SCRIPT.contains("<!--"));
    }

    #[test]
    fn the_section_beside_is_the_nearest_that_was_measured() {
        let report = crate::report::fixture::bone().report();
        let bone = &report.bones[0];
        let row = bone.slices.iter().position(|slice| slice.measured).unwrap();
        let z = bone.slices[row].z_mm;
        assert_eq!(nearest(bone, z + 1.0), Some(row));
        assert_eq!(nearest(bone, z - 9.0), Some(row), "the nearest measured one, if it is near enough");
        assert_eq!(nearest(bone, z - 11.0), None);
        assert_eq!((twin_of(&report, 0), twin_of(&report, 1), twin_of(&report, 2)), (Some(1), Some(0), None));
    }
}

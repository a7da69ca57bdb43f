//! Whose review was taken into account, and what it says of each finding.

use super::super::neck::wall_word;
use super::*;

/// Nothing where no review was given.
pub(super) fn section(report: &Report, language: Language) -> Markup {
    let Some(review) = &report.review else { return html! {} };
    let say = |english: &'static str, french: &'static str| language.say(english, french);
    let remarks: Vec<(String, String, String)> = report.bones.iter().flat_map(|bone| remarks(language, bone)).collect();
    html! {
        section aria-labelledby="review" {
            h2 id="review" { (say("Review", "Relecture")) }
            @if let Some(reviewed) = words::reviewed_by(language, report) { p { strong { (reviewed) } } }
            (warnings(language, &review.notes))
            @if !remarks.is_empty() {
                (scrolling(&say("Review", "Relecture"), html! {
                    table .narrow {
                        thead { tr {
                            th scope="col" { (say("Bone", "Os")) } th scope="col" { (say("Finding", "Constatation")) } th scope="col" { (say("Remark", "Remarque")) }
                        } }
                        tbody { @for (bone, finding, remark) in &remarks {
                            tr { th scope="row" { (bone) } td { (finding) } td { (words::capitalised(remark)) } }
                        } }
                    }
                }))
            }
        }
    }
}

/// Bone, finding and remark, in words; neighbouring slices of which the same is said as one.
fn remarks(language: Language, bone: &BoneReport) -> Vec<(String, String, String)> {
    let title = words::bone_title(language, bone);
    let lesions = bone.lesions.iter().filter_map(|lesion| {
        let remark = words::remark(language, lesion.review.as_ref())?;
        Some((language.pick(format!("lesion {}", lesion.id), format!("lésion {}", lesion.id)), remark))
    });
    let slices =
        words::runs(&bone.slices, |slice| words::remark(language, slice.review.as_ref()).filter(|_| slice.flagged));
    let slices = slices.into_iter().map(|(remark, run)| (run.text(language), remark));
    let neck = bone.neck.iter().flat_map(|neck| &neck.lesions).filter_map(|lesion| {
        let remark = words::remark(language, lesion.review.as_ref())?;
        let finding = format!("neck lesion {} ({})", lesion.id, wall_word(language, &lesion.wall));
        let constatation = format!("lésion {} du col ({})", lesion.id, wall_word(language, &lesion.wall));
        Some((language.pick(finding, constatation), remark))
    });
    lesions.chain(neck).chain(slices).map(|(finding, remark)| (title.clone(), finding, remark)).collect()
}

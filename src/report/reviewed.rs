//! A review held against what was measured: which lesion and slice each remark is about, or why the file cannot be used.

use super::model::{RemarkReport, ReviewReport};
use super::review::{BoneReview, LesionReview, NeckLesionReview, Review, SCHEMA, SliceReview};
use crate::analysis::MeasuredBone;
use crate::dicom::Series;
use crate::language::Sentence;
use crate::lysis::Lesion;
use crate::scores::mirels::Pain;
use std::collections::BTreeMap;

/// Largest file that is read: no person writes as much.
pub const MAX_BYTES: usize = 4 << 20;
/// A review holds rounded numbers: ends that differ by less are the same.
const SAME_MM: f64 = 0.5;
/// Share of the common length that two extents must have for one to be taken for the other.
const COMMON_SHARE: f64 = 0.5;

/// Why a review cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReviewError {
    /// Not a review at all, or one with something wrong in it.
    #[error("it is no review: {0}")]
    NotAReview(String),
    /// A file of another kind or of a later version.
    #[error("its schema is '{0}', not '{SCHEMA}'")]
    OtherSchema(String),
    /// Made of another series.
    #[error("it was made of {}, but this series is {}", named(reviewed), named(analysed))]
    OtherSeries { reviewed: String, analysed: String },
    /// It speaks of something that was not found here.
    #[error("it names {what}, which this analysis does not have: {instead}")]
    NotFound { what: String, instead: String, version: Option<String> },
    /// It says two things of one.
    #[error("it speaks twice of {0}")]
    Twice(String),
}

fn named(uid: &str) -> String {
    if uid.is_empty() { "a series without a UID (NIfTI)".into() } else { format!("the series {uid}") }
}

impl ReviewError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::NotAReview(_) | Self::OtherSchema(_) => {
                "give the file that the page saved (docs/review.schema.json describes it)".into()
            }
            Self::OtherSeries { .. } => "give the images that were reviewed; --series chooses among several".into(),
            Self::NotFound { version: Some(version), .. } => format!(
                "it was made of a report of version {version}, this is {}: review the new report",
                env!("CARGO_PKG_VERSION")
            ),
            Self::NotFound { .. } => {
                "analyse with the settings of the report that was reviewed, or review the new one".into()
            }
            Self::Twice(_) => "leave one of them".into(),
        }
    }
}

/// Reads a review and checks what can be known of it before anything is measured.
pub fn read_review(bytes: &[u8]) -> Result<Review, ReviewError> {
    if bytes.len() > MAX_BYTES {
        return Err(ReviewError::NotAReview(format!("it is larger than {} MB", MAX_BYTES >> 20)));
    }
    let not_a_review = |error: serde_json::Error| ReviewError::NotAReview(error.to_string());
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(not_a_review)?;
    match value.get("schema").and_then(serde_json::Value::as_str) {
        Some(SCHEMA) => {}
        Some(other) => return Err(ReviewError::OtherSchema(other.chars().take(80).collect())),
        None => return Err(ReviewError::NotAReview("it has no field 'schema'".into())),
    }
    // From the text again: the message then says in which line.
    let review: Review = serde_json::from_slice(bytes).map_err(not_a_review)?;
    for (index, bone) in review.bones.iter().enumerate() {
        let same = |other: &&BoneReview| {
            (&other.bone, &other.side, other.z_range_mm) == (&bone.bone, &bone.side, bone.z_range_mm)
        };
        if review.bones[..index].iter().any(|other| same(&other)) {
            return Err(ReviewError::Twice(bone_words(bone)));
        }
    }
    Ok(review)
}

/// What a review decides of one bone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BoneDecisions {
    pub pain: Option<Pain>,
    /// By the lesion's number in this analysis.
    pub lesions: BTreeMap<usize, RemarkReport>,
    /// By the row of the slice in the bone.
    pub slices: BTreeMap<usize, RemarkReport>,
    /// By the number of the neck's lesion in this analysis.
    pub neck_lesions: BTreeMap<usize, RemarkReport>,
}

/// A review whose remarks have found their places.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// One for each measured bone, in their order.
    pub bones: Vec<BoneDecisions>,
    pub report: ReviewReport,
}

/// Is the review one of this series?
pub fn check_series(review: &Review, series: &Series) -> Result<(), ReviewError> {
    let analysed = &series.header.series_instance_uid;
    if review.series_instance_uid == *analysed {
        return Ok(());
    }
    Err(ReviewError::OtherSeries { reviewed: review.series_instance_uid.clone(), analysed: analysed.clone() })
}

/// Finds what each remark is about. `restricted`: bones were left out on purpose, so that remarks on others are only noted.
pub fn place(
    review: &Review,
    series: &Series,
    bones: &[MeasuredBone],
    restricted: bool,
) -> Result<Placed, ReviewError> {
    check_series(review, series)?;
    let mut placing = Placing { review, series, notes: Vec::new() };
    placing.version();
    let mut found = vec![BoneDecisions::default(); bones.len()];
    let mut taken = vec![false; bones.len()];
    for reviewed in &review.bones {
        let Some(index) = placing.bone(reviewed, bones) else {
            let what = format!("a {}", bone_words(reviewed));
            if restricted {
                placing.note(
                    format!("The review also speaks of {what}, which was not analysed this time."),
                    format!("La relecture concerne aussi un os non analysé cette fois : {}.", bone_words(reviewed)),
                );
                continue;
            }
            let here: Vec<String> = bones.iter().map(|b| format!("{} {}", b.bone.side, b.bone.name)).collect();
            return Err(placing.not_found(what, format!("found: {}", here.join(", "))));
        };
        if std::mem::replace(&mut taken[index], true) {
            return Err(ReviewError::Twice(bone_words(reviewed)));
        }
        found[index] = placing.decisions(reviewed, &bones[index])?;
    }
    let report = ReviewReport {
        reviewer: review.reviewer.clone(),
        date: review.date.clone(),
        tool: review.tool.clone(),
        notes: placing.notes,
    };
    Ok(Placed { bones: found, report })
}

fn bone_words(bone: &BoneReview) -> String {
    let [low, high] = bone.z_range_mm;
    format!("{} {} (z {low:.1} to {high:.1} mm)", bone.side, bone.bone)
}

struct Placing<'a> {
    review: &'a Review,
    series: &'a Series,
    notes: Vec<Sentence>,
}

impl Placing<'_> {
    fn note(&mut self, english: String, french: String) {
        self.notes.push(Sentence::new(english, french));
    }

    fn not_found(&self, what: String, instead: String) -> ReviewError {
        let version = Some(&self.review.tool.version).filter(|version| *version != env!("CARGO_PKG_VERSION"));
        ReviewError::NotFound { what, instead, version: version.cloned() }
    }

    fn version(&mut self) {
        let (then, now) = (&self.review.tool.version, env!("CARGO_PKG_VERSION"));
        if then != now {
            self.note(
                format!("The report that was reviewed was written by version {then}; this is version {now}."),
                format!("Le rapport relu a été écrit par la version {then} ; celle-ci est la version {now}."),
            );
        }
    }

    /// The bone of that name and side; of several the one that lies there.
    fn bone(&self, reviewed: &BoneReview, bones: &[MeasuredBone]) -> Option<usize> {
        let candidates = bones.iter().enumerate().filter(|(_, bone)| {
            (bone.bone.name.to_string(), bone.bone.side.to_string()) == (reviewed.bone.clone(), reviewed.side.clone())
        });
        let shared = |bone: &MeasuredBone| {
            let z = || bone.cortex.slices.iter().map(|slice| slice.z_mm);
            let range = [z().fold(f64::INFINITY, f64::min), z().fold(f64::NEG_INFINITY, f64::max)];
            common_share(range, reviewed.z_range_mm)
        };
        let best = candidates.max_by(|(_, a), (_, b)| shared(a).total_cmp(&shared(b)));
        best.filter(|(_, bone)| shared(bone) > 0.0).map(|(index, _)| index)
    }

    fn decisions(&mut self, reviewed: &BoneReview, bone: &MeasuredBone) -> Result<BoneDecisions, ReviewError> {
        let title = format!("the {} {}", bone.bone.side, bone.bone.name);
        let mut decisions = BoneDecisions { pain: reviewed.pain.map(Pain::from), ..BoneDecisions::default() };
        for lesion in &reviewed.lesions {
            let id = self.lesion(lesion, bone, &title)?;
            let remark = RemarkReport { decision: lesion.decision, comment: clean(&lesion.comment) };
            if decisions.lesions.insert(id, remark).is_some() {
                return Err(ReviewError::Twice(format!("lesion {id} of {title}")));
            }
        }
        for slice in &reviewed.slices {
            let row = self.slice(slice, bone, &title)?;
            let remark = RemarkReport { decision: slice.decision, comment: clean(&slice.comment) };
            if decisions.slices.insert(row, remark).is_some() {
                return Err(ReviewError::Twice(format!("slice z {:.1} mm of {title}", slice.z_mm)));
            }
        }
        for lesion in &reviewed.neck_lesions {
            let id = self.neck_lesion(lesion, bone, &title)?;
            let remark = RemarkReport { decision: lesion.decision, comment: clean(&lesion.comment) };
            if decisions.neck_lesions.insert(id, remark).is_some() {
                return Err(ReviewError::Twice(format!("neck lesion {id} of {title}")));
            }
        }
        Ok(decisions)
    }

    /// The lesion of that extent, whatever its number is now.
    fn lesion(&mut self, reviewed: &LesionReview, bone: &MeasuredBone, title: &str) -> Result<usize, ReviewError> {
        let lesions: &[Lesion] = bone.lysis.as_ref().map_or(&[], |lysis| &lysis.lesions);
        let [low, high] = reviewed.z_range_mm;
        let places: Vec<Place> = lesions.iter().map(|l| (l.id, l.z_range_mm)).collect();
        let Some((id, [now_low, now_high])) = same_place(&places, (reviewed.id, [low, high])) else {
            let here: Vec<String> = lesions
                .iter()
                .map(|l| format!("lesion {} (z {:.1} to {:.1} mm)", l.id, l.z_range_mm[0], l.z_range_mm[1]))
                .collect();
            let instead = if here.is_empty() { "no lesion".into() } else { here.join(", ") };
            let what = format!("lesion {} of {title} (z {low:.1} to {high:.1} mm)", reviewed.id);
            return Err(self.not_found(what, format!("it has {instead}")));
        };
        if id != reviewed.id || !is_same([now_low, now_high], [low, high]) {
            self.note(
                format!(
                    "Lesion {} of the review (z {low:.1} to {high:.1} mm) is taken for lesion {id} of {title} (z {now_low:.1} to \
                     {now_high:.1} mm): settings or program have changed.",
                    reviewed.id
                ),
                format!(
                    "La lésion {} de la relecture (z {low:.1} à {high:.1} mm) est rapportée à la lésion {id} (z {now_low:.1} à \
                     {now_high:.1} mm) : les réglages ou le programme ont changé.",
                    reviewed.id
                ),
            );
        }
        Ok(id)
    }

    /// The same of a loss of the neck, by where it lies along the neck.
    fn neck_lesion(
        &mut self,
        reviewed: &NeckLesionReview,
        bone: &MeasuredBone,
        title: &str,
    ) -> Result<usize, ReviewError> {
        let lesions = bone.neck.as_ref().map_or(&[][..], |neck| &neck.lysis.lesions);
        let [low, high] = reviewed.from_head_range_mm;
        let places: Vec<Place> = lesions.iter().map(|l| (l.id, l.from_head_mm)).collect();
        let Some((id, [now_low, now_high])) = same_place(&places, (reviewed.id, [low, high])) else {
            let here: Vec<String> = places
                .iter()
                .map(|(id, [low, high])| format!("neck lesion {id} ({low:.1} to {high:.1} mm from the head's centre)"))
                .collect();
            let instead = if here.is_empty() { "no neck lesion".into() } else { here.join(", ") };
            let what =
                format!("neck lesion {} of {title} ({low:.1} to {high:.1} mm from the head's centre)", reviewed.id);
            return Err(self.not_found(what, format!("it has {instead}")));
        };
        if id != reviewed.id || !is_same([now_low, now_high], [low, high]) {
            self.note(
                format!(
                    "Neck lesion {} of the review ({low:.1} to {high:.1} mm from the head's centre) is taken for neck lesion {id} of \
                     {title} ({now_low:.1} to {now_high:.1} mm): settings or program have changed.",
                    reviewed.id
                ),
                format!(
                    "La lésion {} du col de la relecture ({low:.1} à {high:.1} mm du centre de la tête) est rapportée à la lésion {id} \
                     du col ({now_low:.1} à {now_high:.1} mm) : les réglages ou le programme ont changé.",
                    reviewed.id
                ),
            );
        }
        Ok(id)
    }

    /// The slice of that UID, or without one the slice at that height.
    fn slice(&self, reviewed: &SliceReview, bone: &MeasuredBone, title: &str) -> Result<usize, ReviewError> {
        let source = |row: usize| {
            let section = bone.cortex.slices.get(row)?;
            self.series.slices.get(section.slice_index)?.as_ref()
        };
        let rows = 0..bone.cortex.slices.len();
        let by_uid = reviewed
            .sop_instance_uid
            .as_deref()
            .filter(|uid| !uid.is_empty())
            .map(|uid| rows.clone().find(|row| source(*row).is_some_and(|source| source.sop_instance_uid == uid)));
        let near = |row: &usize| {
            (bone.cortex.slices[*row].z_mm - reviewed.z_mm).abs() < (0.5 * bone.cortex.slice_spacing_mm).max(0.02)
        };
        let found = match by_uid {
            Some(found) => found,
            None => rows.clone().find(near),
        };
        found.ok_or_else(|| {
            let name = match (reviewed.instance_number, &reviewed.sop_instance_uid) {
                (Some(number), _) => format!("instance {number}, z {:.1} mm", reviewed.z_mm),
                (None, Some(uid)) => format!("{uid}, z {:.1} mm", reviewed.z_mm),
                (None, None) => format!("z {:.1} mm", reviewed.z_mm),
            };
            let z = |row: Option<usize>| row.map_or(f64::NAN, |row| bone.cortex.slices[row].z_mm);
            let instead = format!("its slices reach from z {:.1} to {:.1} mm", z(rows.clone().next()), z(rows.last()));
            self.not_found(format!("the slice {name} of {title}"), instead)
        })
    }
}

/// A lesion's number and the range that it covers, mm.
type Place = (usize, [f64; 2]);

fn is_same(a: [f64; 2], b: [f64; 2]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < SAME_MM)
}

/// The place of that number and extent, else the one that shares most of its extent, and enough of it.
fn same_place(places: &[Place], (id, range): Place) -> Option<Place> {
    if let Some(same) = places.iter().find(|place| place.0 == id && is_same(place.1, range)) {
        return Some(*same);
    }
    let share = |place: &Place| common_share(place.1, range);
    // Of those of the same extent, as two at one height may be, the one of the same number was taken above.
    let nearest = places.iter().max_by(|a, b| share(a).total_cmp(&share(b)).then(b.0.cmp(&a.0)));
    nearest.filter(|place| share(place) >= COMMON_SHARE).copied()
}

/// What two ranges share of what they cover together, 0 to 1.
fn common_share([a_low, a_high]: [f64; 2], [b_low, b_high]: [f64; 2]) -> f64 {
    let both = a_high.min(b_high) - a_low.max(b_low);
    let either = a_high.max(b_high) - a_low.min(b_low);
    if both > 0.0 && either > 0.0 { both / either } else { 0.0 }
}

/// A comment on one line: it goes into tables, a terminal and DICOM text.
fn clean(comment: &str) -> String {
    let words: Vec<&str> =
        comment.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_share_what_they_cover_together() {
        assert_eq!(common_share([0.0, 10.0], [0.0, 10.0]), 1.0);
        assert_eq!(common_share([0.0, 10.0], [5.0, 15.0]), 1.0 / 3.0);
        assert_eq!(common_share([0.0, 10.0], [10.0, 20.0]), 0.0);
        assert_eq!(common_share([10.0, 0.0], [0.0, 10.0]), 0.0, "turned round");
    }

    #[test]
    fn a_comment_is_one_line_without_control_characters() {
        assert_eq!(clean(" a\n\tb\u{1b}[31mc \u{0} "), "a b [31mc");
    }

    #[test]
    fn what_is_no_review_is_refused_with_what_is_wrong() {
        let message = |text: &str| read_review(text.as_bytes()).unwrap_err().to_string();
        assert!(message("").contains("EOF"));
        assert!(message("[1]").contains("no field 'schema'"));
        assert!(message(r#"{"schema": "corticalysis/report/v1"}"#).contains("'corticalysis/report/v1'"));
        let missing = message(r#"{"schema": "corticalysis/review/v1"}"#);
        assert!(missing.contains("missing field") && missing.contains("line 1"), "{missing}");
        assert!(message(&" ".repeat(MAX_BYTES + 1)).contains("larger than 4 MB"));
        let bone = r#"{"bone": "femur", "side": "left", "z_range_mm": [0, 1]}"#;
        let twice = format!(
            r#"{{"schema": "{SCHEMA}", "tool": {{"name": "c", "version": "1"}}, "series_instance_uid": "1", "date": "", "bones": [{bone}, {bone}]}}"#
        );
        assert_eq!(message(&twice), "it speaks twice of left femur (z 0.0 to 1.0 mm)");
    }
}

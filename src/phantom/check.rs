//! Is a specification something that can be built? All of its problems at once, each by the field's name.

use super::spec::{BoneSpec, LesionSpec, PhantomSpec};
use std::fmt;
use std::path::Path;

/// Most voxels of a phantom: 2 GB of memory.
const MAX_VOXELS: usize = 1 << 30;
/// Largest seed: TOML and JSON readers agree on whole numbers up to here.
const MAX_SEED: u64 = (1 << 53) - 1;

/// A value that cannot be.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Where it stands: `bones[0].wall.thickness_mm`.
    pub field: String,
    pub value: String,
    /// What would have been accepted.
    pub accepted: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} is not {}", self.field, self.value, self.accepted)
    }
}

/// Why a specification was refused.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    #[error("cannot read the specification {path}")]
    Unreadable {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("the specification {path} is neither .toml nor .json by its name")]
    UnknownFormat { path: String },
    /// No such field, a field missing, a word where a number belongs.
    #[error("the specification {path}: {reason}")]
    Malformed { path: String, reason: String },
    #[error("the specification cannot be built: {}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("; "))]
    Impossible(Vec<Problem>),
}

/// Reads TOML or JSON, by the file's extension.
pub fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, SpecError> {
    let name = path.display().to_string();
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| SpecError::Unreadable { path: name.clone(), source })?;
    let malformed = |reason: String| SpecError::Malformed { path: name.clone(), reason: reason.trim().to_owned() };
    match extension.as_deref() {
        Some("toml") => toml::from_str(&text).map_err(|e| malformed(e.to_string())),
        Some("json") => serde_json::from_str(&text).map_err(|e| malformed(e.to_string())),
        _ => Err(SpecError::UnknownFormat { path: name }),
    }
}

/// The specification as TOML.
pub fn to_toml<T: serde::Serialize>(spec: &T) -> String {
    // Numbers, words and tables only, all of which TOML has; seeds are checked to fit.
    toml::to_string(spec).unwrap_or_else(|error| format!("# {error}\n"))
}

/// Collects what is wrong.
#[derive(Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub fn within(&mut self, field: &str, value: f64, low: f64, high: f64) {
        // NaN is within nothing.
        if !(low..=high).contains(&value) {
            self.add(field, value, format!("between {low} and {high}"));
        }
    }

    pub fn add(&mut self, field: &str, value: impl fmt::Display, accepted: impl Into<String>) {
        self.0.push(Problem { field: field.into(), value: value.to_string(), accepted: accepted.into() });
    }

    pub fn found(self) -> Result<(), SpecError> {
        if self.0.is_empty() { Ok(()) } else { Err(SpecError::Impossible(self.0)) }
    }

    /// A name that fits into every header it goes into.
    pub fn name(&mut self, name: &str) {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
        if name.trim().is_empty() || name.len() > 48 || !name.chars().all(fits) {
            self.add("name", format!("{name:?}"), "1 to 48 letters, digits, blanks and -_.");
        }
    }

    pub fn seed(&mut self, seed: u64) {
        if seed > MAX_SEED {
            self.add("seed", seed, format!("at most {MAX_SEED}"));
        }
    }

    pub fn lesion(&mut self, at: &str, lesion: &LesionSpec) {
        let field = |name: &str| format!("{at}.{name}");
        let [from, to] = lesion.span_mm();
        self.within(&field("length_mm"), to - from, 0.1, 1000.0);
        self.within(&field("along_mm"), (from + to) / 2.0, -1000.0, 1000.0);
        self.within(&field("hu"), lesion.fill_hu(), -1000.0, 3000.0);
        match *lesion {
            LesionSpec::Window { angle_deg, half_width_deg, .. }
            | LesionSpec::Sector { angle_deg, half_width_deg, .. }
            | LesionSpec::EndostealScallop { angle_deg, half_width_deg, .. }
            | LesionSpec::Permeative { angle_deg, half_width_deg, .. } => {
                self.within(&field("angle_deg"), angle_deg, -360.0, 360.0);
                self.within(&field("half_width_deg"), half_width_deg, 0.1, 180.0);
            }
            LesionSpec::Ball { offset_mm, angle_deg, radius_mm, .. }
            | LesionSpec::Blastic { offset_mm, angle_deg, radius_mm, .. }
            | LesionSpec::Mixed { offset_mm, angle_deg, radius_mm, .. } => {
                self.within(&field("angle_deg"), angle_deg, -360.0, 360.0);
                self.within(&field("offset_mm"), offset_mm, 0.0, 100.0);
                self.within(&field("radius_mm"), radius_mm, 0.1, 100.0);
            }
        }
        match *lesion {
            LesionSpec::Sector { taper_mm, length_mm, .. } => {
                self.within(&field("taper_mm"), taper_mm, 0.0, length_mm / 2.0);
            }
            LesionSpec::EndostealScallop { remaining_mm, .. } => {
                self.within(&field("remaining_mm"), remaining_mm, 0.0, 30.0);
            }
            LesionSpec::Permeative { density_loss, .. } => {
                self.within(&field("density_loss"), density_loss, 0.0, 1.0);
            }
            LesionSpec::Mixed { canal_hu, .. } => self.within(&field("canal_hu"), canal_hu, -1000.0, 3000.0),
            _ => {}
        }
    }
}

impl PhantomSpec {
    /// Can it be built?
    pub fn check(&self) -> Result<(), SpecError> {
        let mut problems = Problems::default();
        problems.name(&self.name);
        problems.seed(self.seed);
        for (n, size) in self.image.size.into_iter().enumerate() {
            if !(1..=4096).contains(&size) {
                problems.add(&format!("image.size[{n}]"), size, "between 1 and 4096");
            }
        }
        let voxels = self.image.size.iter().try_fold(1usize, |product, n| product.checked_mul(*n));
        if voxels.is_none_or(|voxels| voxels > MAX_VOXELS) {
            problems.add("image.size", format!("{:?}", self.image.size), format!("at most {MAX_VOXELS} voxels"));
        }
        for (n, mm) in self.image.spacing_mm.into_iter().enumerate() {
            problems.within(&format!("image.spacing_mm[{n}]"), mm, 0.05, 10.0);
        }
        for (n, mm) in self.image.middle_mm.into_iter().enumerate() {
            problems.within(&format!("image.middle_mm[{n}]"), mm, -3000.0, 3000.0);
        }
        let s = &self.scanner;
        problems.within("scanner.kvp", s.kvp, 40.0, 200.0);
        problems.within("scanner.fwhm_mm", s.fwhm_mm, 0.1, 10.0);
        problems.within("scanner.slice_thickness_mm", s.slice_thickness_mm, 0.05, 20.0);
        problems.within("scanner.overshoot", s.overshoot, 0.0, 2.0);
        problems.within("scanner.overshoot_fwhm_mm", s.overshoot_fwhm_mm, 0.1, 20.0);
        problems.within("scanner.noise_hu", s.noise_hu, 0.0, 500.0);
        problems.within("scanner.noise_neighbour", s.noise_neighbour, -0.5, 1.0);
        if s.kernel.len() > 16 || !s.kernel.chars().all(|c| c.is_ascii_graphic() && c != '\\') {
            problems.add("scanner.kernel", format!("{:?}", s.kernel), "a name of at most 16 letters and digits");
        }
        for (name, hu) in [
            ("body.soft_tissue_hu", self.body.soft_tissue_hu),
            ("body.fat_hu", self.body.fat_hu),
            ("body.air_hu", self.body.air_hu),
        ] {
            problems.within(name, hu, -1024.0, 3000.0);
        }
        if let Some(limb) = &self.body.limb {
            problems.within("body.limb.muscle_radius_mm", limb.muscle_radius_mm, 1.0, 500.0);
            problems.within("body.limb.skin_radius_mm", limb.skin_radius_mm, limb.muscle_radius_mm, 500.0);
        }
        if let Some(table) = &self.body.table {
            problems.within("body.table.top_y_mm", table.top_y_mm, -3000.0, 3000.0);
            problems.within("body.table.thickness_mm", table.thickness_mm, 0.5, 500.0);
            problems.within("body.table.skin_mm", table.skin_mm, 0.0, table.thickness_mm / 2.0);
            problems.within("body.table.skin_hu", table.skin_hu, -1024.0, 3000.0);
            problems.within("body.table.core_hu", table.core_hu, -1024.0, 3000.0);
        }
        if self.bones.is_empty() {
            problems.add("bones", "none", "one bone or more");
        }
        for (n, bone) in self.bones.iter().enumerate() {
            check_bone(&mut problems, &format!("bones[{n}]"), bone);
        }
        problems.found()
    }
}

fn check_bone(problems: &mut Problems, at: &str, bone: &BoneSpec) {
    let field = |name: &str| format!("{at}.{name}");
    for mm in bone.centre_mm {
        problems.within(&field("centre_mm"), mm, -3000.0, 3000.0);
    }
    for degrees in bone.tilt_deg {
        problems.within(&field("tilt_deg"), degrees, -60.0, 60.0);
    }
    problems.within(&field("rotation_deg"), bone.rotation_deg, -360.0, 360.0);
    problems.within(&field("scale"), bone.scale, 0.2, 5.0);
    problems.within(&field("along_mm"), bone.along_mm, -1000.0, 1000.0);
    for mm in bone.semi_axes_mm {
        problems.within(&field("semi_axes_mm"), mm, 2.0, 60.0);
    }
    if let Some(mm) = bone.bow_radius_mm {
        problems.within(&field("bow_radius_mm"), mm, 100.0, 1e9);
    }
    if let Some(hu) = bone.cortical_hu {
        problems.within(&field("cortical_hu"), hu, 100.0, 3000.0);
    }
    problems.within(&field("marrow_hu"), bone.marrow_hu, -1000.0, 3000.0);
    problems.within(&field("ridge.height_mm"), bone.ridge.height_mm, 0.0, 20.0);
    problems.within(&field("ridge.width_deg"), bone.ridge.width_deg, 1.0, 180.0);
    problems.within(&field("ridge.angle_deg"), bone.ridge.angle_deg, -360.0, 360.0);
    let thinnest = bone.semi_axes_mm[0].min(bone.semi_axes_mm[1]);
    problems.within(&field("wall.thickness_mm"), bone.wall.thickness_mm, 0.1, thinnest);
    problems.within(&field("wall.posterior_mm"), bone.wall.posterior_mm.abs(), 0.0, bone.wall.thickness_mm * 0.95);
    problems.within(&field("wall.thinning_per_mm"), bone.wall.thinning_per_mm, -0.1, 0.1);
    problems.within(&field("wall.transition_mm"), bone.wall.transition_mm, 0.0, 2.0 * thinnest);
    for (n, end) in bone.metaphyses.iter().enumerate() {
        let field = |name: &str| format!("{at}.metaphyses[{n}].{name}");
        problems.within(&field("start_mm"), end.start_mm, -1000.0, 1000.0);
        problems.within(&field("length_mm"), end.length_mm, 1.0, 500.0);
        problems.within(&field("shell_mm"), end.shell_mm, 0.1, 10.0);
        problems.within(&field("trabecular_hu"), end.trabecular_hu, -1000.0, 3000.0);
        for growth in end.growth_per_mm {
            problems.within(&field("growth_per_mm"), growth, 0.0, 1.5);
        }
    }
    for (n, lesion) in bone.lesions.iter().enumerate() {
        problems.lesion(&format!("{at}.lesions[{n}]"), lesion);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::presets::{PRESETS, window_lesion};

    #[test]
    fn every_preset_is_sound_and_reads_back_from_toml_and_json() {
        for preset in PRESETS {
            let spec = (preset.spec)();
            spec.check().unwrap_or_else(|e| panic!("{}: {e}", preset.name));
            let text = to_toml(&spec);
            let read: PhantomSpec = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}\n{text}", preset.name));
            assert_eq!(read, spec, "{text}");
            let json = serde_json::to_string(&spec).unwrap();
            assert_eq!(serde_json::from_str::<PhantomSpec>(&json).unwrap(), spec);
        }
    }

    #[test]
    fn all_problems_are_told_by_the_name_of_the_field() {
        let mut spec = window_lesion();
        spec.scanner.fwhm_mm = 0.0;
        spec.image.spacing_mm[2] = f64::NAN;
        if let LesionSpec::Window { half_width_deg, .. } = &mut spec.bones[0].lesions[0] {
            *half_width_deg = 400.0;
        }
        let message = spec.check().unwrap_err().to_string();
        for part in [
            "scanner.fwhm_mm: 0 is not between 0.1 and 10",
            "image.spacing_mm[2]: NaN",
            "bones[0].lesions[0].half_width_deg: 400 is not between 0.1 and 180",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn an_unknown_field_and_a_bad_word_are_refused_by_name() {
        let text = to_toml(&window_lesion());
        for (from, to, part) in [
            ("marrow_hu", "marow_hu", "marow_hu"),
            ("half_width_deg", "halfwidth_deg", "halfwidth_deg"),
            ("kind = \"window\"", "kind = \"windw\"", "windw"),
            ("bone = \"femur\"", "bone = \"femru\"", "did you mean 'femur'"),
        ] {
            assert!(text.contains(from), "{text}");
            let error = toml::from_str::<PhantomSpec>(&text.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_examples_of_the_page_can_be_built() {
        let page = include_str!("../../docs/phantom.md");
        let example = |n: usize| page.split("```toml\n").nth(n).and_then(|rest| rest.split("```").next()).unwrap();
        toml::from_str::<PhantomSpec>(example(1)).unwrap().check().unwrap();
        toml::from_str::<crate::phantom::into::IntoSpec>(example(2)).unwrap().check().unwrap();
        assert!(PRESETS.iter().all(|preset| page.contains(&format!("`{}`", preset.name))));
    }

    #[test]
    fn a_short_specification_is_enough() {
        let spec: PhantomSpec = toml::from_str("name = \"short\"\n[[bones]]\nside = \"left\"\n").unwrap();
        spec.check().unwrap();
        assert_eq!(spec.bones[0].semi_axes_mm, [13.5, 14.5]);
    }
}

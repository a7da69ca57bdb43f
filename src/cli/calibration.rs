//! `--calibration`: from its words to a calibration.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;

use crate::dicom::Series;
use crate::rigidity::{
    Calibration, CalibrationChoice, DensityKind, ModulusLaw, RigiditySettings, from_rods, from_table,
    is_direct_density, rods,
};
use crate::volume::Volume;
use crate::words::{BadValue, parse_word};

/// How HU are to become density, as the command line says it.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum CalibrationArg {
    /// From the image's own air, fat and muscle.
    #[default]
    Internal,
    /// The documented default.
    Default,
    /// `density = intercept + slope · HU`, g/cm³.
    Linear { slope: f64, intercept_g_cm3: f64, density: DensityKind },
    /// The planning system's table.
    Table(PathBuf),
    /// Rods of a phantom in the image.
    Rods(PathBuf),
    /// One that `--save-calibration` wrote.
    Saved(PathBuf),
}

const ACCEPTED: &str = "internal, default, linear:SLOPE,INTERCEPT,KIND (g/cm³ per HU, g/cm³, and k2hpo4, hydroxyapatite, ash, apparent \
    or physical), table:FILE (the planning system's HU and density), rods:FILE (a phantom in the image) or saved:FILE";

const KINDS: &[(&str, DensityKind)] = &[
    ("k2hpo4", DensityKind::K2hpo4),
    ("hydroxyapatite", DensityKind::Hydroxyapatite),
    ("ash", DensityKind::Ash),
    ("apparent", DensityKind::Apparent),
    ("physical", DensityKind::Physical),
];

impl FromStr for CalibrationArg {
    type Err = BadValue;

    fn from_str(given: &str) -> Result<Self, BadValue> {
        let refused = || BadValue {
            what: "a calibration",
            given: given.to_owned(),
            accepted: ACCEPTED.to_owned(),
            nearest: None,
        };
        let (word, rest) = given.split_once(':').unwrap_or((given, ""));
        let file = || if rest.trim().is_empty() { Err(refused()) } else { Ok(PathBuf::from(rest.trim())) };
        match (word.trim().to_lowercase().as_str(), rest) {
            ("internal", "") => Ok(Self::Internal),
            ("default", "") => Ok(Self::Default),
            ("table", _) => file().map(Self::Table),
            ("rods", _) => file().map(Self::Rods),
            ("saved", _) => file().map(Self::Saved),
            ("linear", line) => {
                let parts: Vec<&str> = line.split(',').map(str::trim).collect();
                let [slope, intercept, kind] = parts.as_slice() else { return Err(refused()) };
                let number = |text: &str| text.parse().ok().filter(|v: &f64| v.is_finite()).ok_or_else(refused);
                let (slope, intercept_g_cm3) = (number(slope)?, number(intercept)?);
                let density = parse_word("a kind of density", kind, KINDS)?;
                // What a file would be refused for, the command line is.
                Calibration::linear("linear", density, slope, intercept_g_cm3).map_err(|_| refused())?;
                Ok(Self::Linear { slope, intercept_g_cm3, density })
            }
            _ => Err(refused()),
        }
    }
}

/// In the words of the command line; of a file its kind, as its name may be the patient's.
impl std::fmt::Display for CalibrationArg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Internal => f.write_str("internal"),
            Self::Default => f.write_str("default"),
            Self::Linear { slope, intercept_g_cm3, density } => {
                let (kind, _) = KINDS.iter().find(|(_, kind)| kind == density).expect("every kind has its word");
                write!(f, "linear:{slope},{intercept_g_cm3},{kind}")
            }
            Self::Table(_) => f.write_str("table"),
            Self::Rods(_) => f.write_str("rods"),
            Self::Saved(_) => f.write_str("saved"),
        }
    }
}

/// What the measurement needs: files read, rods looked for in the image.
pub fn rigidity_settings(
    arg: &CalibrationArg,
    law: ModulusLaw,
    series: &Series,
    volume: &Volume<i16>,
) -> anyhow::Result<RigiditySettings> {
    // Tables come from spreadsheets, whose headings are not always UTF-8; their numbers are.
    let read = |path: &Path| -> anyhow::Result<String> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let of = |path: &Path| format!("the calibration in {}", path.display());
    let calibration = match arg {
        CalibrationArg::Internal => CalibrationChoice::Internal,
        CalibrationArg::Default => CalibrationChoice::Default,
        CalibrationArg::Linear { slope, intercept_g_cm3, density } => {
            CalibrationChoice::Given(Calibration::linear("linear", *density, *slope, *intercept_g_cm3)?)
        }
        CalibrationArg::Table(path) => CalibrationChoice::Given(from_table(&read(path)?).with_context(|| of(path))?),
        CalibrationArg::Rods(path) => {
            let made = rods(&read(path)?).and_then(|(kind, rods)| from_rods(volume, kind, &rods));
            CalibrationChoice::Given(made.with_context(|| of(path))?)
        }
        CalibrationArg::Saved(path) => {
            let saved: Calibration = serde_json::from_str(&read(path)?).with_context(|| of(path))?;
            saved.check().with_context(|| of(path))?;
            CalibrationChoice::Given(saved)
        }
    };
    let header = &series.header;
    Ok(RigiditySettings {
        calibration,
        law,
        contrast: header.has_contrast,
        direct_density: is_direct_density(&header.kernel, &header.series_description),
    })
}

/// Writes a calibration so that `saved:FILE` reads it; beside the target first, then renamed.
pub fn save(calibration: &Calibration, path: &Path) -> anyhow::Result<()> {
    let cannot = || format!("cannot write the calibration to {}", path.display());
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut text = serde_json::to_string_pretty(calibration)?;
    text.push('\n');
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).with_context(cannot)?;
    file.persist(path).with_context(cannot)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_read_and_printed() {
        for (text, printed) in [
            ("internal", "internal"),
            ("Default", "default"),
            ("linear:0.0007,-0.009,ash", "linear:0.0007,-0.009,ash"),
            ("table:ct.csv", "table"),
            ("rods:C:/r.csv", "rods"),
            ("saved:c.json", "saved"),
        ] {
            assert_eq!(text.parse::<CalibrationArg>().unwrap().to_string(), printed);
        }
    }

    #[test]
    fn what_is_no_calibration_is_refused_with_what_is() {
        for bad in [
            "",
            "phantom",
            "linear:1,2",
            "linear:a,0,ash",
            "linear:-0.001,0,ash",
            "table:",
            "linear:0.001,0,bone",
            "internal:x",
        ] {
            assert!(bad.parse::<CalibrationArg>().is_err(), "{bad}");
        }
        assert!("linear:1.2,0,ash".parse::<CalibrationArg>().is_err(), "mg/cm³ for g/cm³");
    }

    #[test]
    fn what_was_saved_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.json");
        let made = Calibration::fallback();
        save(&made, &path).unwrap();
        let again: Calibration = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(again, made);
        assert!(save(&made, &folder.path().join("none/c.json")).is_err());
    }
}

//! From HU to density: what was used, how well it fits, and what it must not be believed for.

use super::density::{Apparent, DensityKind};
use super::tissue::hu_per_hydroxyapatite;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How HU become density, and where that comes from. Can be written to a file and used again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// `internal`, `rods`, `table`, `linear` or `default`.
    pub method: String,
    /// What the density is of.
    pub density: DensityKind,
    /// HU and density in g/cm³, rising; straight lines between and beyond.
    pub curve: Vec<CurvePoint>,
    /// What it was made from, with what is left over; empty where nothing was fitted.
    pub points: Vec<FitPoint>,
    /// Standard deviation of what is left over, HU; `null` where nothing was fitted.
    pub residual_hu: Option<f64>,
    /// Effective energy of the beam that fits best, keV; `null` where it plays no part.
    pub effective_energy_kev: Option<f64>,
    /// What the reader must know.
    pub warnings: Vec<String>,
}

/// A node of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CurvePoint {
    pub hu: f64,
    pub density_g_cm3: f64,
}

/// Something of known density, seen in an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FitPoint {
    /// `air`, `fat`, `muscle`, or the number of the rod.
    pub name: String,
    pub measured_hu: f64,
    /// HU that the fit expects of it.
    pub expected_hu: f64,
}

/// Why a calibration cannot be made or used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// Two nodes at least, HU and density both rising, finite.
    #[error("{0}")]
    BadCurve(String),
    /// The table cannot be read; which line and why.
    #[error("{0}")]
    BadTable(String),
    /// The tissues or rods are not in the image.
    #[error("{0}")]
    NotFound(String),
}

/// Effective energy that stands for an unknown beam, keV: the middle of what 100 to 140 kV beams have.
pub const DEFAULT_KEV: f64 = 75.0;

impl Calibration {
    /// From nodes of a curve; refuses one that does not rise.
    pub fn from_curve(method: &str, density: DensityKind, curve: Vec<CurvePoint>) -> Result<Self, CalibrationError> {
        let calibration = Self {
            method: method.into(),
            density,
            curve,
            points: Vec::new(),
            residual_hu: None,
            effective_energy_kev: None,
            warnings: Vec::new(),
        };
        calibration.check()?;
        Ok(calibration)
    }

    /// `density = intercept + slope · HU`, g/cm³.
    pub fn linear(
        method: &str,
        density: DensityKind,
        slope: f64,
        intercept_g_cm3: f64,
    ) -> Result<Self, CalibrationError> {
        let node = |hu: f64| CurvePoint { hu, density_g_cm3: intercept_g_cm3 + slope * hu };
        Self::from_curve(method, density, vec![node(-1000.0), node(3000.0)])
    }

    /// Where nothing is known of the scanner: hydroxyapatite in water at `DEFAULT_KEV`, HU as they stand.
    pub fn fallback() -> Self {
        let slope = 1.0 / hu_per_hydroxyapatite(DEFAULT_KEV);
        let mut made = Self::linear("default", DensityKind::Hydroxyapatite, slope, 0.0).expect("a rising line");
        made.effective_energy_kev = Some(DEFAULT_KEV);
        made.warnings.push(format!(
            "No calibration: HU are taken as they stand, for a beam of {DEFAULT_KEV:.0} keV. HU of bone differ by 20 % between tube \
             voltages, and stiffness by twice as much; reductions, which are ratios, hardly."
        ));
        made
    }

    /// Are there two nodes or more, all finite, in which HU and density rise?
    pub fn check(&self) -> Result<(), CalibrationError> {
        let bad = |why: String| Err(CalibrationError::BadCurve(why));
        if self.curve.len() < 2 {
            return bad("a calibration needs two points or more".into());
        }
        if self.curve.iter().any(|p| !p.hu.is_finite() || !p.density_g_cm3.is_finite()) {
            return bad("a calibration's HU and densities must be numbers".into());
        }
        for pair in self.curve.windows(2) {
            let [a, b] = pair else { continue };
            if b.hu <= a.hu {
                return bad(format!("HU must rise from point to point, {} follows {}", b.hu, a.hu));
            }
            // The published planning curves dip a little where one tissue's line meets the next.
            if b.density_g_cm3 < a.density_g_cm3 - 0.06 {
                return bad(format!(
                    "density must rise with HU, {} g/cm³ at {} HU follows {} g/cm³ at {} HU",
                    b.density_g_cm3, b.hu, a.density_g_cm3, a.hu
                ));
            }
        }
        let (first, last) = (self.curve[0], self.curve[self.curve.len() - 1]);
        if last.density_g_cm3 <= first.density_g_cm3 {
            return bad("density must rise with HU".into());
        }
        let per_1000_hu = 1000.0 * (last.density_g_cm3 - first.density_g_cm3) / (last.hu - first.hu);
        if !(0.1..=10.0).contains(&per_1000_hu) {
            return bad(format!(
                "{per_1000_hu:.4} g/cm³ per 1000 HU is no density of tissue: densities are in g/cm³, not mg/cm³"
            ));
        }
        Ok(())
    }

    /// Density of the calibration's own kind, g/cm³.
    pub fn density_g_cm3(&self, hu: f64) -> f64 {
        let n = self.curve.len();
        let after = self.curve.partition_point(|p| p.hu <= hu).clamp(1, n - 1);
        let (a, b) = (self.curve[after - 1], self.curve[after]);
        a.density_g_cm3 + (b.density_g_cm3 - a.density_g_cm3) * (hu - a.hu) / (b.hu - a.hu)
    }

    /// Apparent density, whatever the calibration's own kind.
    pub fn apparent(&self, hu: f64) -> Apparent {
        self.density.apparent(self.density_g_cm3(hu))
    }

    /// Says so where compact bone lies far beyond what the calibration has seen.
    pub fn warn_of_extrapolation(&mut self, cortical_hu: f64) {
        let seen = match self.method.as_str() {
            "rods" => self.points.iter().map(|p| p.measured_hu).fold(f64::NEG_INFINITY, f64::max),
            "table" => self.curve.last().map_or(f64::NEG_INFINITY, |p| p.hu),
            _ => return,
        };
        if cortical_hu > seen + 100.0 {
            self.warnings.push(format!(
                "Compact bone ({cortical_hu:.0} HU) is denser than anything the calibration has seen ({seen:.0} HU): its density is \
                 extrapolated."
            ));
        }
    }
}

/// Does kernel or description say that HU were made proportional to density ("direct density" reconstructions of planning
/// scanners)? There bone reads a third of its HU, and neither thresholds nor tissue tables hold.
pub fn is_direct_density(kernel: &str, description: &str) -> bool {
    let told = |text: &str| {
        let plain: String = text.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        plain.contains("directdensity")
    };
    // Siemens names these kernels Sd, with the sharpness behind.
    let first = kernel.split('\\').next().unwrap_or_default().trim();
    let sharpness = first.strip_prefix("Sd").unwrap_or_default();
    told(kernel) || told(description) || sharpness.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(f64, f64)]) -> Result<Calibration, CalibrationError> {
        let node = |(hu, density_g_cm3): &(f64, f64)| CurvePoint { hu: *hu, density_g_cm3: *density_g_cm3 };
        Calibration::from_curve("table", DensityKind::Physical, points.iter().map(node).collect())
    }

    #[test]
    fn straight_between_and_beyond_the_nodes() {
        let made = curve(&[(-1000.0, 0.0), (0.0, 1.0), (1600.0, 1.96)]).unwrap();
        for (hu, density) in [(-1000.0, 0.0), (-500.0, 0.5), (0.0, 1.0), (800.0, 1.48), (1600.0, 1.96), (3200.0, 2.92)]
        {
            assert!((made.density_g_cm3(hu) - density).abs() < 1e-12, "{hu}");
        }
    }

    #[test]
    fn a_curve_that_falls_or_stands_is_refused() {
        assert!(curve(&[(0.0, 1.0)]).is_err());
        assert!(curve(&[(0.0, 1.0), (0.0, 1.2)]).is_err());
        assert!(curve(&[(0.0, 1.5), (1000.0, 1.0)]).is_err());
        assert!(curve(&[(0.0, 1.0), (f64::NAN, 1.2)]).is_err());
        // mg/cm³ for g/cm³.
        assert!(curve(&[(-1000.0, 1.2), (1600.0, 1964.0)]).is_err());
        // The dip that a published table has at 100 HU.
        assert!(curve(&[(23.0, 1.031), (100.0, 1.1199), (101.0, 1.0762), (1600.0, 1.9642)]).is_ok());
    }

    #[test]
    fn without_calibration_compact_bone_is_plausible_and_said_to_be_a_guess() {
        let made = Calibration::fallback();
        assert!((1.0..1.4).contains(&made.density_g_cm3(1450.0)));
        assert_eq!(made.warnings.len(), 1);
    }

    #[test]
    fn direct_density_is_told_by_kernel_or_text() {
        for (kernel, text) in [("Sd36f", ""), ("Sd40", ""), ("", "Pelvis DirectDensity 3.0"), ("direct density", "")] {
            assert!(is_direct_density(kernel, text), "{kernel} {text}");
        }
        for (kernel, text) in [("STANDARD", ""), ("B30f", "Thorax direct"), ("Sharp", ""), ("", "")] {
            assert!(!is_direct_density(kernel, text), "{kernel} {text}");
        }
    }
}

//! Names of the regions of a bone, told from its landmarks.

use super::{BoneName, Landmarks};

/// From the lower edge of the lesser trochanter to here, the femur is subtrochanteric (Fielding), mm.
pub const SUBTROCHANTERIC_MM: f64 = 50.0;
/// From a knee joint or condyle upwards, what counts as metaphysis here, mm; a convention of this tool.
const METAPHYSIS_MM: f64 = 70.0;
/// Where thirds of the shaft cannot be told from both ends: length of an adult's shaft below the subtrochanteric region, and
/// below the surgical neck, mm. Assumptions.
const FEMUR_SHAFT_MM: f64 = 260.0;
const HUMERUS_SHAFT_MM: f64 = 230.0;

/// A region of a bone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    HeadOrNeck,
    Intertrochanteric,
    Subtrochanteric,
    ProximalMetaphysis,
    ProximalShaft,
    MiddleShaft,
    DistalShaft,
    DistalMetaphysis,
    /// Which third is not known.
    Shaft,
}

impl Zone {
    /// How reports spell it.
    pub fn word(self) -> &'static str {
        match self {
            Zone::HeadOrNeck => "head-or-neck",
            Zone::Intertrochanteric => "intertrochanteric",
            Zone::Subtrochanteric => "subtrochanteric",
            Zone::ProximalMetaphysis => "proximal-metaphysis",
            Zone::ProximalShaft => "proximal-shaft",
            Zone::MiddleShaft => "middle-shaft",
            Zone::DistalShaft => "distal-shaft",
            Zone::DistalMetaphysis => "distal-metaphysis",
            Zone::Shaft => "shaft",
        }
    }
}

impl Landmarks {
    /// The region at a height of the bone's axis, patient z in mm; heads lie towards the head.
    pub fn zone(&self, name: BoneName, z_mm: f64) -> Zone {
        let third = |below_mm: f64, length_mm: f64| match 3.0 * below_mm / length_mm {
            t if t < 1.0 => Zone::ProximalShaft,
            t if t < 2.0 => Zone::MiddleShaft,
            _ => Zone::DistalShaft,
        };
        let condyle = ["medial_condyle", "lateral_condyle"]
            .iter()
            .filter_map(|name| self.points_mm.get(name))
            .map(|point| point.z)
            .reduce(f64::min);
        if condyle.is_some_and(|z| z_mm - z < METAPHYSIS_MM) {
            return Zone::DistalMetaphysis;
        }
        match (name, self.lesser_trochanter_z_mm, self.surgical_neck_z_mm) {
            (BoneName::Femur, Some(edge), _) if z_mm >= edge => match self.greater_trochanter_z_mm {
                Some(tip) if z_mm > tip => Zone::HeadOrNeck,
                _ => Zone::Intertrochanteric,
            },
            (BoneName::Femur, Some(edge), _) if z_mm >= edge - SUBTROCHANTERIC_MM => Zone::Subtrochanteric,
            (BoneName::Femur, Some(edge), _) => {
                let top = edge - SUBTROCHANTERIC_MM;
                third(top - z_mm, condyle.map_or(FEMUR_SHAFT_MM, |z| top - z - METAPHYSIS_MM))
            }
            (BoneName::Humerus, _, Some(neck)) if z_mm >= neck => Zone::ProximalMetaphysis,
            (BoneName::Humerus, _, Some(neck)) => third(neck - z_mm, HUMERUS_SHAFT_MM),
            (BoneName::Femur, None, _) => condyle.map_or(Zone::Shaft, |z| {
                third(FEMUR_SHAFT_MM - (z_mm - z - METAPHYSIS_MM).min(FEMUR_SHAFT_MM), FEMUR_SHAFT_MM)
            }),
            _ => Zone::Shaft,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::Point3;

    #[test]
    fn a_femur_is_told_from_head_to_knee() {
        let mut seen = Landmarks {
            lesser_trochanter_z_mm: Some(400.0),
            greater_trochanter_z_mm: Some(450.0),
            ..Landmarks::default()
        };
        seen.points_mm.insert("medial_condyle", Point3::new(0.0, 0.0, 20.0));
        let zone = |z| seen.zone(BoneName::Femur, z);
        assert_eq!(
            [460.0, 420.0, 399.0, 351.0, 349.0, 220.0, 100.0, 60.0].map(zone),
            [
                Zone::HeadOrNeck,
                Zone::Intertrochanteric,
                Zone::Subtrochanteric,
                Zone::Subtrochanteric,
                Zone::ProximalShaft,
                Zone::MiddleShaft,
                Zone::DistalShaft,
                Zone::DistalMetaphysis
            ]
        );
    }

    #[test]
    fn without_landmarks_it_is_the_shaft() {
        for name in [BoneName::Femur, BoneName::Tibia, BoneName::Humerus, BoneName::Unknown] {
            assert_eq!(Landmarks::default().zone(name, 12.0), Zone::Shaft);
        }
    }
}

//! What a lesion does to a point of a bone.

use super::bone::PlacedBone;
use super::spec::LesionSpec;
use nalgebra::Vector3;

impl LesionSpec {
    /// Its shape in the words of the specification.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Window { .. } => "window",
            Self::Sector { .. } => "sector",
            Self::EndostealScallop { .. } => "endosteal-scallop",
            Self::Ball { .. } => "ball",
            Self::Permeative { .. } => "permeative",
            Self::Blastic { .. } => "blastic",
            Self::Mixed { .. } => "mixed",
        }
    }

    /// `lytic`, `mixed` or `blastic`.
    pub fn lesion_type(&self) -> &'static str {
        match self {
            Self::Blastic { .. } => "blastic",
            Self::Mixed { .. } => "mixed",
            _ => "lytic",
        }
    }

    /// Positions along the bone at which it begins and ends.
    pub fn span_mm(&self) -> [f64; 2] {
        let (along, length) = match *self {
            Self::Window { along_mm, length_mm, .. }
            | Self::Sector { along_mm, length_mm, .. }
            | Self::EndostealScallop { along_mm, length_mm, .. }
            | Self::Permeative { along_mm, length_mm, .. } => (along_mm, length_mm),
            Self::Ball { along_mm, radius_mm, length_mm, .. }
            | Self::Blastic { along_mm, radius_mm, length_mm, .. }
            | Self::Mixed { along_mm, radius_mm, length_mm, .. } => (along_mm, length_mm.unwrap_or(2.0 * radius_mm)),
        };
        [along - length / 2.0, along + length / 2.0]
    }

    /// Does its extent along the bone meet the stretch between two positions.
    pub fn spans(&self, a: f64, b: f64) -> bool {
        let [from, to] = self.span_mm();
        a.min(b) <= to && a.max(b) >= from
    }

    /// HU that takes the place of lost wall.
    pub fn fill_hu(&self) -> f64 {
        match *self {
            Self::Window { hu, .. }
            | Self::Sector { hu, .. }
            | Self::EndostealScallop { hu, .. }
            | Self::Ball { hu, .. }
            | Self::Permeative { hu, .. }
            | Self::Blastic { hu, .. }
            | Self::Mixed { hu, .. } => hu,
        }
    }

    /// Share of the wall's density, 0 to 1, that is gone at a point of the bone's own frame; `inset` is how deep below
    /// the periosteal ellipse the point lies, where that matters.
    pub(super) fn wall_loss(&self, q: Vector3<f64>, is_deeper_than: impl Fn(f64) -> bool) -> f64 {
        if !self.spans(q.z, q.z) {
            return 0.0;
        }
        let gone = match *self {
            Self::Window { angle_deg, half_width_deg, .. } => within_angle(q, angle_deg, half_width_deg),
            Self::Sector { .. } => self.in_tapered_sector(q),
            Self::EndostealScallop { angle_deg, half_width_deg, remaining_mm, .. } => {
                within_angle(q, angle_deg, half_width_deg) && is_deeper_than(remaining_mm)
            }
            Self::Ball { .. } | Self::Mixed { .. } => self.in_ball(q),
            Self::Permeative { angle_deg, half_width_deg, density_loss, .. } => {
                return if within_angle(q, angle_deg, half_width_deg) { density_loss } else { 0.0 };
            }
            Self::Blastic { .. } => false,
        };
        if gone { 1.0 } else { 0.0 }
    }

    /// HU that takes the place of the canal's content at a point; `None` where the lesion leaves it.
    pub(super) fn canal_fill(&self, q: Vector3<f64>) -> Option<f64> {
        match *self {
            Self::Sector { hu, .. } => self.in_tapered_sector(q).then_some(hu),
            Self::Ball { hu, .. } | Self::Blastic { hu, .. } => self.in_ball(q).then_some(hu),
            Self::Mixed { canal_hu, .. } => self.in_ball(q).then_some(canal_hu),
            Self::Window { .. } | Self::EndostealScallop { .. } | Self::Permeative { .. } => None,
        }
    }

    fn in_tapered_sector(&self, q: Vector3<f64>) -> bool {
        let Self::Sector { angle_deg, half_width_deg, along_mm, length_mm, taper_mm, .. } = *self else { return false };
        let to_end = length_mm / 2.0 - (q.z - along_mm).abs();
        let narrowing = if taper_mm > 0.0 { (to_end / taper_mm).min(1.0) } else { 1.0 };
        to_end >= 0.0 && within_angle(q, angle_deg, half_width_deg * narrowing)
    }

    fn in_ball(&self, q: Vector3<f64>) -> bool {
        let (Self::Ball { offset_mm, angle_deg, radius_mm, along_mm, length_mm, .. }
        | Self::Blastic { offset_mm, angle_deg, radius_mm, along_mm, length_mm, .. }
        | Self::Mixed { offset_mm, angle_deg, radius_mm, along_mm, length_mm, .. }) = *self
        else {
            return false;
        };
        let (sin, cos) = angle_deg.to_radians().sin_cos();
        let stretch = length_mm.map_or(1.0, |length| 2.0 * radius_mm / length);
        Vector3::new(q.x - offset_mm * cos, q.y - offset_mm * sin, (q.z - along_mm) * stretch).norm() <= radius_mm
    }
}

fn within_angle(q: Vector3<f64>, angle_deg: f64, half_width_deg: f64) -> bool {
    let (sin, cos) = angle_deg.to_radians().sin_cos();
    q.x * cos + q.y * sin >= q.x.hypot(q.y).max(1e-9) * half_width_deg.to_radians().cos()
}

impl PlacedBone<'_> {
    /// Share of the wall's density that all of `lesions` together took at a point of the own frame.
    pub(super) fn wall_loss<'l>(&self, lesions: impl IntoIterator<Item = &'l LesionSpec>, q: Vector3<f64>) -> f64 {
        let deeper = |inset: f64| q.x.hypot(q.y) < self.ellipse(q, inset);
        1.0 - lesions.into_iter().map(|lesion| 1.0 - lesion.wall_loss(q, deeper)).product::<f64>()
    }

    /// HU of the wall at a point of the own frame, where it is at its full density when intact.
    pub(super) fn wall_hu(&self, cortical_hu: f64, q: Vector3<f64>) -> f64 {
        let deeper = |inset: f64| q.x.hypot(q.y) < self.ellipse(q, inset);
        self.spec
            .lesions
            .iter()
            .fold(cortical_hu, |hu, lesion| hu + (lesion.fill_hu() - hu) * lesion.wall_loss(q, deeper))
    }

    /// HU of the canal at a point of the own frame.
    pub(super) fn canal_content_hu(&self, q: Vector3<f64>) -> f64 {
        let mut fills = self.spec.lesions.iter().filter_map(|lesion| lesion.canal_fill(q));
        fills.next_back().unwrap_or_else(|| self.canal_hu(q.z))
    }

    /// Does a lesion reach the stretch between two positions along the bone.
    pub(super) fn is_touched(&self, a: f64, b: f64) -> bool {
        self.spec.lesions.iter().any(|lesion| lesion.spans(a, b))
    }
}

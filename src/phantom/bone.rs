//! A bone placed in the patient: where its surfaces lie, before any scanner.
//!
//! A bone is a tube around a bowed, tilted axis: an ellipse with a ridge outside, a wall whose thickness depends on the
//! angle and the position along the bone, ends that widen while the wall thins to a shell.

use super::spec::{BoneSpec, MetaphysisSpec, Towards};
use nalgebra::{Matrix3, Point3, Rotation3, Vector3};

/// Distances from the axis, across the bone and before `scale`, at which the wall begins and ends at one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wall {
    /// Where the density begins to rise from the canal's.
    pub inner_from_mm: f64,
    /// Where it has reached the cortex's.
    pub inner_to_mm: f64,
    /// The periosteal surface.
    pub outer_mm: f64,
}

impl Wall {
    /// The endosteal surface: half way up.
    pub fn inner_mm(&self) -> f64 {
        (self.inner_from_mm + self.inner_to_mm) / 2.0
    }
}

/// A bone with its place in the patient.
#[derive(Debug, Clone)]
pub struct PlacedBone<'a> {
    pub spec: &'a BoneSpec,
    /// Directions of the bone's own frame as columns.
    frame: Matrix3<f64>,
    origin_mm: Point3<f64>,
    /// Cosine and sine of the ridge's angle, and the concentration that gives it its width.
    ridge: [f64; 3],
}

impl<'a> PlacedBone<'a> {
    /// Places a bone in an image whose middle lies at patient `middle_z_mm`.
    pub fn new(spec: &'a BoneSpec, middle_z_mm: f64) -> Self {
        let [about_x, about_y] = spec.tilt_deg.map(f64::to_radians);
        let frame = Rotation3::from_axis_angle(&Vector3::y_axis(), about_y)
            * Rotation3::from_axis_angle(&Vector3::x_axis(), about_x)
            * Rotation3::from_axis_angle(&Vector3::z_axis(), spec.rotation_deg.to_radians());
        let angle = spec.ridge.angle_deg.to_radians();
        let ridge = [angle.cos(), angle.sin(), spec.ridge.width_deg.to_radians().powi(-2)];
        let origin_mm = Point3::new(spec.centre_mm[0], spec.centre_mm[1], middle_z_mm);
        PlacedBone { spec, frame: frame.into_inner(), origin_mm, ridge }
    }

    /// Deviation of the axis to the back; none in the section at the middle of the image.
    fn bow(&self, along: f64) -> f64 {
        self.spec.bow_radius_mm.map_or(0.0, |radius| (along.powi(2) - self.spec.along_mm.powi(2)) / (2.0 * radius))
    }

    /// A patient point in the bone's own frame: across (x, y) from the axis and along (z), before scale.
    pub fn to_own(&self, point: Point3<f64>) -> Vector3<f64> {
        let q = self.frame.tr_mul(&(point - self.origin_mm)) / self.spec.scale;
        let along = q.z + self.spec.along_mm;
        Vector3::new(if self.spec.mirrored { -q.x } else { q.x }, q.y - self.bow(along), along)
    }

    /// The patient point of a point in the bone's own frame.
    pub fn to_patient(&self, own: Vector3<f64>) -> Point3<f64> {
        let x = if self.spec.mirrored { -own.x } else { own.x };
        let q = Vector3::new(x, own.y + self.bow(own.z), own.z - self.spec.along_mm);
        self.origin_mm + self.frame * q * self.spec.scale
    }

    /// Where the axis crosses a slice, patient x and y.
    pub fn axis_at(&self, z: f64) -> [f64; 2] {
        let (slope, mut along, mut point) = (self.frame.m33 * self.spec.scale, self.spec.along_mm, self.origin_mm);
        for _ in 0..8 {
            along -= (point.z - z) / slope;
            point = self.to_patient(Vector3::new(0.0, 0.0, along));
        }
        [point.x, point.y]
    }

    /// Cosine of the angle between the bone's axis (bow apart) and the slices' normal.
    pub fn cosine(&self) -> f64 {
        self.frame.m33
    }

    /// The wall in the direction and at the height of a point of the own frame.
    pub fn wall_at(&self, q: Vector3<f64>) -> Wall {
        let s = self.spec;
        let r = q.x.hypot(q.y).max(1e-9);
        let (cos, sin) = (q.x / r, q.y / r);
        let outer_mm = self.ellipse(q, 0.0)
            + s.ridge.height_mm * ((cos * self.ridge[0] + sin * self.ridge[1] - 1.0) * self.ridge[2]).exp();
        let thickness = self.ring_thickness_mm(sin, q.z);
        let inner = self.ellipse(q, thickness);
        // The core keeps full density, and the ramp does not pass the axis.
        let half = (s.wall.transition_mm / 2.0).min(0.9 * thickness).min(inner);
        Wall { inner_from_mm: inner - half, inner_to_mm: inner + half, outer_mm }
    }

    /// Distance between the two ellipses of the wall, ridge apart, before scale.
    fn ring_thickness_mm(&self, sin: f64, along: f64) -> f64 {
        let wall = &self.spec.wall;
        let shaft = (wall.thickness_mm + wall.posterior_mm * sin) * (1.0 + wall.thinning_per_mm * along).max(0.1);
        self.spec.metaphyses.iter().fold(shaft, |thickness, end| {
            let s = smooth_step(beyond(end, along) / end.length_mm);
            thickness + (end.shell_mm.min(thickness) - thickness) * s
        })
    }

    /// Radius of the ellipse `inset` within the periosteal one, in the direction and at the height of a point.
    pub(super) fn ellipse(&self, q: Vector3<f64>, inset: f64) -> f64 {
        let r = q.x.hypot(q.y).max(1e-9);
        let growth = self.growth(q.z);
        let [a, b] = [0, 1].map(|n| (self.spec.semi_axes_mm[n] + growth[n] - inset).max(0.0));
        a * b / (b * q.x / r).hypot(a * q.y / r).max(1e-9)
    }

    /// What the flare adds to the semi-axes.
    fn growth(&self, along: f64) -> [f64; 2] {
        let mut growth = [0.0; 2];
        for end in &self.spec.metaphyses {
            let d = beyond(end, along);
            let developed = if d < end.length_mm { d * d / (2.0 * end.length_mm) } else { d - end.length_mm / 2.0 };
            growth = [0, 1].map(|n| growth[n] + end.growth_per_mm[n] * developed);
        }
        growth
    }

    /// HU of the intact canal.
    pub fn canal_hu(&self, along: f64) -> f64 {
        self.spec.metaphyses.iter().fold(self.spec.marrow_hu, |hu, end| {
            hu + (end.trabecular_hu - hu) * smooth_step(beyond(end, along) / end.length_mm)
        })
    }

    /// In-plane distance from the axis that the bone nowhere exceeds within the slice at `z`; the bow adds a few degrees.
    pub fn reach_mm(&self, z: f64, slice_thickness_mm: f64) -> f64 {
        let cos = self.frame.m33;
        let widest = |along: f64| {
            let growth = self.growth(along);
            (self.spec.semi_axes_mm[0] + growth[0]).max(self.spec.semi_axes_mm[1] + growth[1])
        };
        let [x, y] = self.axis_at(z);
        let along = self.to_own(Point3::new(x, y, z)).z;
        // An oblique section reaches along the bone, where a flared one is wider.
        let over = widest(along) * (1.0 - cos * cos).sqrt() / cos + slice_thickness_mm;
        let widest = widest(along - over).max(widest(along + over));
        let oblique = ((1.0 - cos * cos).sqrt() + 0.1) / cos;
        1.05 * (widest + self.spec.ridge.height_mm) * self.spec.scale / cos + slice_thickness_mm / 2.0 * oblique + 1.0
    }

    /// The greatest slope of the bone's surface against its axis that flares make.
    pub(super) fn steepest(&self) -> f64 {
        self.spec.metaphyses.iter().flat_map(|end| end.growth_per_mm).fold(0.0, |a: f64, b| a.max(b.abs()))
    }

    /// Patient point of the intact periosteal surface at an angle of the own frame and a position along the bone.
    pub fn periosteal_point(&self, angle_deg: f64, along_mm: f64) -> Point3<f64> {
        let (sin, cos) = angle_deg.to_radians().sin_cos();
        let direction = Vector3::new(cos, sin, 0.0);
        let outer = self.wall_at(direction + along_mm * Vector3::z()).outer_mm;
        self.to_patient(direction * outer + along_mm * Vector3::z())
    }

    /// Patient point of the intact periosteal surface in the slice at `z_mm`, seen from where the axis crosses it in a
    /// direction of the patient: 0° left, 90° posterior.
    pub fn periosteal_point_in_slice(&self, direction_deg: f64, z_mm: f64) -> Point3<f64> {
        let (sin, cos) = direction_deg.to_radians().sin_cos();
        let [x, y] = self.axis_at(z_mm);
        let at = |r: f64| Point3::new(x + r * cos, y + r * sin, z_mm);
        at(self.radius_along(&|r| self.to_own(at(r)), |wall| wall.outer_mm))
    }

    /// Unit normal, in the patient frame, of the intact periosteal surface at one of its points.
    pub fn outward_normal(&self, point: Point3<f64>) -> Vector3<f64> {
        let height = |p: Point3<f64>| {
            let q = self.to_own(p);
            q.x.hypot(q.y) - self.wall_at(q).outer_mm
        };
        const H: f64 = 1e-3;
        let slope = |axis: Vector3<f64>| height(point + H * axis) - height(point - H * axis);
        Vector3::new(slope(Vector3::x()), slope(Vector3::y()), slope(Vector3::z())).normalize()
    }

    /// Thickness (mm) of the intact wall along the normal of a point of the periosteal surface, to the endosteal surface
    /// (half way through the transition, where there is one). `None` when the normal meets no canal.
    pub fn wall_thickness_mm(&self, point: Point3<f64>) -> Option<f64> {
        let normal = self.outward_normal(point);
        let in_wall = |depth: f64| {
            let q = self.to_own(point - depth * normal);
            q.x.hypot(q.y) > self.wall_at(q).inner_mm()
        };
        const STEP: f64 = 0.1;
        let (mut from, mut to) =
            (1..=600).map(|n| (f64::from(n - 1) * STEP, f64::from(n) * STEP)).find(|(_, to)| !in_wall(*to))?;
        for _ in 0..24 {
            let middle = (from + to) / 2.0;
            if in_wall(middle) { from = middle } else { to = middle }
        }
        Some((from + to) / 2.0)
    }

    /// Distance along a ray from the axis (patient mm; `own` gives its points in the own frame) to one edge of the wall.
    pub(super) fn radius_along(&self, own: &impl Fn(f64) -> Vector3<f64>, edge: impl Fn(&Wall) -> f64) -> f64 {
        // Along the ray the section hardly changes, so a few steps settle.
        let mut r = 10.0;
        for _ in 0..40 {
            let q = own(r);
            let next = r * edge(&self.wall_at(q)) / q.x.hypot(q.y).max(1e-9);
            let moved = (next - r).abs();
            r = next.max(1e-6);
            if moved < 1e-7 {
                break;
            }
        }
        r
    }
}

/// How far a position lies within an end of the bone; 0 outside.
fn beyond(end: &MetaphysisSpec, along: f64) -> f64 {
    match end.towards {
        Towards::Head => (along - end.start_mm).max(0.0),
        Towards::Feet => (end.start_mm - along).max(0.0),
    }
}

/// 0 below 0, 1 above 1, without a kink.
fn smooth_step(t: f64) -> f64 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

//! Heads that a border cuts, on a femur of known shape.

use super::Side;
use super::ball::Balls;
use super::cap::cut_head;
use super::ends_tests::window_of;
use super::solid::{Holes, solid};
use nalgebra::Vector3;

/// The centre of the head of a left femur, its radius, the shaft's axis where its rings end, mm.
const HEAD_MM: [f64; 3] = [32.4, 45.3, 60.0];
const RADIUS_MM: f64 = 22.5;
const END_MM: [f64; 3] = [76.0, 52.0, 12.0];

/// How far a place lies outside the bone: a head on a neck, a shaft up to a trochanter.
fn outside_mm(place: Vector3<f64>) -> f64 {
    let (head, end) = (Vector3::from(HEAD_MM), Vector3::from(END_MM));
    let top = end + Vector3::new(0.0, 0.0, 30.0);
    let along = |from: Vector3<f64>, to: Vector3<f64>| {
        let way = to - from;
        let share = ((place - from).dot(&way) / way.norm_squared()).clamp(0.0, 1.0);
        (place - from - way * share).norm()
    };
    let shaft = along(end - Vector3::new(0.0, 0.0, 60.0), top) - 15.0;
    let neck = along(head, top - Vector3::new(0.0, 0.0, 8.0)) - 15.0;
    ((place - head).norm() - RADIUS_MM).min(neck).min(shaft)
}

/// Spongy bone, a shell that a scanner blurs, and a socket beyond a joint space of 4 mm around the upper and inner side of the head.
fn hu(place: Vector3<f64>) -> f64 {
    let (out, from_head) = (outside_mm(place), place - Vector3::from(HEAD_MM));
    let bone = 50.0 + 200.0 / (1.0 + (2.0 * out).exp()) + 450.0 * (-0.5 * (out + 1.0).powi(2)).exp();
    let socket_mm = from_head.norm() - RADIUS_MM - 6.0;
    let grips = from_head.dot(&Vector3::new(-0.6, 0.0, 0.8)) > 0.0;
    if grips { bone + 650.0 * (-0.5 * (socket_mm / 1.3).powi(2)).exp() } else { bone }
}

/// What is found in the slices of 2 mm below a height, off the centre and of the radius, mm, and whether its centre is told.
fn found(slices: usize, upper: bool, side: Side) -> Option<(f64, f64, bool)> {
    let (_, window) = window_of([104, 96, slices], hu);
    let sharp = window.sharpened(3.5, 1.2);
    let solid = solid(&window, &sharp, 3.5, false, Holes::Small);
    let end = [Vector3::from(END_MM), Vector3::new(0.0, 0.0, if upper { 1.0 } else { -1.0 })];
    let head = cut_head(&Balls::new(&window), &solid, end, upper, side)?;
    assert!(head.cut);
    Some(((head.ball.centre_mm - Vector3::from(HEAD_MM)).norm(), head.ball.radius_mm - RADIUS_MM, head.told))
}

#[test]
fn a_head_is_found_by_what_the_border_leaves_of_it() {
    // Half of it and less: the last slice lies up to 12 mm below the centre.
    for (slices, most_mm, is_told) in [(31, 0.8, true), (29, 1.0, false), (27, 1.2, false), (25, 1.2, false)] {
        let (off, larger, told) = found(slices, true, Side::Left).unwrap_or_else(|| panic!("{slices} slices"));
        assert!(off <= most_mm && larger.abs() <= most_mm, "{slices} slices: {off:.2} mm off, {larger:.2} mm larger");
        assert_eq!(told, is_told, "{slices} slices");
    }
}

#[test]
fn no_head_is_where_none_is_seen() {
    assert_eq!(found(19, true, Side::Left), None, "neck and trochanter only");
    assert_eq!(found(29, true, Side::Right), None, "it looks to the other side");
    assert_eq!(found(29, false, Side::Left), None, "the border towards the feet");
}

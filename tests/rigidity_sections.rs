//! Mechanics of sections against another program: `tests/fixtures/sections.csv`, made by `make_sections.py` with the package
//! sectionproperties (finite elements).

use corticalysis::rigidity::section::Moments;
use corticalysis::rigidity::torsion::{PolarField, Sector};
use std::collections::BTreeMap;

/// Stiffness between two radii, at an angle in degrees.
type Wall = Box<dyn Fn(f64) -> (f64, [f64; 2])>;

/// The wall and, if any, a core: its stiffness, its radius.
fn section(name: &str) -> (Wall, Option<(f64, f64)>) {
    let off = |deg: f64| {
        let (sin, cos) = deg.to_radians().sin_cos();
        2.0 * cos + (64.0 - 4.0 * sin * sin).sqrt()
    };
    let ellipse = |deg: f64, a: f64, b: f64| {
        let (sin, cos) = deg.to_radians().sin_cos();
        a * b / (b * cos).hypot(a * sin)
    };
    // Degrees from 0, −180 to 180.
    let from_zero = |deg: f64| (deg + 180.0).rem_euclid(360.0) - 180.0;
    let stiff = 17_000.0;
    let slot = move |half: f64, inner: f64| -> Wall {
        Box::new(move |deg| if from_zero(deg).abs() < half { (0.0, [0.0; 2]) } else { (stiff, [inner, 14.0]) })
    };
    match name {
        "ring" => (Box::new(move |_| (stiff, [8.0, 14.0])), None),
        "ellipse_ring" => (Box::new(move |deg| (stiff, [ellipse(deg, 9.0, 7.0), ellipse(deg, 15.0, 12.0)])), None),
        "eccentric_ring" => (Box::new(move |deg| (stiff, [off(deg), 14.0])), None),
        "slot_20" => (slot(10.0, 8.0), None),
        "slot_40" => (slot(20.0, 8.0), None),
        "slot_88" => (slot(44.0, 8.0), None),
        "thin_slot_40" => (slot(20.0, 11.0), None),
        "eccentric_slot_40" => (
            Box::new(move |deg| if from_zero(deg).abs() > 160.0 { (0.0, [0.0; 2]) } else { (stiff, [off(deg), 14.0]) }),
            None,
        ),
        "scallop_80" => {
            (Box::new(move |deg| (stiff, [if from_zero(deg).abs() < 40.5 { 11.0 } else { 8.0 }, 14.0])), None)
        }
        "core" => (Box::new(move |_| (stiff, [8.0, 14.0])), Some((800.0, 8.0))),
        "soft_quarter" => {
            (Box::new(move |deg| (if (0.0..90.0).contains(&deg) { 6000.0 } else { stiff }, [8.0, 14.0])), None)
        }
        "graded" => {
            let by_angle = move |deg: f64| match deg {
                d if (60.0..120.0).contains(&d) => 11_000.0,
                d if (120.0..180.0).contains(&d) => 3000.0,
                _ => stiff,
            };
            (Box::new(move |deg| (by_angle(deg), [8.0, 14.0])), Some((400.0, 8.0)))
        }
        other => panic!("{other} is not known"),
    }
}

fn close(name: &str, what: &str, got: f64, want: f64, percent: f64) {
    let off = 100.0 * (got / want - 1.0);
    println!("{name:18} {what:8} {got:12.5e} {want:12.5e} {off:+.2} %");
    assert!(off.abs() < percent, "{name}: {what} is off by {off:.2} %");
}

#[test]
fn sections_of_one_and_of_several_materials() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sections.csv");
    let mut table = csv::Reader::from_path(path).unwrap();
    let mut seen = 0;
    for row in table.deserialize::<BTreeMap<String, String>>() {
        let row = row.unwrap();
        let (name, number) = (row["name"].as_str(), |key: &str| row[key].parse::<f64>().unwrap());
        let (wall, core) = section(name);
        let mut moments = Moments::default();
        let (sectors, step_mm) = (720, 0.05);
        let step = std::f64::consts::TAU / f64::from(sectors);
        for s in 0..sectors {
            let angle = step * (f64::from(s) + 0.5);
            let (stiffness, [from, to]) = wall(angle.to_degrees());
            for i in 0..400 {
                let r = step_mm * (f64::from(i) + 0.5);
                let core = core.filter(|(_, radius)| r < *radius).map_or(0.0, |(stiffness, _)| stiffness);
                let young = if (from..to).contains(&r) { stiffness } else { core };
                moments.add_element(young * r * step_mm * step, [r * angle.cos(), r * angle.sin()]);
            }
        }
        let rigidity = moments.rigidity().unwrap();
        let bending = rigidity.bending();
        close(name, "EA", rigidity.ea_n, number("ea_n"), 0.3);
        close(name, "EI max", bending.max_nmm2, number("ei_max_nmm2"), 0.3);
        close(name, "EI min", bending.min_nmm2, number("ei_min_nmm2"), 0.3);
        for (axis, key) in ["centroid_x_mm", "centroid_y_mm"].into_iter().enumerate() {
            assert!((rigidity.centroid_mm[axis] - number(key)).abs() < 0.01, "{name}: centroid");
        }
        let field = PolarField {
            sectors: (0..120)
                .map(|s| {
                    let (stiffness, radii) = wall(3.0 * (f64::from(s) + 0.5));
                    Sector::between(stiffness, radii)
                })
                .collect(),
        };
        let share = field.share_of_polar().unwrap();
        // A core is soft, and left to the polar integral.
        close(name, "GJ", share * rigidity.polar_nmm2(), number("gj_nmm2"), if core.is_some() { 3.5 } else { 1.0 });
        let open = name.contains("slot");
        assert_eq!(
            rigidity.polar_nmm2() > 3.0 * number("gj_nmm2"),
            open,
            "{name}: by how much the polar form is wrong"
        );
        seen += 1;
    }
    assert_eq!(seen, 12);
}

//! Calibrations that someone gives: rods of a phantom, a planning system's table. From text; no file is read here.

use super::calibration::{Calibration, CalibrationError, CurvePoint, FitPoint};
use super::density::DensityKind;
use crate::smoothing::median;
use crate::volume::{NO_DATA, Volume};
use nalgebra::{Point3, Vector3};

/// A rod of a phantom that lies in the image: a cylinder along the patient's z.
#[derive(Debug, Clone, PartialEq)]
pub struct Rod {
    pub centre_mm: Point3<f64>,
    pub radius_mm: f64,
    pub density_g_cm3: f64,
    /// Water in it, g/cm³, where the maker tells it: liquid in a rod displaces water.
    pub water_g_cm3: Option<f64>,
}

/// Along z this much of a rod is looked at on both sides of its centre, mm.
const ROD_HALF_MM: f64 = 10.0;
/// And this share of its radius: its wall is another material.
const ROD_CORE: f64 = 0.7;

fn bad(why: String) -> CalibrationError {
    CalibrationError::BadTable(why)
}

/// Cells of a table: separated by semicolons, tabs or commas (by what comes first in that order), decimal commas where the
/// separator is no comma. Lines without a number in the first cell are headings or remarks.
fn rows(text: &str) -> Vec<(usize, Vec<String>)> {
    let text = text.trim_start_matches('\u{feff}');
    let separator = [';', '\t', ','].into_iter().find(|c| text.contains(*c)).unwrap_or(',');
    let cell = |cell: &str| {
        let cell = cell.trim().trim_matches('"').trim();
        if separator == ',' { cell.to_owned() } else { cell.replace(',', ".") }
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .map(|(n, line)| (n + 1, line.split(separator).map(cell).collect()))
        .collect()
}

/// The planning system's own curve: HU and physical density in g/cm³, two columns, as physicists export it. A relative electron
/// density is no physical density and is refused where the heading tells it.
pub fn from_table(text: &str) -> Result<Calibration, CalibrationError> {
    let mut points = Vec::new();
    for (line, cells) in rows(text) {
        let numbers: Vec<Option<f64>> =
            cells.iter().take(2).map(|c| c.parse().ok().filter(|v: &f64| v.is_finite())).collect();
        match numbers.as_slice() {
            [Some(hu), Some(density_g_cm3)] => points.push(CurvePoint { hu: *hu, density_g_cm3: *density_g_cm3 }),
            _ if points.is_empty() => {
                let heading = cells.join(" ").to_lowercase();
                if heading.contains("electron") || heading.split_whitespace().any(|word| word == "red") {
                    return Err(bad(format!(
                        "line {line}: the table holds relative electron densities; a table of physical (mass) densities is needed"
                    )));
                }
            }
            _ => return Err(bad(format!("line {line}: two numbers are expected, HU and density in g/cm³"))),
        }
    }
    points.sort_by(|a, b| a.hu.total_cmp(&b.hu));
    Calibration::from_curve("table", DensityKind::Physical, points)
}

/// Rods of a phantom: `x_mm, y_mm, z_mm, radius_mm, density_mg_cm3` and, where known, `water_mg_cm3`, with this heading, in
/// patient coordinates. The heading `k2hpo4_mg_cm3`, `hydroxyapatite_mg_cm3` or `ash_mg_cm3` says what the density is of.
pub fn rods(text: &str) -> Result<(DensityKind, Vec<Rod>), CalibrationError> {
    let mut rows = rows(text).into_iter();
    let (_, heading) = rows.next().ok_or_else(|| bad("the table of rods is empty".into()))?;
    let heading: Vec<String> = heading.iter().map(|name| name.to_lowercase()).collect();
    let column = |name: &str| heading.iter().position(|known| known == name);
    let kinds = [
        ("k2hpo4_mg_cm3", DensityKind::K2hpo4),
        ("hydroxyapatite_mg_cm3", DensityKind::Hydroxyapatite),
        ("ash_mg_cm3", DensityKind::Ash),
    ];
    let (density, kind) = kinds.iter().find_map(|(name, kind)| Some((column(name)?, *kind))).ok_or_else(|| {
        bad("the table of rods needs a column k2hpo4_mg_cm3, hydroxyapatite_mg_cm3 or ash_mg_cm3".into())
    })?;
    let needed = |name: &str| column(name).ok_or_else(|| bad(format!("the table of rods needs a column {name}")));
    let places = [needed("x_mm")?, needed("y_mm")?, needed("z_mm")?, needed("radius_mm")?];
    let water = column("water_mg_cm3");
    let mut rods = Vec::new();
    for (line, cells) in rows {
        let number = |column: usize| {
            let value = cells.get(column).and_then(|c| c.parse::<f64>().ok()).filter(|v| v.is_finite());
            value.ok_or_else(|| bad(format!("line {line}: a number is missing under {}", heading[column])))
        };
        let [x, y, z, radius_mm] = [number(places[0])?, number(places[1])?, number(places[2])?, number(places[3])?];
        if radius_mm <= 0.0 {
            return Err(bad(format!("line {line}: a rod has a radius above 0")));
        }
        rods.push(Rod {
            centre_mm: Point3::new(x, y, z),
            radius_mm,
            density_g_cm3: number(density)? / 1000.0,
            water_g_cm3: water.map(number).transpose()?.map(|mg| mg / 1000.0),
        });
    }
    if rods.len() < 2 {
        return Err(bad("a phantom has two rods or more".into()));
    }
    Ok((kind, rods))
}

/// Calibration by rods that are in the image: the median HU of each, a straight line through them.
///
/// Where the water in the rods is given, `HU = water + σ·density + β` is fitted (all in mg/cm³) and `density = (HU − β_CT)/σ_CT` with
/// σ_CT = σ − 0.2174 and β_CT = β + 999.6: Mindways' own correction for water that K2HPO4 displaces.
pub fn from_rods(volume: &Volume<i16>, kind: DensityKind, rods: &[Rod]) -> Result<Calibration, CalibrationError> {
    let mut seen = Vec::new();
    for (number, rod) in rods.iter().enumerate() {
        let hu = rod_hu(volume, rod).ok_or_else(|| {
            let at = rod.centre_mm;
            CalibrationError::NotFound(format!(
                "rod {} at ({}, {}, {}) mm lies outside the image, or is smaller than a few pixels",
                number + 1,
                at.x,
                at.y,
                at.z
            ))
        })?;
        seen.push((hu, rod));
    }
    let with_water = kind == DensityKind::K2hpo4 && rods.iter().all(|rod| rod.water_g_cm3.is_some());
    let water = |rod: &Rod| if with_water { rod.water_g_cm3.map_or(0.0, |w| 1000.0 * w) } else { 0.0 };
    let points: Vec<(f64, f64)> = seen.iter().map(|(hu, rod)| (1000.0 * rod.density_g_cm3, hu - water(rod))).collect();
    let n = points.len() as f64;
    let (x, y) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let (xx, xy) = points.iter().fold((0.0, 0.0), |(xx, xy), p| (xx + (p.0 - x).powi(2), xy + (p.0 - x) * (p.1 - y)));
    let sigma = xy / xx;
    let beta = y - sigma * x;
    let (sigma_ct, beta_ct) = if with_water { (sigma - 0.2174, beta + 999.6) } else { (sigma, beta) };
    if sigma_ct.is_nan() || sigma_ct <= 0.0 {
        return Err(CalibrationError::NotFound(
            "the HU of the rods do not rise with their density: they are not where the table says".into(),
        ));
    }
    let mut made = Calibration::linear("rods", kind, 1.0 / (1000.0 * sigma_ct), -beta_ct / (1000.0 * sigma_ct))?;
    let expected = |rod: &Rod| beta + sigma * 1000.0 * rod.density_g_cm3 + water(rod);
    made.points = seen
        .iter()
        .enumerate()
        .map(|(n, (hu, rod))| FitPoint { name: (n + 1).to_string(), measured_hu: *hu, expected_hu: expected(rod) })
        .collect();
    let off: f64 = made.points.iter().map(|p| (p.measured_hu - p.expected_hu).powi(2)).sum();
    made.residual_hu = Some((off / n).sqrt());
    if made.residual_hu.is_some_and(|hu| hu > 15.0) {
        made.warnings.push("The rods do not lie on a line: is the table that of this phantom?".into());
    }
    Ok(made)
}

/// Median HU of the core of a rod.
fn rod_hu(volume: &Volume<i16>, rod: &Rod) -> Option<f64> {
    let size = volume.grid.size;
    let reach = Vector3::new(rod.radius_mm, rod.radius_mm, ROD_HALF_MM).component_div(&volume.grid.spacing_mm);
    let at = volume.grid.to_index(rod.centre_mm);
    let range = |a: usize| {
        let (low, high) = ((at[a] - reach[a]).ceil().max(0.0), (at[a] + reach[a]).floor());
        if high < low { 0..0 } else { low as usize..(high as usize + 1).min(size[a]) }
    };
    let mut values = Vec::new();
    for k in range(2) {
        for j in range(1) {
            for i in range(0) {
                let off = volume.grid.to_patient(Vector3::new(i as f64, j as f64, k as f64)) - rod.centre_mm;
                let hu = volume.voxels[(k * size[1] + j) * size[0] + i];
                if off.x.hypot(off.y) <= ROD_CORE * rod.radius_mm && hu != NO_DATA {
                    values.push(f64::from(hu));
                }
            }
        }
    }
    if values.len() < 9 { None } else { median(&mut values) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::tests::slice_of;

    #[test]
    fn a_planning_table_as_it_is_exported() {
        for text in [
            "HU,Density [g/cm3]\n-1000,0.00121\n0,1.0\n1600,1.9642\n3000,2.8\n",
            "HU;Dichte\r\n-1000;0,00121\r\n0;1,0\r\n1600;1,9642\r\n3000;2,8\r\n",
            "\u{feff}# CT 3, 120 kV\n1600\t1.9642\n3000\t2.8\n-1000\t0.00121\n0\t1.0\n",
        ] {
            let made = from_table(text).unwrap();
            assert_eq!((made.density, made.curve.len()), (DensityKind::Physical, 4), "{text}");
            assert!((made.density_g_cm3(800.0) - 1.4821).abs() < 1e-9);
        }
    }

    #[test]
    fn tables_that_cannot_be_right_are_refused_with_the_line() {
        assert!(
            from_table("HU,Relative electron density\n0,1\n1000,1.5\n").unwrap_err().to_string().contains("electron")
        );
        assert!(from_table("0,1\n1000,x\n").unwrap_err().to_string().contains("line 2"));
        assert!(from_table("").is_err());
        assert!(from_table("0,1\n0,1.2\n").is_err());
        assert!(rods("x_mm,y_mm\n1,2\n").unwrap_err().to_string().contains("k2hpo4"));
        assert!(rods("x_mm,y_mm,z_mm,radius_mm,ash_mg_cm3\n1,2,3,0,100\n1,2,3,4,5\n").is_err());
    }

    #[test]
    fn rods_in_the_image_give_their_line() {
        let text = "x_mm;y_mm;z_mm;radius_mm;hydroxyapatite_mg_cm3\n20;20;0;6;0\n40;20;0;6;200\n60;20;0;6;800\n";
        let (kind, rods) = rods(text).unwrap();
        let volume = slice_of([100, 50], [0.8, 0.8], |x, y| {
            let hit = rods.iter().find(|r| (x - r.centre_mm.x).hypot(y - r.centre_mm.y) < 6.0);
            hit.map_or(-900, |rod| (12.0 + 1250.0 * rod.density_g_cm3) as i16)
        });
        let made = from_rods(&volume, kind, &rods).unwrap();
        assert!((made.density_g_cm3(12.0)).abs() < 1e-3 && (made.density_g_cm3(1262.0) - 1.0).abs() < 2e-3);
        assert!(made.residual_hu.unwrap() < 1.0);
        let outside = Rod { centre_mm: Point3::new(500.0, 0.0, 0.0), ..rods[0].clone() };
        assert!(from_rods(&volume, kind, &[outside, rods[1].clone()]).unwrap_err().to_string().contains("rod 1"));
    }

    #[test]
    fn liquid_rods_by_the_makers_algebra() {
        // Five rods of a liquid phantom, water given: HU = water + 1.6 density − 1000.
        let text = "x_mm,y_mm,z_mm,radius_mm,k2hpo4_mg_cm3,water_mg_cm3\n20,20,0,6,-50,1012\n40,20,0,6,60,1057\n60,20,0,6,375,924\n";
        let (kind, rods) = rods(text).unwrap();
        let volume = slice_of([100, 50], [0.8, 0.8], |x, y| {
            let hit = rods.iter().find(|r| (x - r.centre_mm.x).hypot(y - r.centre_mm.y) < 6.0);
            hit.map_or(0, |r| (1000.0 * (r.water_g_cm3.unwrap() + 1.6 * r.density_g_cm3 - 1.0)).round() as i16)
        });
        let made = from_rods(&volume, kind, &rods).unwrap();
        // σ_CT = 1.6 − 0.2174, β_CT = −1000 + 999.6.
        assert!((made.density_g_cm3(1382.2) - 1.0).abs() < 3e-3, "{}", made.density_g_cm3(1382.2));
    }
}

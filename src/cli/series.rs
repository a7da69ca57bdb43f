//! `corticalysis series PATH...`: lists the CT series, their geometry and what is wrong with them.

use super::exit_status::OrExit;
use crate::dicom::{RegionFile, RegionKind, Series, discover};
use anyhow::Result;
use std::io::Write;
use std::path::PathBuf;

/// Prints one line a series to `out`, with `identify` the patient's name and ID below it, its problems indented below, then the regions of RTSTRUCT and SEG files, and what was set aside.
///
/// # Errors
/// What [`discover`] refuses, and failures to write.
pub fn run(paths: &[PathBuf], identify: bool, out: &mut dyn Write) -> Result<()> {
    let found = discover(paths, &|_, _| {}).or_input_unusable()?;
    for series in &found.series {
        writeln!(out, "{}", line(series))?;
        if identify && let Some(patient) = series.identity() {
            writeln!(out, "    patient: {}, ID {}", or_dash(&patient.name), or_dash(&patient.id))?;
        }
        for fault in &series.faults {
            writeln!(out, "    cannot be used: {}", fault.to_string().replace('\n', "\n        "))?;
        }
        for warning in &series.warnings {
            writeln!(out, "    warning: {warning}")?;
        }
    }
    if !found.regions.is_empty() {
        writeln!(out, "regions, for --roi and --bone-roi:")?;
        for file in &found.regions {
            list_regions(file, out)?;
        }
    }
    if !found.set_aside.is_empty() {
        writeln!(out, "set aside:")?;
        for set in &found.set_aside {
            let files = if set.paths.len() == 1 { "file" } else { "files" };
            writeln!(out, "    {} {files}: {}", set.paths.len(), set.reason)?;
        }
    }
    Ok(())
}

/// One line a region; one, too, for a file that cannot be read.
fn list_regions(file: &RegionFile, out: &mut dyn Write) -> Result<()> {
    let (kind, noun, pieces) = match file.kind {
        RegionKind::RtStruct => ("RTSTRUCT", "ROI", "contours"),
        RegionKind::Seg => ("SEG", "segment", "frames"),
    };
    let path = file.path.display();
    match file.names() {
        Ok(names) if names.is_empty() => writeln!(out, "    {path}  {kind}  without a region")?,
        Ok(names) => {
            for region in names {
                let of_type = match region.interpreted_type.as_str() {
                    "" => String::new(),
                    told => format!("  {told}"),
                };
                let (number, name) = (region.number, &region.name);
                writeln!(out, "    {path}  {kind}  {noun} {number} {name:?}{of_type}  {} {pieces}", region.pieces)?;
            }
        }
        Err(error) => {
            let text = error.to_string();
            writeln!(out, "    {kind}  {}", text.lines().next().unwrap_or_default())?;
        }
    }
    Ok(())
}

fn line(series: &Series) -> String {
    let (header, grid) = (&series.header, &series.grid);
    let kvp = header.kvp.map_or("-".to_string(), |kv| format!("{kv:.0} kV"));
    let last = grid.size[2].saturating_sub(1);
    [
        or_dash(&series.label()),
        or_dash(&header.series_description),
        or_dash(&header.manufacturer),
        or_dash(&header.kernel),
        kvp,
        format!("{}×{}×{}", grid.size[0], grid.size[1], grid.size[2]),
        format!("{:.3}×{:.3}×{:.3} mm", grid.spacing_mm.x, grid.spacing_mm.y, grid.spacing_mm.z),
        format!("z {:.1} to {:.1} mm", series.z_mm(0), series.z_mm(last)),
    ]
    .join("  ")
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_string() } else { text.to_string() }
}

//! Truth files: our own format and that of others, checked field by field before anything is computed.

use super::error::InputError;
use crate::phantom::truth::{SCHEMA, Truth};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A truth and where it was read.
#[derive(Debug, Clone)]
pub struct TruthFile {
    pub path: PathBuf,
    /// What reports are matched with: `d1` of `d1.truth.json`, the folder's name of `truth.json`.
    pub name: String,
    pub truth: Truth,
}

const HINT: &str = "a truth file is JSON with a list `slices`, each with z, axial, circ30 and circ50 (docs/evaluate.md has an example)";

/// Reads truth files; of a folder, every `truth.json` and `*.truth.json` directly in it or one folder below, in the order of their names.
pub fn read_truths(paths: &[PathBuf]) -> Result<Vec<TruthFile>, InputError> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let found = truth_files_of(path)?;
        if found.is_empty() {
            let reason = "no truth.json and no *.truth.json in this folder";
            return Err(InputError::new(path.display(), reason, "name the truth file itself with --truth"));
        }
        files.extend(found);
    }
    files.iter().map(|path| read_truth(path)).collect()
}

fn truth_files_of(folder: &Path) -> Result<Vec<PathBuf>, InputError> {
    let entries = walkdir::WalkDir::new(folder).min_depth(1).max_depth(2).sort_by_file_name();
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| InputError::new(folder.display(), e.to_string(), "check that it may be read"))?;
        let name = entry.file_name().to_string_lossy();
        if entry.file_type().is_file() && (name == "truth.json" || name.ends_with(".truth.json")) {
            found.push(entry.into_path());
        }
    }
    Ok(found)
}

/// Reads one truth file.
pub fn read_truth(path: &Path) -> Result<TruthFile, InputError> {
    let bad = |reason: String| InputError::new(path.display(), reason, HINT);
    let text = read_text(path)?;
    let value = parse(&text).map_err(bad)?;
    let truth = from_value(value).map_err(bad)?;
    Ok(TruthFile { path: path.to_path_buf(), name: case_name(path, &["truth"]), truth })
}

/// The text of a file, or why there is none.
pub(super) fn read_text(path: &Path) -> Result<String, InputError> {
    std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => InputError::new(path.display(), "no such file or folder", "check the path"),
        std::io::ErrorKind::InvalidData => InputError::new(path.display(), "not text, so no JSON", "check the path"),
        _ => InputError::new(path.display(), error.to_string(), "check that it may be read"),
    })
}

/// `d1` of `d1.truth.json`, `d1-truth.json`, `d1.json`; the folder's name where the file is called like its kind.
pub(super) fn case_name(path: &Path, kinds: &[&str]) -> String {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = file.strip_suffix(".json").unwrap_or(&file);
    if kinds.contains(&stem) {
        let folder = std::path::absolute(path).ok().and_then(|path| Some(path.parent()?.file_name()?.to_os_string()));
        return folder.map_or_else(|| stem.to_owned(), |name| name.to_string_lossy().into_owned());
    }
    let short = kinds.iter().find_map(|kind| stem.strip_suffix(kind)?.strip_suffix(['.', '-', '_']));
    short.filter(|short| !short.is_empty()).unwrap_or(stem).to_owned()
}

/// JSON, with a word on the fields that other languages write as NaN, which JSON does not know.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(text).map_err(|error| {
        let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
        // The column counts bytes up to the one that is wrong; it may lie within the word.
        let before: String = line.bytes().take(error.column()).map(char::from).collect();
        let after: String = line.bytes().skip(error.column().saturating_sub(2)).map(char::from).collect();
        let not_a_number = ["NaN", "nan", "Infinity", "inf"].iter().find(|word| after.trim_start().starts_with(**word));
        match (not_a_number, before.rsplit('"').nth(1)) {
            (Some(word), Some(field)) => format!("not JSON: {field} is {word} in line {}", error.line()),
            _ => format!("not JSON: {error}"),
        }
    })
}

/// A truth from its JSON, or what is wrong with it.
pub fn from_value(mut value: Value) -> Result<Truth, String> {
    let Some(object) = value.as_object_mut() else { return Err("not a JSON object".into()) };
    match object.get("schema") {
        Some(Value::String(schema)) if schema.starts_with("corticalysis/") && schema != SCHEMA => {
            return Err(format!("is a {schema}, not a {SCHEMA}"));
        }
        _ => {}
    }
    // A word that is not known may be written as null.
    object.retain(|name, value| !(value.is_null() && ["schema", "name", "source"].contains(&name.as_str())));
    if !object.contains_key("bones") {
        let Some(slices) = object.remove("slices") else { return Err("has neither `slices` nor `bones`".into()) };
        let mut bone = serde_json::Map::from_iter([("slices".to_owned(), slices)]);
        for name in ["bone", "side", "lesions"] {
            bone.extend(object.remove(name).map(|word| (name.to_owned(), word)));
        }
        object.insert("bones".into(), Value::Array(vec![bone.into()]));
    }
    let Some(bones) = object.get_mut("bones").and_then(Value::as_array_mut) else {
        return Err("`bones` is not a list".into());
    };
    for (index, bone) in bones.iter_mut().enumerate() {
        check_bone(bone).map_err(|what| format!("bone {}: {what}", index + 1))?;
    }
    // What is left to go wrong is a word where a number should be, in a field that may be left out.
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn check_bone(bone: &mut Value) -> Result<(), String> {
    let Some(slices) = bone.get_mut("slices").and_then(Value::as_array_mut) else {
        return Err("`slices` is not a list".into());
    };
    if slices.is_empty() {
        return Err("`slices` is empty".into());
    }
    let mut seen: Vec<(f64, usize)> = Vec::with_capacity(slices.len());
    for (index, slice) in slices.iter_mut().enumerate() {
        let z = check_slice(slice).map_err(|what| format!("slice {}: {what}", index + 1))?;
        seen.push((z, index + 1));
    }
    seen.sort_by(|a, b| a.0.total_cmp(&b.0));
    match seen.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(format!("slices {} and {} are both at z {} mm", pair[0].1, pair[1].1, pair[0].0)),
        None => Ok(()),
    }
}

/// Fields that a closed section must have, and percentages that it may have.
const NEEDED: [&str; 3] = ["axial", "circ30", "circ50"];
const PERCENT: [&str; 5] = ["axial", "circ30", "circ50", "circ90", "circ99"];

/// The z of the slice. Where the section is no ring its percentages mean nothing: whatever stands there becomes 0.
fn check_slice(slice: &mut Value) -> Result<f64, String> {
    let Some(fields) = slice.as_object_mut() else { return Err("is not a JSON object".into()) };
    let z = number(fields, "z")?;
    let ring = match fields.get("ring") {
        None => true,
        Some(Value::Bool(ring)) => *ring,
        Some(other) => return Err(format!("ring is {other}, neither true nor false")),
    };
    if !ring {
        fields.extend(NEEDED.map(|name| (name.to_owned(), 0.0.into())));
        return Ok(z);
    }
    for name in NEEDED {
        number(fields, name)?;
    }
    for name in PERCENT {
        let value = fields.get(name).and_then(Value::as_f64);
        // A sum of shares may miss 100 by the last digit.
        if let Some(value) = value.filter(|value| !(-1e-6..=100.0 + 1e-6).contains(value)) {
            return Err(format!("{name} is {value}, not a percentage from 0 to 100"));
        }
    }
    Ok(z)
}

fn number(fields: &serde_json::Map<String, Value>, name: &str) -> Result<f64, String> {
    match fields.get(name) {
        None => Err(format!("{name} is missing")),
        Some(Value::Null) => Err(format!("{name} is null")),
        Some(value) => value.as_f64().ok_or_else(|| format!("{name} is {value}, not a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(value: Value) -> String {
        from_value(value).expect_err("a bad truth")
    }

    fn slice(z: f64) -> Value {
        json!({"z": z, "axial": 10.0, "circ30": 5.0, "circ50": 0.0})
    }

    #[test]
    fn a_file_of_others_is_one_nameless_bone_whose_sections_are_rings_unless_told() {
        let mut open = slice(3.0);
        open["ring"] = false.into();
        open["axial"] = Value::Null;
        let truth =
            from_value(json!({"source": "image", "name": null, "zc": 7.0, "slices": [slice(0.0), open]})).unwrap();
        let [bone] = &truth.bones[..] else { panic!("one bone") };
        assert_eq!((truth.schema.as_str(), truth.source.as_str(), &bone.bone), ("", "image", &None));
        assert_eq!((bone.slices[0].ring, bone.slices[0].axial, bone.slices[0].circ90), (true, 10.0, None));
        assert_eq!((bone.slices[1].ring, bone.slices[1].axial), (false, 0.0));
    }

    #[test]
    fn our_own_file_comes_back_as_it_was() {
        let value = json!({"schema": SCHEMA, "name": "p", "source": "geometry", "bones": [{"bone": "femur", "side": "left",
            "slices": [slice(1.0)], "lesions": [{"kind": "ball", "type": "lytic", "z_range_mm": [1.0, 1.0], "axial_extent_mm": 2.0,
            "height_mm": 2.0, "through_the_wall": true, "max_axial_lysis_percent": 10.0, "max_circumferential_lysis_percent": 5.0}]}]});
        let truth = from_value(value).unwrap();
        assert_eq!(truth.bones[0].lesions[0].type_, "lytic");
        assert_eq!(from_value(serde_json::to_value(&truth).unwrap()).unwrap(), truth);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let with = |name: &str, value: Value| {
            let mut bad = slice(3.0);
            bad[name] = value;
            refused(json!({"slices": [slice(0.0), bad]}))
        };
        assert_eq!(with("axial", Value::Null), "bone 1: slice 2: axial is null");
        assert_eq!(with("circ30", json!("12")), "bone 1: slice 2: circ30 is \"12\", not a number");
        assert_eq!(with("circ90", json!(140)), "bone 1: slice 2: circ90 is 140, not a percentage from 0 to 100");
        assert_eq!(with("ring", json!(1)), "bone 1: slice 2: ring is 1, neither true nor false");
        assert_eq!(with("z", json!(0.0)), "bone 1: slices 1 and 2 are both at z 0 mm");
        assert_eq!(refused(json!({"slices": [{"z": 1.0}]})), "bone 1: slice 1: axial is missing");
        assert_eq!(refused(json!({"slices": []})), "bone 1: `slices` is empty");
        assert_eq!(refused(json!({"zc": 1})), "has neither `slices` nor `bones`");
        assert_eq!(refused(json!([1])), "not a JSON object");
        let report = json!({"schema": "corticalysis/report/v1", "bones": []});
        assert_eq!(refused(report), "is a corticalysis/report/v1, not a corticalysis/truth/v1");
    }

    #[test]
    fn nan_is_named_with_its_field() {
        for word in ["NaN", "nan", "Infinity"] {
            let text = format!("{{\"slices\": [\n {{\"z\": 1.0, \"axial\": {word}, \"circ30\": 0.0}}]}}");
            assert_eq!(parse(&text).unwrap_err(), format!("not JSON: axial is {word} in line 2"));
        }
        assert!(parse("{\"slices\": [").unwrap_err().starts_with("not JSON: EOF"));
    }

    #[test]
    fn the_name_of_a_case_is_what_its_files_share() {
        let name = |path: &str| case_name(Path::new(path), &["truth"]);
        for path in ["x/d1.truth.json", "x/d1-truth.json", "d1_truth.json", "d1.json", "d1/truth.json"] {
            assert_eq!(name(path), "d1", "{path}");
        }
        assert_eq!(name(".truth.json"), ".truth");
    }
}

"""Reads DICOM objects back with pydicom, highdicom, rt-utils and plastimatch, and compares them with what they were made of.

usage: read_back.py OBJECTS CT REPORT.JSON MASKS

MASKS is a folder with masks.json, {"size": [columns, rows, slices], "masks": {label: file}}: each file a byte a voxel,
columns fastest, lowest slice first. Prints a line a check; exits 1 at the first that fails.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import highdicom
import numpy
import pydicom
from pydicom.uid import UID

LARGEST_DS = 16


def check(what, holds, detail=""):
    print(f"{'ok' if holds else 'FAILED'}: {what} {detail}".rstrip(), flush=True)
    if not holds:
        sys.exit(1)


def skipped(what, why):
    print(f"SKIPPED: {what}: {why}", flush=True)


def all_elements(dataset):
    for element in dataset:
        yield element
        if element.VR == "SQ":
            for item in element.value:
                yield from all_elements(item)


def read_all(folder):
    return {path.name: pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))}


def check_common(objects, ct):
    series = set()
    for name, found in objects.items():
        check(f"{name}: study of the CT", found.StudyInstanceUID == ct.StudyInstanceUID)
        check(f"{name}: a series of its own", found.SeriesInstanceUID != ct.SeriesInstanceUID)
        series.add((found.Modality, found.SeriesInstanceUID))
        uids = [e for e in all_elements(found) if e.VR == "UI"]
        check(f"{name}: valid UIDs", all(UID(str(u)).is_valid for e in uids for u in ([e.value] if e.VM < 2 else e.value)), len(uids))
        decimals = [str(v) for e in all_elements(found) if e.VR == "DS" for v in ([e.value] if e.VM == 1 else e.value or [])]
        check(f"{name}: decimal strings", all(len(v) <= LARGEST_DS for v in decimals), len(decimals))
    check("one series a kind", len({modality for modality, _ in series}) == len(series))


def check_raw_decimals(path):
    """DS as they stand in the file: pydicom may write numbers shorter than they were."""
    dataset = pydicom.dcmread(path)
    lengths = []

    def walk(part):
        for tag in part.keys():
            raw = part.get_item(tag)
            if getattr(raw, "VR", None) == "SQ" or isinstance(getattr(raw, "value", None), pydicom.Sequence):
                for item in part[tag].value:
                    walk(item)
            elif isinstance(raw.value, bytes) and pydicom.datadict.dictionary_VR(tag) == "DS":
                lengths.extend(len(v.strip()) for v in raw.value.split(b"\\"))

    walk(dataset)
    check(f"{path.name}: decimal strings as stored", lengths and max(lengths) <= LARGEST_DS, f"{len(lengths)}, longest {max(lengths)}")


def check_seg(path, masks, ct):
    found = highdicom.seg.segread(path)
    check("seg: frame of reference of the CT", found.FrameOfReferenceUID == ct.FrameOfReferenceUID)
    volume = found.get_volume(combine_segments=False)
    labels = {n: found.get_segment_description(n).segment_label for n in found.segment_numbers}
    check("seg: segments", set(labels.values()) == set(masks), ", ".join(labels.values()))
    heights = [float(plane[0].ImagePositionPatient[2]) for plane in volume.get_plane_positions()]
    upwards = numpy.argsort(heights)
    # highdicom's volume reaches from the first to the last frame that is stored.
    lowest = numpy.flatnonzero(numpy.any([mask.any(axis=(1, 2)) for mask in masks.values()], axis=0))[0]
    for number, label in labels.items():
        voxels = volume.array[..., number - 1].astype(bool)
        mask = masks[label]
        part = mask[lowest : lowest + len(voxels)]
        same = part.sum() == mask.sum() and (voxels[upwards] == part).all()
        check(f"seg: {label}: highdicom reads the same voxels", same, mask.sum())
    for item in found.SegmentSequence:
        check(f"seg: {item.SegmentLabel}: coded", item.SegmentedPropertyTypeCodeSequence[0].CodeValue != "")


def differing(mask, other):
    """Voxels that differ, as a share of those at the surface; and whether all of them touch it."""
    padded = numpy.pad(mask, 1)
    inner, outer = padded.copy(), padded.copy()
    for axis in (1, 2):
        for step in (-1, 1):
            inner &= numpy.roll(padded, step, axis)
            outer |= numpy.roll(padded, step, axis)
    for i in (-1, 1):
        for j in (-1, 1):
            outer |= numpy.roll(numpy.roll(padded, i, 1), j, 2)
    crop = (slice(1, -1),) * 3
    surface = (padded & ~inner)[crop]
    wrong = mask != other
    beyond = (other & ~outer[crop]) | (~other & inner[crop])
    return wrong.sum() / max(surface.sum(), 1), int(beyond.sum())


def check_structures(path, masks, ct_folder):
    found = pydicom.dcmread(path)
    check("rtstruct: implicit VR", found.file_meta.TransferSyntaxUID == pydicom.uid.ImplicitVRLittleEndian)
    points = [int(c.NumberOfContourPoints) for roi in found.ROIContourSequence for c in roi.ContourSequence]
    check("rtstruct: no contour under three points", min(points) >= 3, f"{len(points)} contours, fewest {min(points)} points")
    by_points = all(len(c.ContourData) == 3 * int(c.NumberOfContourPoints) for roi in found.ROIContourSequence for c in roi.ContourSequence)
    check("rtstruct: three coordinates a point", by_points)
    check_raw_decimals(path)
    names = {int(item.ROINumber): str(item.ROIName) for item in found.StructureSetROISequence}
    check("rtstruct: regions", set(names.values()) == set(masks))
    by_plastimatch(path, masks, ct_folder)
    by_rt_utils(path, masks, ct_folder)


def by_plastimatch(path, masks, ct_folder):
    if shutil.which("plastimatch") is None:
        return skipped("rtstruct by plastimatch", "not installed")
    with tempfile.TemporaryDirectory() as folder:
        command = ["plastimatch", "convert", "--input", path, "--referenced-ct", ct_folder, "--output-prefix", folder, "--prefix-format", "mha"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for label, mask in masks.items():
            other = mha(Path(folder) / f"{label}.mha")
            wrong, beyond = differing(mask, other)
            check(f"rtstruct: {label}: plastimatch within half a voxel", wrong <= 0.5 and beyond == 0, f"{mask.sum()} and {other.sum()} voxels, {(mask != other).sum()} differ")


def mha(path):
    data = path.read_bytes()
    mark = b"ElementDataFile = LOCAL\n"
    start = data.index(mark) + len(mark)
    header = dict(line.split(" = ", 1) for line in data[:start].decode().strip().split("\n"))
    raw = zlib.decompress(data[start:]) if header.get("CompressedData") == "True" else data[start:]
    size = [int(n) for n in header["DimSize"].split()]
    return numpy.frombuffer(raw, numpy.uint8).reshape(size[::-1]).astype(bool)


def by_rt_utils(path, masks, ct_folder):
    try:
        from rt_utils import RTStructBuilder
    except ImportError as error:
        return skipped("rtstruct by rt-utils", error)
    some = next(iter(masks.values()))
    if some.shape[1] != some.shape[2]:
        # It takes columns for rows where it makes room for a mask (1.2.7, image_helper.create_empty_series_mask).
        return skipped("rtstruct by rt-utils", "reads only square images rightly")
    read = RTStructBuilder.create_from(dicom_series_path=str(ct_folder), rt_struct_path=str(path))
    for label, mask in masks.items():
        other = numpy.moveaxis(read.get_roi_mask_by_name(label), 2, 0).astype(bool)
        # It rounds every corner to a voxel and counts what its lines touch: half a voxel more, all around.
        _, beyond = differing(mask, other)
        check(f"rtstruct: {label}: rt-utils within a voxel of the surface", beyond == 0 and (other & mask).sum() >= 0.98 * mask.sum(), f"{mask.sum()} and {other.sum()} voxels")


def check_sr(path, report, seg_path):
    from highdicom.sr import srread

    content = srread(path).content
    seg = pydicom.dcmread(seg_path) if seg_path.exists() else None
    groups = list(content.get_volumetric_roi_measurement_groups()) + list(content.get_image_measurement_groups())
    lesions = [(bone, lesion) for bone in report["bones"] for lesion in bone["lesions"]]
    necks = [bone["neck"] for bone in report["bones"] if bone.get("neck")]
    ends = [end for bone in report["bones"] for end in bone.get("ends", [])]
    beyond = necks + ends
    expected = len(report["bones"]) + len(lesions) + len(beyond) + sum(len(part["lesions"]) for part in beyond)
    check("sr: a group a bone and a lesion", len(groups) == expected, len(groups))
    of_lesions = [g for g in groups if g.tracking_identifier.rsplit(", ", 1)[-1].startswith("lesion ")]
    check("sr: lesions", len(of_lesions) == len(lesions))
    wanted = [
        ("Axial cortical lysis", "max_axial_lysis_percent", "%"),
        ("Circumferential cortical lysis", "max_circumferential_lysis_percent", "%"),
        ("Longest extent", "axial_extent_mm", "mm"),
        ("Extent along", "height_mm", "mm"),
        ("Lesion size over the cortex", "size_fraction_of_cortex", "1"),
    ]
    for group, (bone, lesion) in zip(of_lesions, lesions):
        numbers = {m.name.meaning: m for m in group.get_measurements()}
        for start, name, unit in wanted:
            number = next(m for meaning, m in numbers.items() if meaning.startswith(start))
            same = abs(float(number.value) - lesion[name]) < 1e-9 and number.unit.value == unit
            check(f"sr: {group.tracking_identifier}: {name}", same, f"{float(number.value)} {unit}")
        check_rigidity(group.tracking_identifier, numbers, bone, lesion)
        if seg is not None:
            segments = {s.TrackingUID: s.SegmentNumber for s in seg.SegmentSequence}
            item = next(i for i in group[0].ContentSequence if i.ValueType == "IMAGE")
            reference = item.ReferencedSOPSequence[0]
            same = reference.ReferencedSOPInstanceUID == seg.SOPInstanceUID and reference.ReferencedSegmentNumber == segments[group.tracking_uid]
            check(f"sr: {group.tracking_identifier}: its segment", same, reference.ReferencedSegmentNumber)
    check_necks(groups, necks, seg)
    check_ends(groups, ends, seg)
    said = pydicom.dcmread(path)
    texts = [i.TextValue for part in said.ContentSequence if part.ValueType == "CONTAINER" for i in part.get("ContentSequence", []) if i.ValueType == "TEXT"]
    rules = [rule["name"] for bone in report["bones"] for rule in bone["rules"]]
    check("sr: rules as text", all(any(f"({name})" in text for text in texts) for name in rules), len(rules))


def check_necks(groups, necks, seg):
    """A group a neck, with what was found said by code, and one a loss of it with its segment."""
    of_necks = [g for g in groups if g.tracking_identifier.endswith(", neck")]
    of_lesions = [g for g in groups if g.tracking_identifier.rsplit(", ", 1)[-1].startswith("neck lesion ")]
    check("sr: necks", len(of_necks) == len(necks), len(necks))
    near = lambda number, value: abs(float(number.value) - value) < 1e-9
    for group, neck in zip(of_necks, necks):
        label = group.tracking_identifier
        numbers = {m.name.meaning: m for m in group.get_measurements()}
        measured = [s for s in neck["sections"] if s["measured"]]
        check(f"sr: {label}: sections", near(numbers["Sections across the neck measured"], len(measured)), len(measured))
        areas = [s["cortical_area_mm2"] for s in measured]
        check(f"sr: {label}: smallest cortex", near(numbers["Smallest cortical area of a section of the neck"], min(areas)), min(areas))
        lost = [s["axial_lysis_percent"] for s in measured if s["axial_lysis_percent"] is not None]
        told = numbers.get("Cortical lysis of the neck: share of a section's cortex")
        check(f"sr: {label}: largest loss, or none told", near(told, max(lost)) if lost else told is None, max(lost, default="not measured"))
        said = {e.name.meaning: e.value.meaning for e in group.get_qualitative_evaluations()}
        expected = "Found" if neck["lesions"] else "None found" if lost else "Not measured"
        check(f"sr: {label}: loss {expected}", said["Loss of the neck's cortex"] == expected)
    axial, around = "Cortical lysis of the neck: share of a section's cortex", "Circumferential lysis of the neck: share of the contour"
    ends = ["Begins, along the neck from the centre of the head", "Ends, along the neck from the centre of the head"]
    lesions = [lesion for neck in necks for lesion in neck["lesions"]]
    check("sr: losses of necks", len(of_lesions) == len(lesions), len(lesions))
    for group, lesion in zip(of_lesions, lesions):
        check_loss(group, lesion, [axial, around, *ends], lesion["from_head_range_mm"], "Wall of the neck", seg)


def check_loss(group, lesion, meanings, range_mm, wall, seg):
    """The group of a loss that no rule counts: both percentages, where it begins and ends (named so by `meanings`), its wall and its segment."""
    label = group.tracking_identifier
    numbers = {m.name.meaning: m for m in group.get_measurements()}
    for meaning, value in zip(meanings, [lesion["max_axial_lysis_percent"], lesion["max_circumferential_lysis_percent"], *range_mm], strict=True):
        check(f"sr: {label}: {meaning}", abs(float(numbers[meaning].value) - value) < 1e-9, value)
    said = {e.name.meaning: e.value.meaning for e in group.get_qualitative_evaluations()}
    check(f"sr: {label}: wall", said[wall].lower() == f"{lesion['wall']} wall")
    if seg is not None:
        segment = next(s for s in seg.SegmentSequence if s.TrackingUID == group.tracking_uid)
        item = next(i for i in group[0].ContentSequence if i.ValueType == "IMAGE")
        check(f"sr: {label}: its segment", item.ReferencedSOPSequence[0].ReferencedSegmentNumber == segment.SegmentNumber, segment.SegmentLabel)


def check_ends(groups, ends, seg):
    """A group an end that was held against the other side's, with what was found said by code, and one a loss of it with its segment."""
    of_ends = [g for g in groups if g.tracking_identifier.endswith((", upper end", ", lower end"))]
    of_lesions = [g for g in groups if " end lesion " in g.tracking_identifier]
    check("sr: ends", len(of_ends) == len(ends), len(ends))
    near = lambda number, value: abs(float(number.value) - value) < 1e-9
    for group, end in zip(of_ends, ends):
        label = group.tracking_identifier
        numbers = {m.name.meaning: m for m in group.get_measurements()}
        lost = [s["axial_lysis_percent"] for s in end["slices"]]
        told = numbers.get("Cortical lysis beyond the shaft: share of a slice's cortex")
        check(f"sr: {label}: largest loss, or none told", near(told, max(lost)) if lost else told is None, max(lost, default="not measured"))
        said = {e.name.meaning: e.value.meaning for e in group.get_qualitative_evaluations()}
        expected = "Found" if end["lesions"] else "None found" if lost else "Not measured"
        check(f"sr: {label}: loss {expected}", said["Loss of cortex beyond the shaft"] == expected)
    axial, around = "Cortical lysis beyond the shaft: share of a slice's cortex", "Circumferential lysis beyond the shaft: of the contour"
    slices = ["Patient z of the lowest slice", "Patient z of the highest slice"]
    lesions = [lesion for end in ends for lesion in end["lesions"]]
    check("sr: losses of ends", len(of_lesions) == len(lesions), len(lesions))
    for group, lesion in zip(of_lesions, lesions):
        check_loss(group, lesion, [axial, around, *slices], lesion["z_range_mm"], "Wall beyond the shaft", seg)


def check_rigidity(label, numbers, bone, lesion):
    """The section that lost most of any rigidity among those at the lesion, with its units; none where none was computed."""
    low, high = lesion["z_range_mm"]
    at_lesion = [s for s in bone["slices"] if s["measured"] and s["rigidity"] and low <= s["z_mm"] <= high]
    found = numbers.get("Axial rigidity EA of the weakest section")
    if not at_lesion:
        check(f"sr: {label}: no rigidity was computed, none is told", found is None)
        return
    lost = lambda r: max(r["ea_reduction_percent"], r["ei_reduction_percent"], r["gj_reduction_percent"])
    z = float(numbers["Patient z of the weakest section"].value)
    section = next((s for s in at_lesion if s["z_mm"] == z), None)
    check(f"sr: {label}: the weakest section", section and lost(section["rigidity"]) == max(lost(s["rigidity"]) for s in at_lesion), z)
    for meaning, name, unit in [
        ("Axial rigidity EA of the weakest section", "ea_n", "N"),
        ("Smallest bending rigidity EI of the weakest section", "ei_min_nmm2", "N.mm2"),
        ("Largest bending rigidity EI of the weakest section", "ei_max_nmm2", "N.mm2"),
        ("Torsional rigidity GJ of the weakest section", "gj_nmm2", "N.mm2"),
        ("Reduction of EA in the weakest section", "ea_reduction_percent", "%"),
        ("Reduction of EI in the weakest section", "ei_reduction_percent", "%"),
        ("Reduction of GJ in the weakest section", "gj_reduction_percent", "%"),
    ]:
        number, expected = numbers[meaning], section["rigidity"][name]
        same = abs(float(number.value) - expected) <= 1e-9 * abs(expected) and number.unit.value == unit
        check(f"sr: {label}: {name}", same, f"{float(number.value)} {unit}")


def check_key_objects(path, report, slices):
    found = pydicom.dcmread(path)
    keys = [i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in found.ContentSequence if i.ValueType == "IMAGE"]
    flagged = {s["sop_instance_uid"] for bone in report["bones"] for s in bone["slices"] if s["flagged"]}
    check("ko: the flagged slices", set(keys) == flagged and len(keys) == len(flagged), len(keys))
    check("ko: images of the CT", set(keys) <= slices)


def main():
    folder, ct_folder, report_path, mask_folder = map(Path, sys.argv[1:5])
    objects = read_all(folder)
    images = [pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(ct_folder.glob("*.dcm"))]
    report = json.loads(report_path.read_text())
    listed = json.loads((mask_folder / "masks.json").read_text())
    shape = listed["size"][::-1]
    masks = {label: numpy.fromfile(mask_folder / name, numpy.uint8).reshape(shape).astype(bool) for label, name in listed["masks"].items()}
    print(f"pydicom {pydicom.__version__}, highdicom {highdicom.__version__}")
    check_common(objects, images[0])
    if "seg.dcm" in objects:
        check_seg(folder / "seg.dcm", masks, images[0])
    if "rtstruct.dcm" in objects:
        check_structures(folder / "rtstruct.dcm", masks, ct_folder)
    if "sr.dcm" in objects:
        check_sr(folder / "sr.dcm", report, folder / "seg.dcm")
    if "ko.dcm" in objects:
        check_key_objects(folder / "ko.dcm", report, {i.SOPInstanceUID for i in images})
    for name, found in objects.items():
        if name.startswith("sc-"):
            pixels = found.pixel_array
            check(f"{name}: a picture in colours", pixels.shape == (found.Rows, found.Columns, 3) and pixels.std() > 10)
    if any(name.startswith("sc-") for name in objects):
        plots = [name for name in objects if name.startswith("sc-") and name.endswith("-map.dcm")]
        check("sc: map and profile of every measured bone", len(plots) == len(report["bones"]), len(plots))


if __name__ == "__main__":
    main()

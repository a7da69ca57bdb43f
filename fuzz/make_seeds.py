"""Seeds of the fuzz targets, into fuzz/seeds/.

    pip install pydicom numpy pylibjpeg pylibjpeg-openjpeg pyjpegls imagecodecs
    cargo build --release
    python3 fuzz/make_seeds.py [--odd FOLDER] [--program target/release/corticalysis]

A small phantom by the program's own writer; three of its slices in every transfer syntax (joined as the target takes
them apart), an enhanced CT, archives; contours, masks and NIfTI files on its grid; and the files of FOLDER that are
small enough.
"""

import argparse, copy, gzip, io, pathlib, shutil, struct, subprocess, tempfile, zipfile

import imagecodecs
import numpy as np
import pydicom
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

HERE = pathlib.Path(__file__).parent
BETWEEN = b"<next file>"
LARGEST = 60_000
TARGETS = ["series", "rtstruct", "seg", "nifti"]


def phantom(program, folder):
    """Slices of the smallest phantom that the writer makes."""
    spec = subprocess.run([program, "phantom", "--preset", "eccentric-ball", "--print-spec"], capture_output=True, check=True, text=True).stdout
    spec = spec.replace("size = [128, 128, 80]", "size = [34, 33, 13]").replace("spacing_mm = [0.8, 0.8, 1.5]", "spacing_mm = [2.0, 2.0, 9.0]")
    (folder / "small.toml").write_text(spec)
    subprocess.run([program, "phantom", "-o", folder / "out", "--spec", folder / "small.toml"], check=True, capture_output=True)
    return [pydicom.dcmread(path) for path in sorted((folder / "out").rglob("*.dcm"))]


def as_bytes(ds):
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def native(ds, syntax):
    ds = copy.deepcopy(ds)
    if syntax == uid.ExplicitVRBigEndian:
        ds.PixelData = ds.pixel_array.byteswap().tobytes()
    ds.file_meta.TransferSyntaxUID = syntax
    implicit, little = syntax == uid.ImplicitVRLittleEndian, syntax != uid.ExplicitVRBigEndian
    out = io.BytesIO()
    plain = Dataset()
    plain.update(ds)
    plain.file_meta, plain.preamble = ds.file_meta, b"\0" * 128
    pydicom.dcmwrite(out, plain, implicit_vr=implicit, little_endian=little)
    return out.getvalue()


def compressed(ds, syntax, **options):
    ds = copy.deepcopy(ds)
    ds.compress(syntax, generate_instance_uid=False, **options)
    return as_bytes(ds)


def jpeg(ds, syntax, bits, encode):
    """The pixels as unsigned values of so many bits, by an encoder that pydicom has not."""
    ds = copy.deepcopy(ds)
    values = np.clip((ds.pixel_array.astype(int) + 1024) >> (12 - bits), 0, (1 << bits) - 1)
    values = values.astype(np.uint8 if bits == 8 else np.uint16)
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = encapsulate([encode(values)])
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8 * values.itemsize, bits, bits - 1, 0
    ds.RescaleIntercept, ds.RescaleSlope = -1024, 1 << (12 - bits)
    ds["PixelData"].VR = "OB"
    return as_bytes(ds)


def enhanced(slices):
    ds = copy.deepcopy(slices[0])
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = uid.EnhancedCTImageStorage
    ds.NumberOfFrames = len(slices)
    ds.PixelData = b"".join(s.PixelData for s in slices)

    def group(**elements):
        item = Dataset()
        for name, value in elements.items():
            setattr(item, name, value)
        return Sequence([item])

    shared = Dataset()
    shared.PixelMeasuresSequence = group(PixelSpacing=ds.PixelSpacing, SliceThickness=ds.SliceThickness)
    shared.PlaneOrientationSequence = group(ImageOrientationPatient=ds.ImageOrientationPatient)
    shared.PixelValueTransformationSequence = group(RescaleSlope=ds.RescaleSlope, RescaleIntercept=ds.RescaleIntercept, RescaleType="HU")
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for s in slices:
        frame = Dataset()
        frame.PlanePositionSequence = group(ImagePositionPatient=s.ImagePositionPatient)
        frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        delattr(ds, name)
    return ds


def rtstruct(slices):
    """A square on every slice, a ring of two squares, a point, each a region of its own."""
    ds = pydicom.Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = uid.RTStructureSetStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = "2.25.7"
    ds.Modality, ds.StructureSetLabel = "RTSTRUCT", "seed"
    names = ["square", "ring", "point"]
    rois, contours, observations = [], [], []
    for number, name in enumerate(names, 1):
        roi = Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, slices[0].FrameOfReferenceUID
        rois.append(roi)
        observation = Dataset()
        observation.ObservationNumber, observation.ReferencedROINumber, observation.RTROIInterpretedType = number, number, "GTV"
        observations.append(observation)
        drawn = []
        for s in slices:
            x, y, z = (float(v) for v in s.ImagePositionPatient)
            for half in {"square": [12], "ring": [16, 8], "point": [0]}[name]:
                corners = [(-half, -half), (half, -half), (half, half), (-half, half)] if half else [(0, 0)]
                contour = Dataset()
                contour.ContourGeometricType = "CLOSED_PLANAR" if half else "POINT"
                contour.NumberOfContourPoints = len(corners)
                contour.ContourData = [v for dx, dy in corners for v in (x + 33 + dx, y + 33 + dy, z)]
                image = Dataset()
                image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = s.SOPClassUID, s.SOPInstanceUID
                contour.ContourImageSequence = Sequence([image])
                drawn.append(contour)
        item = Dataset()
        item.ReferencedROINumber, item.ContourSequence = number, Sequence(drawn)
        contours.append(item)
    ds.StructureSetROISequence, ds.ROIContourSequence = Sequence(rois), Sequence(contours)
    ds.RTROIObservationsSequence = Sequence(observations)
    return ds


def segmentation(slices, kind):
    """Two segments, or a map of two labels, on every slice."""
    ds = enhanced(slices)
    del ds.PixelData
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = uid.SegmentationStorage
    if kind == "LABELMAP":
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.66.7"
    ds.Modality, ds.SegmentationType = "SEG", kind
    if kind == "FRACTIONAL":
        ds.SegmentationFractionalType, ds.MaximumFractionalValue = "OCCUPANCY", 200
    bits = 1 if kind == "BINARY" else 8
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = bits, bits, bits - 1, 0
    del ds.RescaleSlope, ds.RescaleIntercept
    segments, frames, pixels = [], [], []
    for number, label in ((1, "bone"), (2, "tumour")):
        segment = Dataset()
        segment.SegmentNumber, segment.SegmentLabel, segment.SegmentAlgorithmType = number, label, "MANUAL"
        segments.append(segment)
    for number in [1] if kind == "LABELMAP" else [1, 2]:
        for frame in ds.PerFrameFunctionalGroupsSequence:
            frame = copy.deepcopy(frame)
            if kind != "LABELMAP":
                item = Dataset()
                item.ReferencedSegmentNumber = number
                frame.SegmentIdentificationSequence = Sequence([item])
            frames.append(frame)
            mask = np.zeros((ds.Rows, ds.Columns), np.uint8)
            mask[5:20, 4 * number : 25] = 200 if kind == "FRACTIONAL" else 1
            if kind == "LABELMAP":
                mask[10:12, 8:12] = 2
            pixels.append(mask)
    ds.SegmentSequence, ds.PerFrameFunctionalGroupsSequence = Sequence(segments), Sequence(frames)
    ds.NumberOfFrames = len(frames)
    flat = np.concatenate([mask.ravel() for mask in pixels])
    packed = np.packbits(flat, bitorder="little").tobytes() if bits == 1 else flat.tobytes()
    ds.PixelData = packed + b"\0" * (len(packed) % 2)
    ds["PixelData"].VR = "OB"
    return ds


def nifti(slices, values, by_qform=False):
    """One file on the grid of the slices; its axes are to the right, front and head."""
    values = np.asarray(values)
    code = {"int16": 4, "uint8": 2, "float32": 16}[values.dtype.name]
    header = bytearray(348)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *values.shape[::-1], 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, code, 8 * values.itemsize)
    rows, columns = (float(v) for v in slices[0].PixelSpacing)
    first, second = (np.array([float(v) for v in s.ImagePositionPatient]) for s in slices[:2])
    step = float((second - first)[2])
    struct.pack_into("<8f", header, 76, -1 if by_qform else 1, columns, rows, step, 0, 0, 0, 0)
    struct.pack_into("<3f", header, 108, 352, 1, 0)
    header[123] = 2
    struct.pack_into("<2h", header, 252, int(by_qform), int(not by_qform))
    x, y, z = -first[0], -first[1], first[2]
    # Half a turn about z: columns to the left and rows to the back, as the slices have them.
    struct.pack_into("<6f", header, 256, 0, 0, 1, x, y, z)
    struct.pack_into("<12f", header, 280, -columns, 0, 0, x, 0, -rows, 0, y, 0, 0, step, z)
    header[344:348] = b"n+1\0"
    return bytes(header) + bytes(4) + values.tobytes()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--odd", type=pathlib.Path)
    arguments.add_argument("--program", default="target/release/corticalysis")
    given = arguments.parse_args()
    out = HERE / "seeds" / "series"
    shutil.rmtree(out.parent, ignore_errors=True)
    for target in TARGETS:
        (out.parent / target).mkdir(parents=True)
    with tempfile.TemporaryDirectory() as place:
        whole = phantom(given.program, pathlib.Path(place))
    slices = whole[4:7]
    joined = {
        "as-written": [as_bytes(ds) for ds in slices],
        "implicit": [native(ds, uid.ImplicitVRLittleEndian) for ds in slices],
        "big-endian": [native(ds, uid.ExplicitVRBigEndian) for ds in slices],
        "deflated": [native(ds, uid.DeflatedExplicitVRLittleEndian) for ds in slices],
        "rle": [compressed(ds, uid.RLELossless) for ds in slices],
        "jpeg-ls": [compressed(ds, uid.JPEGLSLossless) for ds in slices],
        "jpeg-ls-near": [compressed(ds, uid.JPEGLSNearLossless, jls_error=3) for ds in slices],
        "jpeg-2000": [compressed(ds, uid.JPEG2000Lossless) for ds in slices],
        "jpeg-2000-lossy": [compressed(ds, uid.JPEG2000, j2k_cr=[4]) for ds in slices],
        "jpeg-baseline": [jpeg(ds, uid.JPEGBaseline8Bit, 8, lambda v: imagecodecs.jpeg8_encode(v, level=90)) for ds in slices],
        "jpeg-extended": [jpeg(ds, uid.JPEGExtended12Bit, 12, lambda v: imagecodecs.jpeg8_encode(v, level=90, bitspersample=12)) for ds in slices],
        "jpeg-lossless": [jpeg(ds, uid.JPEGLosslessSV1, 12, lambda v: imagecodecs.ljpeg_encode(v, bitspersample=12)) for ds in slices],
        "enhanced": [as_bytes(enhanced(slices))],
        "enhanced-rle": [compressed(enhanced(slices), uid.RLELossless)],
        "enhanced-implicit": [native(enhanced(slices), uid.ImplicitVRLittleEndian)],
    }
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", method) as archive:
            for n, part in enumerate(joined["as-written"]):
                archive.writestr(f"{n}.dcm", part)
        joined[f"zip-{name}"] = [packed.getvalue()]
    for name, parts in joined.items():
        (out / name).write_bytes(BETWEEN.join(parts))
    regions = {"rtstruct": {"explicit": as_bytes(rtstruct(whole)), "implicit": native(rtstruct(whole), uid.ImplicitVRLittleEndian)}}
    regions["seg"] = {kind.lower(): as_bytes(segmentation(whole, kind)) for kind in ("BINARY", "FRACTIONAL", "LABELMAP")}
    regions["seg"]["rle"] = compressed(segmentation(whole, "FRACTIONAL"), uid.RLELossless)
    regions["seg"]["deflated"] = native(segmentation(whole, "BINARY"), uid.DeflatedExplicitVRLittleEndian)
    hu = np.stack([ds.pixel_array.astype(np.int16) for ds in whole])
    mask = (hu > 300).astype(np.uint8)
    regions["nifti"] = {"ct": nifti(whole, hu), "ct-float": nifti(whole, hu.astype(np.float32), by_qform=True), "mask": nifti(whole, mask)}
    regions["nifti"] |= {f"{name}-packed": gzip.compress(data, mtime=0) for name, data in regions["nifti"].items()}
    for target, seeds in regions.items():
        for name, data in seeds.items():
            (out.parent / target / name).write_bytes(data)
    for path in sorted(given.odd.iterdir()) if given.odd else []:
        if path.is_file() and path.stat().st_size <= LARGEST:
            shutil.copy(path, out / path.name[-60:])
            modality = getattr(pydicom.dcmread(path, force=True), "Modality", "") if path.suffix != ".tsv" else ""
            if modality in ("RTSTRUCT", "SEG"):
                shutil.copy(path, out.parent / modality.lower() / path.name[-60:])
    for target in TARGETS:
        sizes = [path.stat().st_size for path in (out.parent / target).iterdir()]
        print(f"{target}: {len(sizes)} seeds, the largest of {max(sizes)} bytes")


if __name__ == "__main__":
    main()

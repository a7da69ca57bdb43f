"""Seeds of the fuzz targets, into fuzz/seeds/.

    pip install pydicom numpy pylibjpeg pylibjpeg-openjpeg pyjpegls imagecodecs
    cargo build --release
    python3 fuzz/make_seeds.py [--odd FOLDER] [--program target/release/corticalysis]

A small phantom by the program's own writer, three of its slices in every transfer syntax (joined as the targets take
them apart), an enhanced CT, archives, and the files of FOLDER that are small enough.
"""

import argparse, copy, io, pathlib, shutil, subprocess, tempfile, zipfile

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


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--odd", type=pathlib.Path)
    arguments.add_argument("--program", default="target/release/corticalysis")
    given = arguments.parse_args()
    out = HERE / "seeds" / "series"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as place:
        slices = phantom(given.program, pathlib.Path(place))[4:7]
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
    for path in sorted(given.odd.iterdir()) if given.odd else []:
        if path.is_file() and path.stat().st_size <= LARGEST:
            shutil.copy(path, out / path.name[-60:])
    print(len(list(out.iterdir())), "seeds, largest", max(path.stat().st_size for path in out.iterdir()), "bytes")


if __name__ == "__main__":
    main()

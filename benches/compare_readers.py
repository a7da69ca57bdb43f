"""Reading of one CT series by this program, SimpleITK and pydicom, in one run on one machine.

    pip install pydicom numpy SimpleITK pylibjpeg pylibjpeg-openjpeg pyjpegls
    cargo build --release --example time_reading
    python benches/compare_readers.py [--slices 300] [--program target/release/examples/time_reading]

The series is 300 slices of 512 x 512, smooth with noise, so that the compressions compress as they do on CT. Every
figure is the fastest of three runs with the files in the cache of the operating system.
"""

import argparse, json, pathlib, subprocess, tempfile, time

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, generate_uid


def write(folder, slices, syntax):
    folder.mkdir()
    random = np.random.default_rng(1)
    y, x = np.mgrid[:512, :512]
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for k in range(slices):
        radius = np.hypot(x - 256 - 0.1 * k, y - 256)
        hu = np.where(radius < 220, 40, -900) + np.where(abs(radius - 60) < 12, 900, 0)
        hu = (hu + random.normal(0, 12, hu.shape)).astype(np.int16)
        meta = FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = CTImageStorage, meta.MediaStorageSOPInstanceUID, "CT"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
        ds.ImageType, ds.InstanceNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], k + 1
        ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, 2.0 * k], [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing, ds.RescaleSlope, ds.RescaleIntercept = [0.9, 0.9], 1, 0
        ds.Rows = ds.Columns = 512
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.PixelData = hu.tobytes()
        if syntax != ExplicitVRLittleEndian:
            ds.compress(syntax, generate_instance_uid=False)
        ds.save_as(folder / f"{k:04}.dcm", enforce_file_format=True)


def fastest(run):
    times = []
    for _ in range(3):
        began = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - began)
    return min(times), result


def by_itk(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    return int(sitk.GetArrayFromImage(image).sum(dtype=np.int64))


def by_pydicom(folder):
    arrays = [pydicom.dcmread(path).pixel_array for path in sorted(folder.iterdir())]
    return int(np.stack(arrays).sum(dtype=np.int64))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--slices", type=int, default=300)
    arguments.add_argument("--program", default="target/release/examples/time_reading")
    given = arguments.parse_args()
    print("| stored as | this program, s | SimpleITK, s | pydicom, s | times faster |\n|---|---|---|---|---|")
    for name, syntax in [("uncompressed", ExplicitVRLittleEndian), ("JPEG-LS", JPEGLSLossless), ("JPEG 2000", JPEG2000Lossless)]:
        with tempfile.TemporaryDirectory() as place:
            folder = pathlib.Path(place) / "series"
            write(folder, given.slices, syntax)
            ours = json.loads(subprocess.run([given.program, str(folder)], capture_output=True, check=True).stdout)
            seconds = ours["discover_s"] + ours["load_s"]
            (itk, itk_sum), (pyd, pyd_sum) = fastest(lambda: by_itk(folder)), fastest(lambda: by_pydicom(folder))
            assert ours["sum"] == itk_sum == pyd_sum, "the readers disagree"
            print(f"| {name} | {seconds:.3f} | {itk:.2f} | {pyd:.2f} | {itk / seconds:.1f} than SimpleITK, {pyd / seconds:.1f} than pydicom |")


if __name__ == "__main__":
    main()

"""Reading of one CT series by this program, SimpleITK and pydicom, in one run on one machine.

    pip install pydicom numpy SimpleITK pylibjpeg pylibjpeg-openjpeg pyjpegls
    cargo build --release --example time_reading
    python benches/compare_readers.py [--slices 300] [--rounds 9] [--program target/release/examples/time_reading]

The series is 300 slices of 512 x 512, smooth with noise, so that the compressions compress as they do on CT. The files
are in the cache of the operating system. The readers take turns, and every figure is the median of the rounds: what
else the machine does hits all alike. Timed is from the folder to one volume in memory; the sum by which the readers
are compared is not. This program runs in a fresh process each time, the others in one that is warm. The processor's
seconds (user and system, all cores) tell what is left of a ratio where only one core is free; this program's include
the start of its process and its sum.
"""

import argparse, json, pathlib, resource, statistics, subprocess, tempfile, time

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


def by_itk(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def by_pydicom(folder):
    return np.stack([pydicom.dcmread(path).pixel_array for path in sorted(folder.iterdir())])


def total(array):
    return int(array.sum(dtype=np.int64))


def processor(whose):
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


def timed(read):
    """Seconds, the processor's seconds, and what was read."""
    began, used = time.perf_counter(), processor(resource.RUSAGE_SELF)
    result = read()
    return time.perf_counter() - began, processor(resource.RUSAGE_SELF) - used, result


def by_this(program, folder):
    """The same of this program, with its sum."""
    used = processor(resource.RUSAGE_CHILDREN)
    ours = json.loads(subprocess.run([program, str(folder)], capture_output=True, check=True).stdout)
    return ours["discover_s"] + ours["load_s"], processor(resource.RUSAGE_CHILDREN) - used, ours["sum"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--slices", type=int, default=300)
    arguments.add_argument("--program", default="target/release/examples/time_reading")
    arguments.add_argument("--rounds", type=int, default=9)
    given = arguments.parse_args()
    print("Medians, seconds (in brackets the processor's)\n")
    print("| stored as | this program | SimpleITK | pydicom | times faster |\n|---|---|---|---|---|")
    syntaxes = [("uncompressed", ExplicitVRLittleEndian), ("JPEG-LS", JPEGLSLossless), ("JPEG 2000", JPEG2000Lossless)]
    for name, syntax in syntaxes:
        with tempfile.TemporaryDirectory() as place:
            folder = pathlib.Path(place) / "series"
            write(folder, given.slices, syntax)
            rounds = []
            for number in range(given.rounds + 1):
                ours = by_this(given.program, folder)
                itk, pyd = timed(lambda: by_itk(folder)), timed(lambda: by_pydicom(folder))
                sums = {ours[2], total(sitk.GetArrayViewFromImage(itk[2])), total(pyd[2])}
                assert len(sums) == 1, f"the readers disagree: {sums}"
                # The first round fills caches and loads plugins.
                if number > 0:
                    rounds.append((ours[:2], itk[:2], pyd[:2]))
            ours, itk, pyd = ([statistics.median(r[who][what] for r in rounds) for what in range(2)] for who in range(3))
            cells = [f"{wall:.3f} ({used:.3f})" for wall, used in (ours, itk, pyd)]
            ratio = f"{itk[0] / ours[0]:.1f} than SimpleITK, {pyd[0] / ours[0]:.1f} than pydicom"
            print(f"| {name} | {' | '.join(cells)} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()

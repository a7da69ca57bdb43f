"""Times `corticalysis analyze` beside two SimpleITK and scikit-image scripts that do less.

usage: python3 benches/against_simpleitk.py target/release/corticalysis CT_FOLDER [RUNS]

All read the same DICOM folder from the warm file cache, each run is a fresh process, the runs take turns, the fastest of RUNS
(default 5) counts. The scripts find dense bone, keep the large pieces, and per slice take area, perimeter and mean thickness (distance
map along the skeleton): no completed contour, no reference, no loss, no interval, no report. One works on whole images, as such
scripts are usually written; the other crops every slice to the bone first. Prints a table in Markdown.
"""
import subprocess
import sys
import tempfile
import time


def measure(folder, crop):
    import numpy as np
    import SimpleITK as sitk
    from scipy import ndimage
    from skimage import measure as regions
    from skimage.morphology import skeletonize

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))
    image = reader.Execute()
    dense = sitk.BinaryThreshold(image, 300, 4000)
    pieces = sitk.RelabelComponent(sitk.ConnectedComponent(dense, True), 2000)
    labels = sitk.GetArrayFromImage(pieces)
    spacing = image.GetSpacing()
    if not crop:
        distance = sitk.SignedMaurerDistanceMap(pieces > 0, insideIsPositive=True, squaredDistance=False, useImageSpacing=True)
        distance = sitk.GetArrayFromImage(distance)
    rows = []
    for piece in range(1, labels.max() + 1):
        for k in np.flatnonzero((labels == piece).any(axis=(1, 2))):
            wall = labels[k] == piece
            region = regions.regionprops(wall.astype(np.uint8))[0]
            if crop:
                top, left, bottom, right = region.bbox
                wall = np.pad(wall[top:bottom, left:right], 1)
                inside = ndimage.distance_transform_edt(wall, sampling=spacing[1::-1])
            else:
                inside = distance[k]
            middle = skeletonize(wall)
            thickness = 2 * inside[middle].mean() if middle.any() else 0.0
            rows.append((piece, k, region.area * spacing[0] * spacing[1], region.perimeter, thickness))
    return rows


def seconds(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main():
    if len(sys.argv) > 3 and sys.argv[1] in ("--whole", "--cropped"):
        print(len(measure(sys.argv[2], sys.argv[1] == "--cropped")))
        return
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    program, folder = sys.argv[1:3]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    with tempfile.TemporaryDirectory() as out:
        script = [sys.executable, __file__]
        commands = {
            "corticalysis analyze, files to report": [program, "analyze", folder, "-o", out + "/report", "--quiet"],
            "script on whole images": [*script, "--whole", folder, ""],
            "script cropped to the bone": [*script, "--cropped", folder, ""],
        }
        times = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                times[name].append(seconds(command))
    ours = min(next(iter(times.values())))
    print("| | fastest, s | times ours |\n|---|---|---|")
    for name, taken in times.items():
        print(f"| {name} | {min(taken):.2f} | {min(taken) / ours:.1f} |")


main()

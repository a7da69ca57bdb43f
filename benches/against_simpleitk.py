"""Times `corticalysis analyze` beside a SimpleITK and scikit-image script that does less.

usage: python3 benches/against_simpleitk.py target/release/corticalysis CT_FOLDER [RUNS]

Both read the same DICOM folder from the warm file cache, each run is a fresh process, the fastest of RUNS (default 5) counts.
The script finds dense bone, keeps the large pieces, and per slice takes area, perimeter and mean thickness (distance map along the
skeleton): no completed contour, no reference, no loss, no interval, no report. Prints one line of Markdown.
"""
import subprocess
import sys
import tempfile
import time


def measure(folder):
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
    rows = []
    for piece in range(1, labels.max() + 1):
        for k in np.flatnonzero((labels == piece).any(axis=(1, 2))):
            wall = labels[k] == piece
            region = regions.regionprops(wall.astype(np.uint8))[0]
            top, left, bottom, right = region.bbox
            crop = np.pad(wall[top:bottom, left:right], 1)
            inside = ndimage.distance_transform_edt(crop, sampling=spacing[1::-1])
            middle = skeletonize(crop)
            thickness = 2 * inside[middle].mean() if middle.any() else 0.0
            rows.append((piece, k, region.area * spacing[0] * spacing[1], region.perimeter, thickness))
    return rows


def fastest(command, runs):
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        best = min(best, time.perf_counter() - start)
    return best


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "--script":
        print(len(measure(sys.argv[2])))
        return
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    program, folder = sys.argv[1:3]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    with tempfile.TemporaryDirectory() as out:
        ours = fastest([program, "analyze", folder, "-o", out + "/report", "--quiet"], runs)
    theirs = fastest([sys.executable, __file__, "--script", folder], runs)
    print(f"| {ours:.2f} s | {theirs:.2f} s | {theirs / ours:.1f} |")


main()

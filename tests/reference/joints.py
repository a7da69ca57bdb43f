#!/usr/bin/env python3
"""Bones at their joints, made another way, to hold the masks of `corticalysis analyze --save-masks` against.

    python3 tests/reference/joints.py CT_FOLDER MASKS_FOLDER [PICTURES_FOLDER]

CT_FOLDER holds one folder a case, MASKS_FOLDER/CASE/masks what `--save-masks` wrote. Prints CSV: one line a joint, then one a head.
Needs SimpleITK, numpy and scipy; matplotlib for the pictures.

What is bone is told by a threshold half way between cortex and soft tissue, and by filling; which bone it is by solids that were drawn
on the images by eye (capsules; columns, rows and slices of the CT) and, for heads, by a sphere fitted to the joint space. Nothing is
shared with the program, which cuts minimal surfaces in a sharpened image. Where both agree it is not because one copied the other.
"""

import math
import os
import sys

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.optimize import least_squares

# Half way between a thin subchondral shell as these scanners blur it and soft tissue.
THRESHOLD_HU = 200
# The bone near the joint: this far from the socket, mm. The socket is what is dense this far outside the head, away from its neck.
NEAR_MM = 15.0
SOCKET_MM = (2.5, 8.0)


def sphere(centre, radius_mm):
    return ("capsule", centre, centre, radius_mm, radius_mm)


def capsule(a, b, radius_mm, other_mm=None):
    """From a to b, as thick as its ends say."""
    return ("capsule", a, b, radius_mm, other_mm or radius_mm)


# `ball`: where a head is, about how large (mm), and a place in its neck: fitted to the inner edge of the joint space, see `fitted`.
# `solids`: what else is the bone's, together. `marrow`: surely within it. `seed`: a voxel of it. `box`: x0 x1 y0 y1 k0 k1.
JOINTS = [
    {
        "case": "TCGA-09-2043-hips", "joint": "right hip", "mask": "femur-right", "seed": (183, 265, 18),
        "ball": ((183.5, 265.3, 17.8), 22.4, (150, 263, 10)),
        "solids": [capsule((176, 264, 15.5), (150, 263, 10), 17.0, 24.0), capsule((150, 263, 10), (150, 248, 0), 25.0, 42.0),
                   capsule((176, 256, 12), (152, 262, 9), 20.0, 24.0), sphere((146, 278, 8), 20.0)],
        "marrow": [capsule((174, 263, 15), (150, 263, 10), 7.0), capsule((150, 263, 10), (146, 258, 5), 8.0)],
        "box": (105, 235, 205, 320, 0, 32),
    },
    {
        "case": "TCGA-09-2043-hips", "joint": "left hip", "mask": "femur-left", "seed": (350, 281, 21),
        "ball": ((350.0, 281.5, 21.3), 23.0, (388, 278, 12)),
        "solids": [capsule((358, 281, 19), (388, 278, 12), 18.0, 27.0), capsule((388, 278, 12), (386, 255, 0), 28.0, 46.0),
                   capsule((360, 268, 14), (386, 275, 12), 22.0, 26.0), sphere((394, 296, 14), 22.0)],
        "marrow": [capsule((360, 279, 19), (388, 278, 12), 6.0), capsule((388, 278, 12), (388, 274, 7), 8.0)],
        "box": (310, 430, 215, 325, 0, 34),
    },
    {
        "case": "STS_008", "joint": "left shoulder", "mask": "humerus-left", "seed": (52, 34, 33),
        "ball": ((50, 34, 33), 20.5, (54, 40, 24)),
        "solids": [capsule((52, 36, 29.5), (56, 44, 18), 19.5, 16.0), capsule((58, 32, 34), (56, 36, 28), 15.0)],
        "marrow": [capsule((52, 35, 30), (55, 42, 20), 5.0)],
        "box": (0, 141, 0, 137, 18, 45),
    },
]


def series(folder):
    if os.path.isdir(os.path.join(folder, "image")):
        folder = os.path.join(folder, "image")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))
    return reader.Execute()


def inside(solid, x, y, z, spacing):
    mm = [np.asarray(v, dtype=float) * s for v, s in zip(solid[1], spacing)]
    end = [np.asarray(v, dtype=float) * s for v, s in zip(solid[2], spacing)]
    way = [b - a for a, b in zip(mm, end)]
    length = sum(w * w for w in way)
    t = sum((p - a) * w for p, a, w in zip((x, y, z), mm, way)) / length if length else np.zeros_like(x)
    t = np.clip(t, 0, 1)
    off = sum((p - a - t * w) ** 2 for p, a, w in zip((x, y, z), mm, way))
    return off <= (solid[3] + t * (solid[4] - solid[3])) ** 2


def fitted(hu, spacing, start):
    """Centre (mm from the first voxel), radius and scatter of a head: a sphere through the places, on rays away from the neck, where HU have
    fallen half way from the shell to the darkest place before the socket."""
    spacing = np.asarray(spacing)
    centre, radius = np.asarray(start[0]) * spacing, start[1]
    neck = np.asarray(start[2]) * spacing - centre
    neck /= np.linalg.norm(neck)
    count, golden = 1500, math.pi * (3 - math.sqrt(5))
    height = 1 - (2 * np.arange(count) + 1) / count
    across = np.sqrt(1 - height**2)
    rays = np.stack([across * np.cos(golden * np.arange(count)), across * np.sin(golden * np.arange(count)), height], 1)
    rays = rays[rays @ neck < math.cos(math.radians(70))]
    for _ in range(6):
        places = []
        steps = np.arange(radius - 5, radius + 5, 0.25)
        for ray in rays:
            at = (centre[:, None] + ray[:, None] * steps) / spacing[:, None]
            values = ndimage.map_coordinates(hu, at[::-1], order=1, mode="nearest", output=float)
            dark = values.argmin()
            if dark < 6:
                continue
            shell = values[:dark].argmax()
            if values[shell] - values[dark] < 80:
                continue
            half = 0.5 * (values[shell] + values[dark])
            places.append(centre + ray * steps[shell + np.argmax(values[shell:] < half)])
        places = np.array(places)

        def off(p):
            return np.linalg.norm(places - p[:3], axis=1) - p[3]

        found = least_squares(off, [*centre, radius], loss="soft_l1", f_scale=0.7).x
        centre, radius = found[:3], found[3]
    return centre, radius, float(np.median(np.abs(off(found))))


def filled(mask, gap=3):
    """What is enclosed in a section of any of the three directions, gaps of the shell up to twice `gap` voxels closed."""
    out = mask.copy()
    disc = np.hypot(*np.mgrid[-gap:gap + 1, -gap:gap + 1]) <= gap
    for axis in range(3):
        for n in range(mask.shape[axis]):
            at = tuple([slice(None)] * axis + [n])
            # Across thick slices a gap is fewer voxels.
            if axis:
                out[at] |= ndimage.binary_fill_holes(mask[at])
            else:
                shut = ndimage.binary_closing(np.pad(mask[at], 2 * gap), disc)[2 * gap:-2 * gap, 2 * gap:-2 * gap]
                # Only what it encloses: closing alone would round off a trochanter.
                out[at] |= ndimage.binary_opening(ndimage.binary_fill_holes(shut) & ~ndimage.binary_erosion(~mask[at] & ~ndimage.binary_fill_holes(shut)), disc[2:-2, 2:-2]) | mask[at]
    return out


def reference(hu, spacing, joint):
    x0, x1, y0, y1, k0, k1 = joint["box"]
    part = hu[k0:k1, y0:y1, x0:x1]
    k, j, i = np.mgrid[k0:k1, y0:y1, x0:x1]
    x, y, z = i * spacing[0], j * spacing[1], k * spacing[2]
    own = np.zeros(part.shape, bool)
    centre, radius, _ = joint["fitted"]
    for solid in [sphere(centre / spacing, radius)] + joint["solids"]:
        own |= inside(solid, x, y, z, spacing)
    dense = part >= THRESHOLD_HU
    marrow = inside(sphere(centre / spacing, radius), x, y, z, spacing)
    for solid in joint["marrow"]:
        marrow |= inside(solid, x, y, z, spacing)
    bone = filled((dense & own) | marrow) & own
    # Alone a spur or a neighbour's edge within the solid is not this bone's.
    bone = ndimage.binary_opening(bone, ndimage.generate_binary_structure(3, 1)) | (bone & ndimage.binary_erosion(own, iterations=3))
    label, _ = ndimage.label(bone)
    sx, sy, sk = joint["seed"]
    number = label[sk - k0, sy - y0, sx - x0]
    if not number:
        raise SystemExit(f"{joint['joint']}: the seed is not in the bone")
    bone = filled(label == number) & own
    way = [x - centre[0], y - centre[1], z - centre[2]]
    off = np.sqrt(sum(w * w for w in way))
    neck = np.asarray(joint["ball"][2]) * spacing - centre
    away = sum(w * n for w, n in zip(way, neck / np.linalg.norm(neck))) < math.cos(math.radians(75)) * off
    return bone, dense & ~bone & away & (off > radius + SOCKET_MM[0]) & (off < radius + SOCKET_MM[1])


def surface(mask):
    # The window's own border is no surface.
    padded = np.pad(mask, 1, mode="edge")
    return (padded & ~ndimage.binary_erosion(padded, ndimage.generate_binary_structure(3, 1), border_value=1))[1:-1, 1:-1, 1:-1]


def compare(ours, theirs, near, zyx):
    common = (ours & theirs & near).sum()
    dice = 2.0 * common / ((ours & near).sum() + (theirs & near).sum())
    a, b = surface(ours), surface(theirs)
    to_b = ndimage.distance_transform_edt(~b, sampling=zyx)[a & near]
    to_a = ndimage.distance_transform_edt(~a, sampling=zyx)[b & near]
    both = np.concatenate([to_a, to_b])
    return dice, both.mean(), np.percentile(both, 95)


def picture(hu, ours, theirs, joint, folder):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    x0, x1, y0, y1, k0, k1 = joint["box"]
    part = hu[k0:k1, y0:y1, x0:x1]
    spots = np.argwhere(theirs)
    figure, axes = plt.subplots(3, 5, figsize=(25, 15))
    for row, axis in zip(axes, range(3)):
        for place, at in zip(row, np.linspace(spots[:, axis].min() + 1, spots[:, axis].max() - 1, 5).astype(int)):
            cut = [np.take(v, at, axis) for v in (part, ours, theirs)]
            if axis:
                cut = [v[::-1] for v in cut]
            place.imshow(np.clip(cut[0], -150, 800), cmap="gray", aspect=(3 if axis else 1))
            place.contour(cut[1], [0.5], colors="cyan", linewidths=1)
            place.contour(cut[2], [0.5], colors="red", linewidths=1)
            place.set_title(f"{'kyx'[axis]}{at + (k0, y0, x0)[axis]}")
            place.axis("off")
    figure.suptitle(f"{joint['case']}, {joint['joint']}: cyan the program, red the reference")
    figure.tight_layout()
    figure.savefig(os.path.join(folder, f"{joint['case']}-{joint['joint'].replace(' ', '-')}.png"), dpi=45)
    plt.close(figure)


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    ct, masks = sys.argv[1:3]
    pictures = sys.argv[3] if len(sys.argv) > 3 else None
    images = {}
    heads = []
    print("kind,case,what,dice_of_window,dice,mean_surface_mm,p95_surface_mm")
    for joint in JOINTS:
        case = joint["case"]
        image = images.setdefault(case, series(os.path.join(ct, case)))
        hu = sitk.GetArrayFromImage(image)
        x0, x1, y0, y1, k0, k1 = joint["box"]
        joint["fitted"] = fitted(hu, image.GetSpacing(), joint["ball"])
        mask = sitk.ReadImage(os.path.join(masks, case, "masks", joint["mask"] + ".nii.gz"))
        ours = sitk.GetArrayFromImage(sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0))[k0:k1, y0:y1, x0:x1] > 0
        theirs, socket = reference(hu, image.GetSpacing(), joint)
        zyx = image.GetSpacing()[::-1]
        near = ndimage.distance_transform_edt(~socket, sampling=zyx) <= NEAR_MM
        dice, mean, worst = compare(ours, theirs, near, zyx)
        whole = compare(ours, theirs, np.ones_like(near), zyx)[0]
        print(f"joint,{case},{joint['joint']},{whole:.4f},{dice:.4f},{mean:.3f},{worst:.2f}")
        centre, radius, scatter = joint["fitted"]
        at = np.asarray(image.GetOrigin()) + np.asarray(image.GetDirection()).reshape(3, 3) @ centre
        heads.append(f"head,{case},{joint['joint']},{at[0]:.1f},{at[1]:.1f},{at[2]:.1f},{radius:.2f},{scatter:.2f}")
        if pictures:
            os.makedirs(pictures, exist_ok=True)
            picture(hu, ours, theirs, joint, pictures)
    print("kind,case,what,x_mm,y_mm,z_mm,radius_mm,scatter_mm")
    print("\n".join(heads))


if __name__ == "__main__":
    main()

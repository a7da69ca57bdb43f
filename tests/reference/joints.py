#!/usr/bin/env python3
"""Bones at their joints, segmented by hand-placed seeds and hand corrections, to hold the masks of `corticalysis analyze --save-masks` against.

    python3 tests/reference/joints.py CT_FOLDER MASKS_FOLDER [PICTURES_FOLDER]

CT_FOLDER holds one folder a case, MASKS_FOLDER/CASE/masks what `--save-masks` wrote. Prints CSV: one line a reader and joint; one a joint that
three or more have read (`consensus`) and one of how far each of them is from that (`apart`); then one a head of the first reader.
Needs SimpleITK, numpy, scipy and scikit-image; matplotlib for the pictures.

How: the CT is interpolated to half-millimetre cubes (cubic splines). From seeds drawn on the images (`joint_seeds.py`) the bone and its neighbours
flood the image from bright to dark (watershed): they meet along the darkest surface between them, the joint space. Within its own region the bone's
outside is where HU have fallen half way from its wall to what lies outside, wall and outside taken within 2.5 mm of the place. Nothing is shared
with the program, which cuts minimal surfaces in a sharpened image, nor is its result looked at.

The consensus is the median of the readers' signed distances: of three, what two hold for bone is bone.

The distance of two surfaces is that of triangulated surfaces in millimetres, both ways, the mean over all of their points near the joint. The
reference's surface is that of its half-millimetre cubes; the program's is the zero of the interpolated signed distance of its mask, half way
between the centres of voxels in and out, as a voxel's steps of 3 mm are none of the bone's. `grid_mm` is what the same measure
gives for the reference itself once written on the CT's voxels: less is not to be had. Dice is counted on the CT's voxels.
"""

import math
import os
import sys

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.optimize import least_squares
from scipy.spatial import cKDTree
from skimage.draw import polygon2mask
from skimage.measure import marching_cubes
from skimage.segmentation import watershed

import joint_seeds
import joint_seeds_fifth
import joint_seeds_fourth
import joint_seeds_second
import joint_seeds_seventh
import joint_seeds_sixth
import joint_seeds_third

READERS = {
    "first": joint_seeds.JOINTS,
    "second": joint_seeds_second.JOINTS,
    "third": joint_seeds_third.JOINTS,
    "fourth": joint_seeds_fourth.JOINTS,
    "fifth": joint_seeds_fifth.JOINTS,
    "sixth": joint_seeds_sixth.JOINTS,
    "seventh": joint_seeds_seventh.JOINTS,
}

# Side of the cubes, mm.
STEP_MM = 0.5
# A first guess of what is bone, and how far the half-way place may lie from it, mm.
FIRST_HU = 200
BAND_MM = 2.0
# Half the width of a gap in a shell that is closed, mm.
GAP_MM = 2.5
CRUST_MM = 1.5
# Narrower than twice this a crevice is noise in a thin shell, mm.
CREVICE_MM = 1.5
# Wall and outside are looked for within this, mm.
LOCAL_MM = 2.5
# Outside there is fat or muscle or the darkest place of a joint space; a wall is no brighter than it matters.
OUTSIDE_HU = (-100, 250)
LEVEL_HU = (100, 700)
# A joint's surface is what lies within FACING_MM of a neighbour; near it is what lies within NEAR_MM of that.
FACING_MM = 8.0
NEAR_MM = 15.0


def series(folder):
    if os.path.isdir(os.path.join(folder, "image")):
        folder = os.path.join(folder, "image")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))
    return reader.Execute()


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


class Fine:
    """The box of a joint as half-millimetre cubes; arrays are slice, row, column."""

    def __init__(self, image, box):
        x0, x1, y0, y1, k0, k1 = box
        self.first = np.array([x0, y0, k0])
        self.spacing = np.array(image.GetSpacing())
        self.counts = np.array([x1 - x0, y1 - y0, k1 - k0])
        self.coarse = image[x0:x1, y0:y1, k0:k1]
        size = np.floor((self.counts - 1) * self.spacing / STEP_MM).astype(int) + 1
        to = sitk.Image([int(s) for s in size], sitk.sitkFloat32)
        to.SetSpacing([STEP_MM] * 3)
        to.SetOrigin(self.coarse.GetOrigin())
        to.SetDirection(self.coarse.GetDirection())
        image = sitk.Cast(self.coarse, sitk.sitkFloat32)
        self.hu = sitk.GetArrayFromImage(sitk.Resample(image, to, sitk.Transform(), sitk.sitkBSpline, -200.0))
        self.axes = [np.arange(n) * STEP_MM for n in size]

    def mm(self, place):
        """Place in voxels of the CT, mm from the first cube."""
        return (np.asarray(place, float) - self.first) * self.spacing

    def chain(self, chain):
        """Cubes within a chain of balls."""
        radius, places = chain
        x, y, z = self.axes[0][None, None, :], self.axes[1][None, :, None], self.axes[2][:, None, None]
        inside = np.zeros(self.hu.shape, bool)
        points = [self.mm(place) for place in places]
        for a, b in zip(points, points[1:] or points):
            way = b - a
            length = way @ way
            t = ((x - a[0]) * way[0] + (y - a[1]) * way[1] + (z - a[2]) * way[2]) / length if length else np.zeros(self.hu.shape)
            t = np.clip(t, 0, 1)
            off = (x - a[0] - t * way[0]) ** 2 + (y - a[1] - t * way[1]) ** 2 + (z - a[2] - t * way[2]) ** 2
            inside |= off <= radius * radius
        return inside

    def polygon(self, slices, corners):
        """Cubes within a polygon, in the slices from the first to the last of `slices`."""
        points = [self.mm((x, y, slices[0]))[1::-1] / STEP_MM for x, y in corners]
        flat = polygon2mask(self.hu.shape[1:], np.array(points))
        k = self.axes[2] / self.spacing[2] + self.first[2]
        inside = np.zeros(self.hu.shape, bool)
        inside[(k >= slices[0] - 0.5) & (k <= slices[1] + 0.5)] = flat
        return inside

    def on_coarse(self, inside):
        """Voxels of the CT that are half or more inside."""
        shape = self.counts[::-1]
        held, all_ = np.zeros(shape), np.zeros(shape)
        at = [np.clip(np.rint(self.axes[a] / self.spacing[a]).astype(int), 0, self.counts[a] - 1) for a in (2, 1, 0)]
        cell = np.ravel_multi_index(np.ix_(*at), shape)
        held = np.bincount(cell.ravel(), inside.ravel(), minlength=held.size)
        all_ = np.bincount(cell.ravel(), minlength=all_.size)
        return (held >= 0.5 * np.maximum(all_, 1)).reshape(shape)


def ball_of_neighbours(fine, joint):
    """What is dense outside a head, away from its neck: its socket."""
    centre, radius, _ = joint["fitted"]
    centre = centre - fine.first * fine.spacing
    neck = fine.mm(joint["ball"][2]) - centre
    neck /= np.linalg.norm(neck)
    x, y, z = fine.axes[0][None, None, :] - centre[0], fine.axes[1][None, :, None] - centre[1], fine.axes[2][:, None, None] - centre[2]
    r = np.sqrt(x * x + y * y + z * z)
    away = x * neck[0] + y * neck[1] + z * neck[2] < math.cos(math.radians(85)) * r
    return (fine.hu > 350) & away & (r > radius + 4) & (r < radius + 14)


def filled(mask):
    """With what lies more than CRUST_MM under its outside, gaps of the shell up to twice GAP_MM seen as closed; the canal counts as closed where
    the box cuts it."""
    beyond = ndimage.distance_transform_edt(~np.pad(mask, 8, mode="edge"), sampling=STEP_MM)
    thick = beyond <= GAP_MM
    for end in (7, -8):
        thick[end] = ndimage.binary_fill_holes(thick[end])
    inner = thick[7:-7, 7:-7, 7:-7]
    thick[7:-7, 7:-7, 7:-7] = ndimage.binary_fill_holes(inner)
    closed = ndimage.distance_transform_edt(thick, sampling=STEP_MM) > GAP_MM + CRUST_MM
    return mask | closed[8:-8, 8:-8, 8:-8]


def closed(mask, radius_mm):
    padded = np.pad(mask, 8, mode="edge")
    thick = ndimage.distance_transform_edt(~padded, sampling=STEP_MM) <= radius_mm
    return (ndimage.distance_transform_edt(thick, sampling=STEP_MM) > radius_mm)[8:-8, 8:-8, 8:-8] | mask


def piece(mask, seeds):
    label, _ = ndimage.label(mask)
    numbers = np.unique(label[seeds & mask])
    return np.isin(label, numbers[numbers > 0])


def own_region(fine, joint):
    """The cubes that are surely the bone's, and its side of the darkest surface towards its neighbours."""
    own = np.any([fine.chain(c) for c in joint["own"]], axis=0)
    others = np.zeros_like(own)
    for c in joint["others"]:
        others |= fine.chain(c)
    if "ball" in joint and not joint["others"]:
        others |= ball_of_neighbours(fine, joint) & ~own
    for what, inside in polygons(fine, joint, "region"):
        own = own | inside if what == "own" else own & ~inside
        others = others | inside if what == "others" else others & ~inside
    smooth = ndimage.gaussian_filter(fine.hu, 0.6)
    return own, watershed(-smooth, np.where(own, 1, 0) + np.where(others & ~own, 2, 0)) == 1


def polygons(fine, joint, kind):
    return [(what, fine.polygon(slices, corners)) for k, what, slices, corners in joint["corrections"] if k == kind]


def bone_and_neighbours(fine, joint, own, basin):
    """The bone and its neighbours, as cubes."""
    tissue = polygons(fine, joint, "tissue")
    first_hu = joint.get("first_hu", FIRST_HU)
    first = filled(piece(basin & (fine.hu >= first_hu) | own, own)) & basin
    width = 2 * int(LOCAL_MM / STEP_MM) + 1
    wall = ndimage.maximum_filter(np.where(first, fine.hu, -1000), width)
    outside = ndimage.minimum_filter(np.where(ndimage.binary_dilation(first), 3000, fine.hu), width)
    level = 0.5 * (wall + np.clip(outside, *OUTSIDE_HU))
    level = ndimage.gaussian_filter(np.clip(level, *LEVEL_HU), 1.0)
    depth = ndimage.distance_transform_edt(first, sampling=STEP_MM)
    beyond = ndimage.distance_transform_edt(~first, sampling=STEP_MM)
    bone = (fine.hu >= level) & (beyond <= BAND_MM) & basin | (depth > BAND_MM) | own
    for what, inside in tissue:
        bone = bone | inside if what == "bone" else bone & ~inside
    # A fringe thinner than a millimetre is a tendon's edge or noise.
    bone = ndimage.binary_opening(bone, ndimage.generate_binary_structure(3, 1)) | own
    bone = closed(filled(piece(bone, own)), CREVICE_MM) & basin
    for what, inside in tissue:
        bone = bone | inside if what == "bone" else bone & ~inside
    neighbours = ~basin & (fine.hu >= first_hu + 50)
    # Specks are no neighbours.
    label, count = ndimage.label(neighbours)
    sizes = np.bincount(label.ravel())
    return bone, neighbours & (sizes[label] * STEP_MM**3 > 200)


def signed(mask, spacing):
    """Signed distance, mm, negative inside; zero half way between the centres of voxels in and out."""
    out, into = (ndimage.distance_transform_edt(m, sampling=spacing) for m in (~mask, mask))
    return out - into


def points_of(field, level):
    """Points that cover a surface densely, in cubes."""
    vertices, faces, _, _ = marching_cubes(field, level)
    corners = vertices[faces]
    return np.concatenate([vertices, corners.mean(1), 0.5 * (corners[:, 0] + corners[:, 1])])


def surface_of_voxels(fine, mask):
    """The surface of a mask on the CT's voxels."""
    field = signed(mask, fine.spacing[::-1])
    at = np.meshgrid(*[fine.axes[a] / fine.spacing[a] for a in (2, 1, 0)], indexing="ij")
    return points_of(ndimage.map_coordinates(field, at, order=1, mode="nearest"), 0.0)


def surface_of_cubes(mask):
    return points_of(ndimage.gaussian_filter(mask.astype(np.float32), 0.8), 0.5)


def distances(a, b, near, rim):
    """From the points of each surface to the other, mm, near the joint and off the border of the box."""
    both = []
    for here, there in ((a, b), (b, a)):
        at = tuple(np.rint(here).astype(int).T)
        both.append(STEP_MM * cKDTree(there).query(here[near[at] & ~rim[at]])[0])
    # Each way counts for half, however many points a surface has.
    return 0.5 * (both[0].mean() + both[1].mean()), np.percentile(np.concatenate(both), 95)


def dice(a, b):
    return 2.0 * (a & b).sum() / (a.sum() + b.sum())


def compare(fine, reference, ours):
    """`reference`: bone and neighbours, as cubes; `ours`: the program's mask on the box's voxels."""
    bone, neighbours = reference
    facing = bone & (ndimage.distance_transform_edt(~neighbours, sampling=STEP_MM) <= FACING_MM)
    near = ndimage.distance_transform_edt(~facing, sampling=STEP_MM) <= NEAR_MM
    rim = np.ones_like(bone)
    rim[6:-6, 4:-4, 4:-4] = False
    theirs, near_voxels = fine.on_coarse(bone), fine.on_coarse(near)
    surface = surface_of_cubes(bone)
    mean, worst = distances(surface_of_voxels(fine, ours), surface, near, rim)
    least, _ = distances(surface_of_voxels(fine, theirs), surface, near, rim)
    return dice(ours, theirs), dice(ours & near_voxels, theirs & near_voxels), mean, worst, least


def picture(fine, joint, ours, folder):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    bone = joint["reference"][0]
    x0, x1, y0, y1, k0, k1 = joint["box"]
    hu = sitk.GetArrayFromImage(fine.coarse)
    name = os.path.join(folder, f"{joint['case']}-{joint['joint'].replace(' ', '-')}")

    def draw(file, sections, aspect, extent):
        rows = -(-len(sections) // 4)
        figure, axes = plt.subplots(rows, 4, figsize=(20, 5 * rows * aspect), squeeze=False)
        for place in axes.flat:
            place.axis("off")
        for place, (title, grey, own, mask) in zip(axes.flat, sections):
            (a0, a1), (b0, b1) = extent
            place.imshow(np.clip(grey, -150, 900), cmap="gray", extent=(a0 - 0.5, a1 - 0.5, b1 - 0.5, b0 - 0.5), aspect="auto", interpolation="bilinear")
            if mask is not None and mask.any():
                place.contour(np.arange(a0, a1), np.arange(b0, b1), mask, [0.5], colors="cyan", linewidths=0.9)
            if own.any():
                u, v = (np.linspace(a0, a0 + (own.shape[1] - 1) * joint["step"][0], own.shape[1]),
                        np.linspace(b0, b0 + (own.shape[0] - 1) * joint["step"][1], own.shape[0]))
                place.contour(u, v, own, [0.5], colors="red", linewidths=0.9)
            place.set_title(title, fontsize=8, pad=2)
            place.axis("on")
            place.tick_params(labelsize=5)
            place.set_xticks(range(a0, a1, 10))
            place.set_yticks(range(b0, b1, 10))
            place.grid(alpha=0.15, linewidth=0.4)
        figure.subplots_adjust(0.02, 0.02, 0.995, 0.98, wspace=0.08, hspace=0.12)
        figure.savefig(file, dpi=70)
        plt.close(figure)

    cubes = STEP_MM / fine.spacing
    ks = [k for k in range(k0, k1) if bone[min(int((k - k0) / cubes[2] + 0.5), bone.shape[0] - 1)].any()]
    joint["step"] = cubes[:2]
    aspect = (y1 - y0) * fine.spacing[1] / ((x1 - x0) * fine.spacing[0])
    for n in range(0, len(ks), 12):
        some = [(f"k={k}", hu[k - k0], bone[min(int((k - k0) / cubes[2] + 0.5), bone.shape[0] - 1)], ours[k - k0] if ours is not None else None)
                for k in ks[n:n + 12]]
        draw(f"{name}-axial{n // 12}.png", some, aspect, ((x0, x1), (y0, y1)))
    spots = np.argwhere(bone)
    for axis, label, which in ((1, "y", 1), (2, "x", 0)):
        low, high = spots[:, axis].min() * cubes[which], spots[:, axis].max() * cubes[which]
        first = (x0, y0)[which]
        cuts = [int(v) for v in np.linspace(first + low + 3, first + high - 3, 8)]
        joint["step"] = (cubes[1 - which], cubes[2])
        across = (x0, x1) if axis == 1 else (y0, y1)
        some = [(f"{label}={c}", np.take(hu, c - first, axis)[::1], np.take(bone, int((c - first) / cubes[which]), axis),
                 np.take(ours, c - first, axis) if ours is not None else None) for c in cuts]
        aspect = (k1 - k0) * fine.spacing[2] / ((across[1] - across[0]) * fine.spacing[1 - which])
        draw(f"{name}-{'coronal' if axis == 1 else 'sagittal'}.png", some, aspect, (across, (k0, k1)))


def read(joint, image):
    """The joint with its reference, and its box."""
    fine = Fine(image, joint["box"])
    if "ball" in joint:
        joint["fitted"] = fitted(sitk.GetArrayFromImage(image), image.GetSpacing(), joint["ball"])
    joint["reference"] = bone_and_neighbours(fine, joint, *own_region(fine, joint))
    return fine


class Reading:
    """What one reader holds for bone, kept without the images."""

    def __init__(self, reader, fine, joint):
        self.reader, self.box, self.first = reader, joint["box"], fine.first
        bone, self.neighbours = joint["reference"]
        self.on_voxels = fine.on_coarse(bone)
        self.off_mm = signed(bone, [STEP_MM] * 3).astype(np.float32)

    def at(self, fine):
        """Signed distance, and whether a neighbour is there, in the cubes of another box."""
        shift = (fine.first - self.first) * fine.spacing / STEP_MM
        places = np.meshgrid(*[fine.axes[a] / STEP_MM + shift[a] for a in (2, 1, 0)], indexing="ij")
        off_mm = ndimage.map_coordinates(self.off_mm, places, order=1, mode="nearest")
        return off_mm, ndimage.map_coordinates(self.neighbours.astype(np.uint8), places, order=0, mode="nearest")

    def voxels_of(self, fine):
        """The reader's bone on the CT's voxels of a box within his own."""
        at = [slice(f - o, f - o + n) for f, o, n in zip(fine.first, self.first, fine.counts)]
        return self.on_voxels[at[2], at[1], at[0]]


def consensus(image, readings):
    """The box that all have read, and what most hold for bone and for a neighbour."""
    boxes = np.array([reading.box for reading in readings])
    low, high = boxes[:, ::2].max(0), boxes[:, 1::2].min(0)
    fine = Fine(image, [int(v) for pair in zip(low, high) for v in pair])
    seen = [reading.at(fine) for reading in readings]
    bone = np.median([off_mm for off_mm, _ in seen], axis=0) < 0
    return fine, (bone, np.mean([near for _, near in seen], axis=0) >= 0.5)


def told(kind, name, fine, reference, mask):
    whole, near, mean, worst, least = compare(fine, reference, mask)
    print(f"{kind},{','.join(name)},{whole:.4f},{near:.4f},{mean:.3f},{worst:.2f},{least:.3f}", flush=True)


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    ct, masks = sys.argv[1:3]
    pictures = sys.argv[3] if len(sys.argv) > 3 else None
    images, heads, readings = {}, [], {}
    print("kind,case,what,dice_of_window,dice,mean_surface_mm,p95_surface_mm,grid_mm")

    def ours(name, bone, fine):
        mask = sitk.ReadImage(os.path.join(masks, name[0], "masks", bone + ".nii.gz"))
        return sitk.GetArrayFromImage(sitk.Resample(mask, fine.coarse, sitk.Transform(), sitk.sitkNearestNeighbor, 0)) > 0

    for reader, joints in READERS.items():
        for joint in joints:
            name = (joint["case"], joint["joint"])
            image = images.setdefault(name[0], series(os.path.join(ct, name[0])))
            fine = read(joint, image)
            mask = ours(name, joint["mask"], fine)
            told(reader, name, fine, joint["reference"], mask)
            readings.setdefault((name, joint["mask"]), []).append(Reading(reader, fine, joint))
            if reader == "first" and "ball" in joint:
                centre, radius, scatter = joint["fitted"]
                at = np.asarray(image.GetOrigin()) + np.asarray(image.GetDirection()).reshape(3, 3) @ centre
                heads.append(f"head,{','.join(name)},{at[0]:.1f},{at[1]:.1f},{at[2]:.1f},{radius:.2f},{scatter:.2f}")
            if pictures:
                os.makedirs(os.path.join(pictures, reader), exist_ok=True)
                picture(fine, joint, mask, os.path.join(pictures, reader))
            del joint["reference"]
    for (name, bone), of_joint in readings.items():
        if len(of_joint) < 3:
            continue
        fine, reference = consensus(images[name[0]], of_joint)
        told("consensus", name, fine, reference, ours(name, bone, fine))
        for reading in of_joint:
            told(f"apart {reading.reader}", name, fine, reference, reading.voxels_of(fine))
    print("kind,case,what,x_mm,y_mm,z_mm,radius_mm,scatter_mm")
    print("\n".join(heads))


if __name__ == "__main__":
    main()

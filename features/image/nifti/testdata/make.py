"""Makes the small files of this folder and expected.json, what nibabel says of them. Needs nibabel (written with 5.0.0)."""
import json
import nibabel as nib
import numpy as np

SHAPE = (3, 4, 2)
expected = {}


def keep(name):
    i = nib.load(name)
    data = np.asarray(i.dataobj, dtype=np.float64)
    lps = np.diag([-1, -1, 1, 1]) @ i.affine
    unit = {"meter": 1000.0, "micron": 1e-3}.get(i.header.get_xyzt_units()[0], 1.0)
    lps[:3] *= unit
    data = data.reshape(data.shape[:3]) if data.ndim > 3 else data
    expected[name] = {"shape": list(data.shape), "affine": lps.ravel().tolist(),
                      "values": data.ravel(order="F").tolist()}


def extremes(t):
    n = int(np.prod(SHAPE))
    if np.issubdtype(t, np.integer):
        info = np.iinfo(t)
        v = np.linspace(0, 23, n).astype(t)
        v[0], v[-1] = info.min, info.max
    else:
        v = np.linspace(-1.5, 7.25, n).astype(t)
    return v.reshape(SHAPE, order="F")


def oblique(spacing, angles, mirror):
    a, b, c = np.radians(angles)
    rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    m = np.eye(4)
    m[:3, :3] = rx @ ry @ rz @ np.diag(spacing) @ np.diag([1, 1, -1 if mirror else 1])
    m[:3, 3] = [-90.5, 126.25, -72]
    return m


for version, cls in ((1, nib.Nifti1Image), (2, nib.Nifti2Image)):
    header = nib.Nifti1Header if version == 1 else nib.Nifti2Header
    for t in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"):
        for order in "<>":
            h = header(endianness=order)
            h.set_data_dtype(np.dtype(t).newbyteorder(order))
            image = cls(extremes(np.dtype(t)), oblique((0.8, 1.2, 3), (10, -20, 30), False), h)
            name = f"n{version}_{t}_{'le' if order == '<' else 'be'}.nii"
            nib.save(image, name)
            keep(name)

# Scaling, the three methods of placing, units, compression, a pair, one volume in four dimensions.
h = nib.Nifti1Header()
h.set_data_dtype(np.int16)
image = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(SHAPE, order="F"), oblique((1, 2, 3), (0, 0, 90), True), h)
image.header.set_slope_inter(0.5, -10)
nib.save(image, "scaled.nii.gz")


def placed(name, qform, sform, units="mm", shape=SHAPE, cls=nib.Nifti1Image):
    i = cls(np.arange(24, dtype=np.int16).reshape(shape, order="F"), None)
    i.header.set_zooms((1.5, 2.5, 4) + (1,) * (len(shape) - 3))
    if qform is not None:
        i.set_qform(qform, 1)
    if sform is not None:
        i.set_sform(sform, 2)
    i.header.set_xyzt_units(units)
    nib.save(i, name)
    keep(name)


q, s = oblique((1.5, 2.5, 4), (15, 170, -40), True), oblique((1.5, 2.5, 4), (5, 6, 7), False)
placed("qform.nii", q, None)
placed("qform_180.nii", oblique((1.5, 2.5, 4), (0, 0, 180), False), None)
placed("qform_180_mirror.nii.gz", oblique((1.5, 2.5, 4), (180, 0, 0), True), None)
placed("both.nii", q, s)
placed("metre.nii", q, s, "meter")
placed("micron.nii", q, None, "micron")
placed("one_volume.nii", q, s, "mm", SHAPE + (1,))
placed("pair.hdr", q, s, "mm", SHAPE, nib.Nifti1Pair)
keep("scaled.nii.gz")

json.dump(expected, open("expected.json", "w"), separators=(",", ":"))

"""Compares a segmentation and a parametric map with the series that they were made of, by patient positions alone.

Usage: geometry.py SERIES SEG MAP, with a folder of slices of which pixels of 20000 and more are the region. Positions follow from the attributes of
each file as PS3.3, C.7.6.2.1.1 says; nothing is taken from the program that wrote the segmentation and the map. The standard output is the
number of voxels of the region and of the map.
"""
import glob
import os
import sys

import numpy
import pydicom


def positions(origin, orientation, spacing, rows, columns):
    """The centres of pixels in the patient's axes, rows x columns x 3."""
    origin, along, down = (numpy.array(v, dtype=float) for v in (origin, orientation[:3], orientation[3:]))
    y, x = numpy.mgrid[:rows, :columns]
    return origin + x[..., None] * along * float(spacing[1]) + y[..., None] * down * float(spacing[0])


def frames(d):
    """The origin, orientation, spacing and source of each frame of an object of several."""
    shared = d.SharedFunctionalGroupsSequence[0]
    orientation, measures = shared.PlaneOrientationSequence[0].ImageOrientationPatient, shared.PixelMeasuresSequence[0]
    for f in d.PerFrameFunctionalGroupsSequence:
        yield (f.PlanePositionSequence[0].ImagePositionPatient, orientation, measures,
               f.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID)


def key(position):
    return tuple(numpy.round(position, 3) + 0.0)


series, seg, parametric = sys.argv[1:]
source, values, region = {}, {}, set()
for path in glob.glob(os.path.join(series, "*")):
    d = pydicom.dcmread(path)
    source[d.SOPInstanceUID] = d
    at = positions(d.ImagePositionPatient, d.ImageOrientationPatient, d.PixelSpacing, d.Rows, d.Columns)
    for p, v in zip(at.reshape(-1, 3), d.pixel_array.reshape(-1)):
        values[key(p)] = int(v)
        if v >= 20000:
            region.add(key(p))

d = pydicom.dcmread(seg)
assert d.SegmentationType == "BINARY" and d.FrameOfReferenceUID == next(iter(source.values())).FrameOfReferenceUID
pixels = d.pixel_array.reshape(d.NumberOfFrames, d.Rows, d.Columns)
found = set()
for pixel, (origin, orientation, measures, uid) in zip(pixels, frames(d)):
    at = positions(origin, orientation, measures.PixelSpacing, d.Rows, d.Columns)
    found |= {key(p) for p in at[pixel > 0]}
    assert numpy.allclose([float(v) for v in source[uid].ImagePositionPatient], [float(v) for v in origin], atol=1e-4), "a frame refers to another slice"
assert found == region, f"{len(found - region)} voxels too many, {len(region - found)} missing"

d = pydicom.dcmread(parametric)
pixels = numpy.frombuffer(d.FloatPixelData, dtype="<f4").reshape(d.NumberOfFrames, d.Rows, d.Columns)
compared = 0
for pixel, (origin, orientation, measures, uid) in zip(pixels, frames(d)):
    at = positions(origin, orientation, measures.PixelSpacing, d.Rows, d.Columns)
    for p, v in zip(at.reshape(-1, 3), pixel.reshape(-1)):
        assert values[key(p)] == v, f"the map has {v} where the series has {values[key(p)]}"
        compared += 1
    assert uid in source
print(len(found), compared)

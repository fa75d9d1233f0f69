"""Makes the compressed slices of this folder: pydicom 2.3 writes plain.dcm, 24 columns by 16 rows of 12 bits in 16 and lossy.dcm of 8 bits,
dcmtk 3.6.7 and GDCM 3.0 compress them. The test knows the values: column*37 + row*113 - 900, and a ramp of 8 bits.
"""
import subprocess
import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian


def write(name, a, signed, bits):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, "1.2.3.4"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    d = FileDataset(name, {}, file_meta=meta, preamble=b"\0" * 128)
    d.is_little_endian, d.is_implicit_VR = True, False
    d.SOPClassUID, d.SOPInstanceUID = CTImageStorage, "1.2.3.4"
    d.Modality, d.SeriesInstanceUID, d.StudyInstanceUID, d.FrameOfReferenceUID = "CT", "1.2.3", "1.2", "1.2.5"
    d.PatientID, d.PatientName, d.SeriesNumber, d.InstanceNumber = "phantom", "phantom", 1, 1
    d.ImagePositionPatient, d.ImageOrientationPatient = [-10, -20, 30], [1, 0, 0, 0, 1, 0]
    d.PixelSpacing, d.SliceThickness = [0.5, 0.75], 2
    d.RescaleSlope, d.RescaleIntercept = 1, 0
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.Rows, d.Columns = a.shape
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = a.itemsize * 8, bits, bits - 1, int(signed)
    d.PixelData = a.tobytes()
    d.save_as(name, write_like_original=False)


y, x = np.mgrid[:16, :24]
write("plain.dcm", (x * 37 + y * 113 - 900).astype(np.int16), True, 16)
write("lossy.dcm", (x * 5 + y * 7).astype(np.uint8), False, 8)
run = lambda *c: subprocess.run(c, check=True)
run("dcmcjpeg", "+e1", "plain.dcm", "jpeg_lossless_sv1.dcm")
for s in "234567":
    run("dcmcjpeg", "+el", "+sv", s, "plain.dcm", f"jpeg_lossless_{s}.dcm")
run("dcmcjpeg", "+eb", "+q", "100", "lossy.dcm", "jpeg_baseline.dcm")
run("dcmcjpls", "+el", "plain.dcm", "jpegls_lossless.dcm")
run("dcmcjpls", "+en", "+md", "2", "lossy.dcm", "jpegls_near.dcm")
run("dcmcrle", "plain.dcm", "rle.dcm")
run("gdcmconv", "--j2k", "plain.dcm", "j2k_lossless.dcm")
run("gdcmconv", "--lossy", "--j2k", "-r", "8", "plain.dcm", "j2k_lossy.dcm")
run("dcmconv", "+td", "plain.dcm", "deflated.dcm")
run("dcmconv", "+tb", "plain.dcm", "big_endian.dcm")
run("dcmconv", "+ti", "plain.dcm", "implicit.dcm")

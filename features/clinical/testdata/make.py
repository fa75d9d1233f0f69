"""Writes the structured reports of this folder with pydicom, which is not part of the project: python3 make.py.
What they hold was then read with DCMTK's dsrdump; the tests cite that."""
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian


def code(value, scheme, meaning):
    d = Dataset()
    if len(value) > 16:
        d.LongCodeValue = value
    else:
        d.CodeValue = value
    d.CodingSchemeDesignator, d.CodeMeaning = scheme, meaning
    return d


def item(kind, name, relationship, below=()):
    d = Dataset()
    if relationship:
        d.RelationshipType = relationship
    d.ValueType, d.ConceptNameCodeSequence = kind, [code(*name)]
    if kind == "CONTAINER":
        d.ContinuityOfContent = "SEPARATE"
    if below:
        d.ContentSequence = list(below)
    return d


def num(name, value, unit, below=(), exact=None):
    d = item("NUM", name, "CONTAINS", below)
    d.MeasuredValueSequence = []
    if value is not None:
        v = Dataset()
        v.NumericValue = value
        if exact is not None:
            v.FloatingPointValue = exact
        v.MeasurementUnitsCodeSequence = [code(*unit)]
        d.MeasuredValueSequence = [v]
    return d


def coded(name, value, relationship="CONTAINS", below=()):
    d = item("CODE", name, relationship, below)
    d.ConceptCodeSequence = [code(*value)]
    return d


def text(name, value, relationship="CONTAINS"):
    d = item("TEXT", name, relationship)
    d.TextValue = value
    return d


def uid(name, value, relationship="HAS OBS CONTEXT"):
    d = item("UIDREF", name, relationship)
    d.UID = value
    return d


def image(name, klass, instance, segment=None, relationship="CONTAINS"):
    d = item("IMAGE", name, relationship)
    r = Dataset()
    r.ReferencedSOPClassUID, r.ReferencedSOPInstanceUID = klass, instance
    if segment:
        r.ReferencedSegmentNumber = segment
    d.ReferencedSOPSequence = [r]
    return d


def polyline(instance):
    d = item("SCOORD", ("111030", "DCM", "Image Region"), "CONTAINS",
             [image(("260753009", "SCT", "Source"), "1.2.840.10008.5.1.4.1.1.2", instance, relationship="SELECTED FROM")])
    d.GraphicType, d.GraphicData = "POLYLINE", [1.0, 1.0, 5.0, 1.0, 5.0, 5.0, 1.0, 1.0]
    return d


def group(template, tracking, n, below):
    d = item("CONTAINER", ("125007", "DCM", "Measurement Group"), "CONTAINS",
             [text(("112039", "DCM", "Tracking Identifier"), tracking, "HAS OBS CONTEXT"),
              uid(("112040", "DCM", "Tracking Unique Identifier"), "1.2.826.0.1.3680043.8.498.%d" % n)] + below)
    t = Dataset()
    t.MappingResource, t.TemplateIdentifier = "DCMR", template
    d.ContentTemplateSequence = [t]
    return d


mm, mm2, mm3 = ("mm", "UCUM", "millimeter"), ("mm2", "UCUM", "square millimeter"), ("mm3", "UCUM", "cubic millimeter")
hu, one = ("[hnsf'U]", "UCUM", "Hounsfield unit"), ("1", "UCUM", "no units")
finding, lung = ("121071", "DCM", "Finding"), ("39607008", "SCT", "Lung")
site, laterality = ("363698007", "SCT", "Finding Site"), ("272741003", "SCT", "Laterality")
derivation, attenuation = ("121401", "DCM", "Derivation"), ("112031", "DCM", "Attenuation Coefficient")
CT, SEG = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.66.4"


def write(name, patient, volume, mean, margin, long_axis, implicit):
    mod = lambda m: [coded(derivation, m, "HAS CONCEPT MOD")]
    nodule = group("1411", "Lesion 1", 1, [
        coded(finding, ("27925004", "SCT", "Nodule")),
        coded(site, lung, "HAS CONCEPT MOD", [coded(laterality, ("7771000", "SCT", "Left"), "HAS CONCEPT MOD")]),
        image(("121191", "DCM", "Referenced Segment"), SEG, "1.2.3.9", 1),
        uid(("121232", "DCM", "Source series for segmentation"), "1.2.3.4", "CONTAINS"),
        num(("118565006", "SCT", "Volume"), "%.4f" % volume, mm3, exact=volume),
        num(attenuation, mean, hu, mod(("373098007", "SCT", "Mean"))),
        num(attenuation, "211", hu, mod(("56851009", "SCT", "Maximum"))),
        num(("SPHERICITYLONGCODEVALUE", "99TEST", "Sphericity"), None, one),
        coded(("129737002", "SCT", "Radiographic Margin Characteristic"), margin),
        coded(("RID5741", "RADLEX", "Associated Findings"), ("RID1", "RADLEX", "Cavitation")),
        coded(("RID5741", "RADLEX", "Associated Findings"), ("RID2", "RADLEX", "Pleural retraction")),
        text(("121106", "DCM", "Comment"), "Seen on one section only"),
    ])
    node = group("1410", "Lesion 2", 2, [
        coded(finding, ("59441001", "SCT", "Lymph node")),
        coded(("G-C0E3", "SRT", "Finding Site"), ("72410000", "SCT", "Mediastinum"), "HAS CONCEPT MOD"),
        polyline("1.2.3.5"),
        num(("103339001", "SCT", "Long Axis"), long_axis, mm),
        num(("103340004", "SCT", "Short Axis"), "7.5", mm),
        num(("42798000", "SCT", "Area"), "81.25", mm2),
    ])
    whole = group("1501", "Emphysema", 3, [num(("99001", "99TEST", "Emphysema Index"), "0.125", one)])
    d = item("CONTAINER", ("126000", "DCM", "Imaging Measurement Report"), "", [
        coded(("121049", "DCM", "Language of Content Item and Descendants"), ("en", "RFC5646", "English"), "HAS CONCEPT MOD"),
        item("CONTAINER", ("126010", "DCM", "Imaging Measurements"), "CONTAINS", [nodule, node, whole]),
        item("CONTAINER", ("C0034375", "UMLS", "Qualitative Evaluations"), "CONTAINS",
             [coded(("99002", "99TEST", "Image Quality"), ("99003", "99TEST", "Good"))]),
    ])
    t = Dataset()
    t.MappingResource, t.TemplateIdentifier = "DCMR", "1500"
    d.ContentTemplateSequence = [t]
    d.SOPClassUID, d.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.34", "1.2.826.0.1.3680043.8.498.9" + patient[-1]
    d.Modality, d.PatientID, d.PatientName, d.PatientSex, d.PatientBirthDate = "SR", patient, "Test^" + patient, "", ""
    d.StudyInstanceUID, d.SeriesInstanceUID = "1.2.3", "1.2.3.8"
    d.StudyDate = d.StudyTime = d.StudyID = d.AccessionNumber = d.ReferringPhysicianName = ""
    d.ContentDate, d.ContentTime, d.SeriesNumber, d.InstanceNumber = "20200102", "101112", 1, 1
    d.Manufacturer, d.CompletionFlag, d.VerificationFlag = "Test", "COMPLETE", "UNVERIFIED"
    d.ReferencedPerformedProcedureStepSequence, d.PerformedProcedureCodeSequence = [], []
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    d.is_implicit_VR, d.is_little_endian = implicit, True
    d.save_as(name, write_like_original=False)


write("one.dcm", "P1", 1234.56789012345, "-12.5", ("129742005", "SCT", "Spiculated lesion"), "12.25", False)
write("two.dcm", "P2", 88.125, "37", ("129738007", "SCT", "Lesion with circumscribed margin"), "9", True)

"""Checks the content of a report against the rows of the templates that it names (PS3.16: TID 1500, 1600, 1411, 1501, 1419, 1204, 1004).

Usage: templates.py REPORT. The standard output is the number of measurement groups of each template.
"""
import sys
from collections import Counter

import pydicom

d = pydicom.dcmread(sys.argv[1])


def name(item):
    c = item.get("ConceptNameCodeSequence")
    return (c[0].CodeValue, c[0].CodingSchemeDesignator) if c else None


def children(item, code=None, relationship=None, kind=None):
    return [i for i in item.get("ContentSequence", []) if (code is None or name(i) == (code, "DCM")) and (relationship is None or i.RelationshipType == relationship)
            and (kind is None or i.ValueType == kind)]


def template(item):
    t = item.ContentTemplateSequence[0]
    assert t.MappingResource == "DCMR"
    return t.TemplateIdentifier


def references(item):
    for r in item.get("ReferencedSOPSequence", []):
        yield r.ReferencedSOPInstanceUID
    for i in item.get("ContentSequence", []):
        yield from references(i)


evidence = {r.ReferencedSOPInstanceUID for study in d.CurrentRequestedProcedureEvidenceSequence for s in study.ReferencedSeriesSequence for r in s.ReferencedSOPSequence}
missing = set(references(d)) - evidence
assert not missing, f"objects of the content that are not in the evidence (C.17.2.3): {missing}"

# TID 1500, in the order of its rows.
assert (name(d), template(d), d.ValueType) == (("126000", "DCM"), "1500", "CONTAINER")
rows = [name(i)[0] for i in d.ContentSequence]
order = ["121049", "121005", "121012", "121013", "121014", "121015", "121016", "121058", "111028", "126010", "C0034375"]
assert [order.index(r) for r in rows] == sorted(order.index(r) for r in rows), rows
language, = children(d, "121049", "HAS CONCEPT MOD", "CODE")  # TID 1204
assert language.ConceptCodeSequence[0].CodingSchemeDesignator == "RFC5646"
observer, = children(d, "121005", "HAS OBS CONTEXT", "CODE")  # TID 1002, 1004
assert observer.ConceptCodeSequence[0].CodeValue == "121007"
assert len(children(d, "121012", "HAS OBS CONTEXT", "UIDREF")) == 1
assert children(d, "121058", "HAS CONCEPT MOD", "CODE")

library, = children(d, "111028", "CONTAINS", "CONTAINER")  # TID 1600
for group in library.ContentSequence:
    assert name(group) == ("126200", "DCM") and group.RelationshipType == "CONTAINS"
    images = children(group, relationship="CONTAINS", kind="IMAGE")  # TID 1601
    assert images and len(images) + len(children(group, relationship="HAS ACQ CONTEXT")) == len(group.ContentSequence)

counted = Counter()
for part in children(d, "126010", "CONTAINS", "CONTAINER"):
    for group in part.ContentSequence:
        assert (name(group), group.ValueType, group.RelationshipType) == (("125007", "DCM"), "CONTAINER", "CONTAINS")
        counted[template(group)] += 1
        for code, kind in (("112039", "TEXT"), ("112040", "UIDREF")):
            assert len(children(group, code, "HAS OBS CONTEXT", kind)) == 1, code
        for code in ("111001", "111003"):  # TID 4019
            assert len(children(group, code, "HAS CONCEPT MOD", "TEXT")) == 1, code
        if template(group) == "1411":
            segment, = children(group, "121191", "CONTAINS", "IMAGE")
            assert segment.ReferencedSOPSequence[0].ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.66.4"
            number = segment.ReferencedSOPSequence[0].ReferencedSegmentNumber
            assert isinstance(number, int) and number > 0
            assert children(group, "121232", "CONTAINS", "UIDREF"), "TID 1411 wants the source series or images of the segmentation"
        else:
            assert template(group) == "1501"
        numbers = [i for i in children(group) if i.ValueType == "NUM"]
        assert template(group) == "1501" or numbers
        for n in numbers:  # TID 1419
            v, = n.MeasuredValueSequence
            assert n.RelationshipType == "CONTAINS" and v.MeasurementUnitsCodeSequence[0].CodingSchemeDesignator == "UCUM"
            assert abs(float(v.NumericValue) - v.FloatingPointValue) <= 1e-12 * abs(v.FloatingPointValue)
            assert len(n.ConceptNameCodeSequence[0].CodeValue) <= 16 and len(n.ConceptNameCodeSequence[0].CodeMeaning) <= 64
print(counted["1411"], counted["1501"])

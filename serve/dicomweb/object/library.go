package object

import (
	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/serve/results"
)

// modalities are those of the SOP classes of images that a prediction may be made from (PS3.4, B.5; PS3.16, CID 29).
var modalities = map[string]p10.Code{
	"1.2.840.10008.5.1.4.1.1.2":     {Value: "CT", Scheme: "DCM", Meaning: "Computed Tomography"},
	"1.2.840.10008.5.1.4.1.1.2.1":   {Value: "CT", Scheme: "DCM", Meaning: "Computed Tomography"},
	"1.2.840.10008.5.1.4.1.1.2.2":   {Value: "CT", Scheme: "DCM", Meaning: "Computed Tomography"},
	"1.2.840.10008.5.1.4.1.1.4":     {Value: "MR", Scheme: "DCM", Meaning: "Magnetic Resonance"},
	"1.2.840.10008.5.1.4.1.1.4.1":   {Value: "MR", Scheme: "DCM", Meaning: "Magnetic Resonance"},
	"1.2.840.10008.5.1.4.1.1.4.4":   {Value: "MR", Scheme: "DCM", Meaning: "Magnetic Resonance"},
	"1.2.840.10008.5.1.4.1.1.128":   {Value: "PT", Scheme: "DCM", Meaning: "Positron emission tomography"},
	"1.2.840.10008.5.1.4.1.1.130":   {Value: "PT", Scheme: "DCM", Meaning: "Positron emission tomography"},
	"1.2.840.10008.5.1.4.1.1.128.1": {Value: "PT", Scheme: "DCM", Meaning: "Positron emission tomography"},
}

// structureStorage is the SOP class of structure sets, which are no images.
const structureStorage = "1.2.840.10008.5.1.4.1.1.481.3"

// library is the images that a result was made from, a group for each series (TID 1600); none where only masks are known.
func library(r *results.Result) []*p10.Set {
	var order []string
	of := map[string][]*p10.Set{}
	for _, in := range r.Evidence {
		if in.Class == SegmentationStorage || in.Class == structureStorage {
			continue
		}
		if of[in.Series] == nil {
			order = append(order, in.Series)
			if m, known := modalities[in.Class]; known {
				of[in.Series] = append(of[in.Series], coded(code("121139", "DCM", "Modality"), m, "HAS ACQ CONTEXT"))
			}
		}
		of[in.Series] = append(of[in.Series], refer("IMAGE", in))
	}
	if order == nil {
		return nil
	}
	var groups []*p10.Set
	for _, series := range order {
		groups = append(groups, container(code("126200", "DCM", "Image Library Group"), "CONTAINS").Items(p10.ContentSequence, of[series]...))
	}
	return []*p10.Set{container(code("111028", "DCM", "Image Library"), "CONTAINS").Items(p10.ContentSequence, groups...)}
}

// refer is a content item without a name that refers to an object: an IMAGE or a COMPOSITE.
func refer(kind string, in results.Instance) *p10.Set {
	return (&p10.Set{}).Text(p10.RelationshipType, "CONTAINS").Text(p10.ValueType, kind).Items(p10.ReferencedSOPSequence, reference(in))
}

package object

import (
	"math"
	"strings"

	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/serve/results"
)

// feature is the concept of a measured feature: of the standard where it has one, else our own.
func feature(name string) p10.Code {
	switch {
	case strings.HasSuffix(name, "original_shape_VoxelVolume"):
		return code("118565006", "SCT", "Volume")
	}
	return own(name, name)
}

// own is a concept of our own scheme; its value, which has to be short, follows from the name.
func own(name, meaning string) p10.Code {
	sum := p10.UID(name)
	return code("V"+sum[len(sum)-12:], scheme, meaning)
}

func code(value, scheme, meaning string) p10.Code {
	return p10.Code{Value: value, Scheme: scheme, Meaning: meaning}
}

// item is a content item; of a relationship where it is not the root.
func item(kind string, name p10.Code, relationship string) *p10.Set {
	s := (&p10.Set{}).Text(p10.ValueType, kind).Items(p10.ConceptNameCodeSequence, name.Item())
	if relationship != "" {
		s.Text(p10.RelationshipType, relationship)
	}
	return s
}

func container(name p10.Code, relationship string) *p10.Set {
	return item("CONTAINER", name, relationship).Text(p10.ContinuityOfContent, "SEPARATE")
}

func text(name p10.Code, value, relationship string) *p10.Set {
	return item("TEXT", name, relationship).Clip(p10.TextValue, value)
}

func uidref(name p10.Code, uid, relationship string) *p10.Set {
	return item("UIDREF", name, relationship).Text(p10.UIDValue, uid)
}

func coded(name, value p10.Code, relationship string) *p10.Set {
	return item("CODE", name, relationship).Items(p10.ConceptCodeSequence, value.Item())
}

// number is a measurement with its unit (UCUM).
func number(name p10.Code, v float64, unit string) *p10.Set {
	s := item("NUM", name, "CONTAINS")
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return s.Items(p10.MeasuredValueSequence)
	}
	meaning, known := map[string]string{"": "no units", "1": "no units", "mm3": "cubic millimeter", "mm2": "square millimeter", "mm": "millimeter"}[unit]
	if unit == "" {
		unit = "1"
	}
	if !known {
		meaning = unit
	}
	return s.Items(p10.MeasuredValueSequence, (&p10.Set{}).Number(p10.NumericValue, v).Number(p10.FloatingPointValue, v).
		Items(p10.MeasurementUnitsCodeSequence, code(unit, "UCUM", meaning).Item()))
}

func template(number string) *p10.Set {
	return (&p10.Set{}).Text(p10.MappingResource, "DCMR").Text(p10.TemplateIdentifier, number)
}

func reference(in results.Instance) *p10.Set {
	return (&p10.Set{}).Text(p10.ReferencedSOPClassUID, in.Class).Text(p10.ReferencedSOPInstanceUID, in.Instance)
}

// evidence lists objects by series, in the order in which they were given.
func evidence(study string, list []results.Instance) *p10.Set {
	var order []string
	of := map[string][]*p10.Set{}
	for _, in := range list {
		if of[in.Series] == nil {
			order = append(order, in.Series)
		}
		of[in.Series] = append(of[in.Series], reference(in))
	}
	var series []*p10.Set
	for _, uid := range order {
		series = append(series, (&p10.Set{}).Text(p10.SeriesInstanceUID, uid).Items(p10.ReferencedSOPSequence, of[uid]...))
	}
	return (&p10.Set{}).Text(p10.StudyInstanceUID, study).Items(p10.ReferencedSeriesSequence, series...)
}

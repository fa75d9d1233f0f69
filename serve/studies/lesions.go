package studies

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/scans"
)

// lesion is one lesion of a study, a row of its own.
type lesion struct {
	name     string
	features map[string]any // those of its own, by full name
	regions  []results.Region
}

// each notes the lesions of one source, and where they lie in its mask. Lesions of several sources are the same where they have the same name, as in
// training.
func (s *study) each(source *extraction.Source, mask string, found []extraction.Lesion) {
	segments := described(mask)
	for n, l := range found {
		i := slices.IndexFunc(s.lesions, func(have lesion) bool { return have.name == l.Name })
		if i < 0 {
			i = len(s.lesions)
			s.lesions = append(s.lesions, lesion{name: l.Name, features: map[string]any{}})
		}
		for _, f := range l.Features {
			if s.entry.Bundle.Find(f.Name) >= 0 && !table.Missing(f.Value) {
				s.lesions[i].features[f.Name] = f.Value
			}
		}
		at := results.Region{Source: source.Name, Series: s.series[source.Name], Number: n + 1, Volume: l.Volume}
		if seg, known := segments[l.Label]; known {
			at.Label, at.Type, at.Site, at.Side = seg.Label, coded(seg.Type), coded(seg.Site), coded(seg.Side)
			if l.Whole {
				s.follow(source, &at, seg)
			}
		}
		s.lesions[i].regions = append(s.lesions[i].regions, at)
	}
}

// follow notes the segment that a lesion is, and how it is followed over studies.
func (s *study) follow(source *extraction.Source, at *results.Region, seg dicom.Segment) {
	m, known := s.masks[source.Name]
	if !known || m.Class != object.SegmentationStorage {
		return
	}
	m.Segment = seg.Number
	at.Segment, at.Tracking = &m, seg.Tracking
	if part10.ValidUID(seg.TrackingUID) {
		at.TrackingUID = seg.TrackingUID
	}
}

// described are the labels of a mask by number, as far as it describes them.
func described(mask string) map[int]dicom.Segment {
	out := map[int]dicom.Segment{}
	if list, err := dicom.Labels(mask); err == nil {
		for _, l := range list {
			out[l.Number] = l
		}
	} else if list, err := open.Labels(mask); err == nil {
		for _, l := range list {
			out[l.Number] = dicom.Segment{Number: l.Number, Label: l.Name}
		}
	}
	return out
}

// coded is a code that objects can carry (PS3.3, 8.8), nil where it is none.
func coded(c dicom.Code) *results.Code {
	if c.Value == "" || c.Scheme == "" || c.Meaning == "" || len(c.Value) > 16 || len(c.Scheme) > 16 || len(c.Meaning) > 64 {
		return nil
	}
	out := results.Code(c)
	return &out
}

// rows are the study as predict takes it: one row, or one a lesion.
func (s *study) rows() []any {
	if s.lesions == nil {
		return []any{map[string]any{"id": s.identity.Patient, "features": s.features}}
	}
	var out []any
	for _, l := range s.lesions {
		out = append(out, map[string]any{"id": s.identity.Patient, "lesion": l.name, "features": s.of(l)})
	}
	return out
}

// cropped is what was made of a source that makes crops.
type cropped struct {
	source *extraction.Source
	row    extraction.Result
}

// volumes are the crops of the rows, in the order of rows: one for all, or that of each lesion. A lesion that a source does not have has none there.
func (s *study) volumes() []models.Volumes {
	var out []models.Volumes
	for _, c := range s.crops {
		v := models.Volumes{Source: c.source.Name, Channels: c.source.Volume.Channels(), Size: [3]int(c.source.Volume.Size), Spacing: [3]float64(c.source.Volume.Spacing)}
		if !c.source.EachLesion() {
			v.Values, v.Crop = c.row.Crop, make([]int, max(1, len(s.lesions)))
			out = append(out, v)
			continue
		}
		for _, row := range s.lesions {
			i := slices.IndexFunc(c.row.Lesions, func(l extraction.Lesion) bool { return l.Name == row.name })
			if i < 0 {
				v.Crop = append(v.Crop, -1)
				continue
			}
			v.Crop = append(v.Crop, len(v.Values)/v.Voxels())
			v.Values = append(v.Values, c.row.Lesions[i].Crop...)
		}
		out = append(out, v)
	}
	return out
}

// called is the name of the lesion that is of a number in a source.
func (s *study) called(source string, number int) string {
	for _, l := range s.lesions {
		if slices.ContainsFunc(l.regions, func(r results.Region) bool { return r.Source == source && r.Number == number }) {
			return l.name
		}
	}
	return ""
}

// looked lays over an image where networks looked in the crop of each lesion, for the class that was called of it: of the largest lesions, which have
// pictures elsewhere.
func (s *study) looked(source *extraction.Source, x models.Matrix, answers []bundle.Prediction, im *scans.Image) {
	at := slices.IndexFunc(s.crops, func(c cropped) bool { return c.source == source })
	if at < 0 || !source.EachLesion() {
		return
	}
	b := s.entry.Bundle
	for i := range b.Outcomes {
		name := b.Outcomes[i].Name
		if _, ok := bundle.Beneath(b.Outcomes[i].Model).(models.Located); !ok {
			continue
		}
		maps := map[string][][]float32{} // of every row, by class
		for row := range min(len(s.lesions), mostPictured) {
			l, err := s.crops[at].row.Lesion(s.lesions[row].name)
			o := slices.IndexFunc(answers[row].Outcomes, func(a bundle.Answer) bool { return a.Name == name })
			if err != nil || o < 0 || answers[row].Abstained != nil {
				continue
			}
			class := answers[row].Outcomes[o].Label
			if maps[class] == nil {
				if maps[class], err = b.Locate(x, name, class); err != nil {
					s.notes = append(s.notes, s.hide(fmt.Sprintf("no map of %s: %v", name, err)))
					break
				}
			}
			m := maps[class][row]
			if len(m) == 0 {
				continue
			}
			v := &image.Volume{Grid: l.Grid, Values: make([]float64, len(m))}
			for n, value := range m {
				v.Values[n] = float64(value)
			}
			title := strings.TrimSpace("Grad-CAM: " + name + " " + class)
			im.Lay(v, scans.Layer{Title: title + ", lesion " + l.Name, Outcome: name, Lesion: l.Name, Note: gradCAM})
		}
	}
}

// of are the features of a lesion: the patient's and its own.
func (s *study) of(l lesion) map[string]any {
	features := maps.Clone(s.features)
	maps.Copy(features, l.features)
	return features
}

// kept are the lesions with what was predicted of each, as a result keeps them.
func (s *study) kept(answers []bundle.Prediction, drawn []map[string]results.Curve) []results.Lesion {
	var out []results.Lesion
	for i, l := range s.lesions {
		k := results.Lesion{Name: l.name, Prediction: answers[i].AppendJSON(nil), Regions: l.regions, Features: s.inputsOf(s.of(l), true)}
		if drawn != nil {
			k.Curves = drawn[i]
		}
		out = append(out, k)
	}
	return out
}

// inputsOf are the inputs of the model with their values: those that each lesion has of its own, or those of the patient. All are the patient's where
// rows are no lesions.
func (s *study) inputsOf(values map[string]any, own bool) []results.Feature {
	lesions := map[string]bool{}
	for i := range s.entry.Bundle.Sources {
		source := &s.entry.Bundle.Sources[i]
		lesions[source.Name] = source.EachLesion()
	}
	var out []results.Feature
	for _, in := range s.entry.Columns.Inputs {
		if lesions[in.Source] != own {
			continue
		}
		feature := results.Feature{Name: in.Name, Unit: in.Unit}
		switch v := values[in.Name].(type) {
		case float64:
			feature.Value = &v
		case string:
			feature.Text = v
		}
		out = append(out, feature)
	}
	return out
}

package studies

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
)

// lesion is one lesion of a study, a row of its own.
type lesion struct {
	name     string
	features map[string]any // those of its own, by full name
}

// each notes the lesions of one source. Lesions of several sources are the same where they have the same name, as in training.
func (s *study) each(found []extraction.Lesion) {
	for _, l := range found {
		i := slices.IndexFunc(s.lesions, func(have lesion) bool { return have.name == l.Name })
		if i < 0 {
			i = len(s.lesions)
			s.lesions = append(s.lesions, lesion{l.Name, map[string]any{}})
		}
		for _, f := range l.Features {
			if s.entry.Bundle.Find(f.Name) >= 0 && !table.Missing(f.Value) {
				s.lesions[i].features[f.Name] = f.Value
			}
		}
	}
}

// rows are the study as predict takes it: one row, or one a lesion.
func (s *study) rows() []any {
	if s.lesions == nil {
		return []any{map[string]any{"id": s.identity.Patient, "features": s.features}}
	}
	var out []any
	for _, l := range s.lesions {
		features := maps.Clone(s.features)
		maps.Copy(features, l.features)
		out = append(out, map[string]any{"id": s.identity.Patient, "lesion": l.name, "features": features})
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

// apart is the answer with a prediction a lesion. It is not kept: a result, which is verified, retracted and written to other systems, is of one row.
func (s *study) apart(answers []bundle.Prediction) (answer, error) {
	b := s.entry.Bundle
	a := answer{Model: b.Name, Version: b.Version(), IntendedUse: b.IntendedUse, Words: bundle.Words(b.IntendedUse), Inputs: s.inputs(), Predictions: []json.RawMessage{},
		Notes: append(s.notes, "There is a prediction a lesion. They are not kept, and not written to other systems; the scan is not shown.")}
	for i := range answers {
		a.Predictions = append(a.Predictions, answers[i].AppendJSON(nil))
	}
	return a, nil
}

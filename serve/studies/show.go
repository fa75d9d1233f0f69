package studies

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/scans"
)

// reading is one source as it was read.
type reading struct {
	source *extraction.Source
	files  extraction.Files
	crop   []float32 // for networks
	grid   image.Grid
}

// shown tells a client under which identifier the scan can be looked at, and how long.
type shown struct {
	ID    string    `json:"id"`
	Until time.Time `json:"until"`
}

// curvePoints is the number of times at which a survival curve is drawn.
const curvePoints = 61

// curves are the survival curves of each row within the follow-up, for drawing alone: what is stated of survival is in the prediction. Nil where nothing
// of survival is predicted.
func curves(ctx context.Context, b *bundle.Bundle, x models.Matrix) ([]map[string]results.Curve, error) {
	var out []map[string]results.Curve
	for _, o := range b.Outcomes {
		if o.Kind != clinical.Survival || !(o.FollowUp.Limit > 0) {
			continue
		}
		times := make([]bundle.Time, curvePoints)
		for i := range times {
			times[i] = bundle.Time{Value: o.FollowUp.Limit * float64(i) / (curvePoints - 1), Unit: o.Unit}
		}
		all, err := b.Predict(ctx, x, bundle.Request{Outcomes: []string{o.Name}, Times: times})
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = make([]map[string]results.Curve, x.Rows)
		}
		for row, p := range all {
			c := results.Curve{Unit: o.Unit}
			if p.Abstained == nil {
				a := p.Outcomes[0]
				for i, t := range a.Times {
					if !math.IsNaN(a.Survival[i]) {
						c.Times, c.Survival = append(c.Times, t), append(c.Survival, a.Survival[i])
					}
				}
			}
			if out[row] == nil {
				out[row] = map[string]results.Curve{}
			}
			out[row][o.Name] = c
		}
	}
	return out, nil
}

// show keeps the scan for a while where the configuration says so, with the maps that belong to the prediction; nil where it does not. A
// scan that cannot be shown takes nothing away from the prediction: the notes say why.
func (f *Front) show(ctx context.Context, s *study, x models.Matrix, answers []bundle.Prediction, owner string, result string) *shown {
	if f.Scans.Keep() == 0 {
		return nil
	}
	scan := &scans.Scan{Owner: owner, Shared: s.shared, Model: s.entry.Bundle.Name, Result: result, Patient: s.identity.Patient}
	for _, r := range s.read {
		im, err := scans.Read(r.source, r.files, scans.Voxels)
		if err != nil {
			s.notes = append(s.notes, s.hide(fmt.Sprintf("the scan of %s cannot be shown: %v", r.source.Name, err)))
			continue
		}
		for n := range im.Lesions {
			im.Lesions[n].Name = s.called(r.source.Name, n+1)
		}
		if p := answers[0]; s.lesions != nil {
			s.looked(r.source, x, answers, im)
		} else if p.Abstained == nil {
			for _, o := range s.overlays(&r, x, p) {
				im.Lay(o.Volume, scans.Layer{Title: o.Title, Outcome: strings.TrimPrefix(o.Name, "cam."), Note: o.Note})
			}
			f.features(ctx, s, r, im, p)
		}
		scan.Images = append(scan.Images, im)
	}
	if len(scan.Images) == 0 {
		return nil
	}
	if !f.Scans.Put(scan) {
		s.notes = append(s.notes, "the scan is too large to be kept for looking at it (studies.keep_bytes)")
		return nil
	}
	return &shown{scan.ID, scan.Until}
}

// How many maps are made of one source, and how many regions without a neighbourhood a map of texture may ask about.
const (
	mostMaps    = 3
	mostRegions = 300
	mapVoxels   = 20_000_000 // of all those regions together
)

// features lays over an image where the features that counted most come from in the region.
func (f *Front) features(ctx context.Context, s *study, r reading, im *scans.Image, p bundle.Prediction) {
	type wanted struct {
		feature, outcome string
		amount           float64
	}
	var all []wanted
	for _, o := range p.Outcomes {
		for _, e := range o.Explanations {
			for _, v := range e.Values {
				name, own := strings.CutPrefix(v.Feature, r.source.Name+".")
				if own && !strings.Contains(name, "_shape") && !table.Missing(v.Value) {
					all = append(all, wanted{v.Feature, o.Name, math.Abs(v.Amount)})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b wanted) int { return cmp.Compare(b.amount, a.amount) })
	made := map[string]bool{}
	voxels := max(im.Region(), 1)
	step := 1
	for n := voxels; n > max(64, min(mostRegions, mapVoxels/voxels)) && step < 32; n = voxels / (step * step * step) {
		step++
	}
	for _, w := range all {
		if len(made) >= mostMaps || ctx.Err() != nil {
			return
		}
		if made[w.feature] {
			continue
		}
		m, err := r.source.Map(r.files, w.feature, radiomics.MapOptions{Step: step})
		if err != nil {
			continue // some features have none: of lesions, of changes between visits
		}
		made[w.feature] = true
		note := "What the feature loses when the neighbourhood of a voxel is left out. The map is of the feature, not of its contribution."
		if m.Exact {
			note = "Each voxel's part of the feature; the parts sum to it. The map is of the feature, not of its contribution."
		}
		if m.Resampled {
			note += " Made on the resampled grid and laid back by nearest neighbour."
		}
		im.Lay(m.Volume, scans.Layer{Title: strings.TrimPrefix(w.feature, r.source.Name+"."), Outcome: w.outcome, Feature: w.feature, Note: note})
	}
}

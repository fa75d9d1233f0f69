package explain

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models"
)

// Every registered kind is explained, by the method that suits it and by sampling, on every scale, in one shape: a list a row with
// an entry for the last of two classes, for each of more, or for each time, whose base and values sum to what the model predicts.
func TestEveryKind(t *testing.T) {
	short := map[string]any{"trees": 15, "rounds": 15, "inner_folds": 3}
	for _, kind := range models.Kinds() {
		if len(kind.Params) == 0 {
			continue // calibrated: a wrapper, not configured by itself, and explained as the model beneath
		}
		if kind.Fits != nil {
			continue // late fusion has no default: its own package's tests explain it
		}
		for _, classes := range []int{0, 2, 3} {
			outcome := clinical.Class
			if classes == 0 {
				outcome = clinical.Survival
			}
			if !slices.Contains(kind.Outcomes, outcome) {
				continue
			}
			set := map[string]any{}
			for _, p := range kind.Params {
				if v, ok := short[p.Name]; ok {
					set[p.Name] = v
				}
			}
			data := linearTraining(51, 120, 5, classes)
			m := fitKind(t, kind.Name, set, data)
			background, err := NewBackground(data.X, 1)
			if err != nil {
				t.Fatal(err)
			}
			requests := []Request{{}, {Method: Permutation}, {Method: Enumeration}}
			entries := []int{1, 1, 1}
			if classes == 0 {
				for _, scale := range []string{Survival, CumulativeHazard} {
					requests = append(requests, Request{Scale: scale, Times: []float64{10, 50, 90}})
					entries = append(entries, 3)
				}
			} else {
				requests = append(requests, Request{Scale: Probability})
				entries = append(entries, 1)
			}
			x := data.X.Select([]int{0, 60, 119})
			for n, r := range requests {
				r.Background = &background
				got, err := Explain(context.Background(), m, x, r)
				if err != nil {
					t.Errorf("%s of %d classes, %+v: %v", kind.Name, classes, r.Method+r.Scale, err)
					continue
				}
				want := entries[n]
				if classes > 2 {
					want = classes
				}
				for i, list := range got {
					if len(list) != want {
						t.Errorf("%s of %d classes: %d entries, want %d", kind.Name, classes, len(list), want)
					}
					for k, a := range list {
						sum := a.Base
						for _, v := range a.Values {
							sum += v
						}
						if math.Abs(sum-a.Output) > 1e-9*max(1, math.Abs(a.Output)) || len(a.Values) != 5 || a.Scale == "" || a.Method == "" ||
							(a.Class == "") != (classes == 0) || math.IsNaN(a.Time) != (len(r.Times) == 0) || (a.Errors == nil) != (a.Method != Permutation) {
							t.Errorf("%s of %d classes, row %d, entry %d: %+v", kind.Name, classes, i, k, a)
						}
					}
				}
			}
		}
	}
}

package pipeline_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/features/work/machine"
	"github.com/voxgene/voxgene/models"
	_ "github.com/voxgene/voxgene/models/linear"
	"github.com/voxgene/voxgene/models/pipeline"
)

// Steps that look at pairs of columns or fit a model of their own, on 200 patients by 2,500 columns in families of ten, of whose values one in ten is
// missing: processor seconds a fit.
func BenchmarkSteps200x2500(b *testing.B) {
	const rows, columns = 200, 2500
	rng := work.Seed(3).Rand()
	x := models.NewMatrix(make([]table.Column, columns), rows)
	y := clinical.Outcome{Name: "y", Kind: clinical.Class, Classes: []string{"a", "b"}, Class: make([]int, rows)}
	shared := make([]float64, rows)
	for j := range columns {
		x.Columns[j] = table.Column{Name: fmt.Sprintf("rna.G%d", j), Source: "rna", Group: "gene"}
		for i := range rows {
			if j%10 == 0 {
				shared[i] = rng.NormFloat64()
			}
			x.Column(j)[i] = shared[i] + rng.NormFloat64()
		}
	}
	for i := range rows {
		if x.Column(0)[i]+x.Column(50)[i] > rng.NormFloat64() {
			y.Class[i] = 1
		}
	}
	whole := models.Training{X: x, Y: y, Seed: 1}
	gaps := whole
	gaps.X = models.NewMatrix(x.Columns, rows)
	copy(gaps.X.Values, x.Values)
	for i := range gaps.X.Values {
		if rng.IntN(10) == 0 {
			gaps.X.Values[i] = math.NaN()
		}
	}
	for _, c := range []struct {
		name string
		step string
		set  map[string]any
		t    models.Training
	}{
		{"impute model", "impute", map[string]any{"method": "model"}, gaps},
		{"impute knn", "impute", map[string]any{"method": "knn", "keep_rows": true}, gaps},
		{"select lasso", "select", map[string]any{"method": "lasso", "most": 30}, whole},
		{"select stability", "select", map[string]any{"method": "stability", "most": 30}, whole},
		{"drop correlated", "drop_correlated", nil, whole},
	} {
		b.Run(c.name, func(b *testing.B) {
			k, _ := pipeline.Lookup(c.step)
			o, problems := models.Check(k.Params, c.set)
			if len(problems) > 0 {
				b.Fatal(problems)
			}
			s, err := k.New(o)
			if err != nil {
				b.Fatal(err)
			}
			before := machine.ProcessorTime()
			for b.Loop() {
				if _, err := s.Fit(context.Background(), c.t); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((machine.ProcessorTime()-before).Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}

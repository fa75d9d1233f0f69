package explain_test

import (
	"context"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/calibrate"
	"github.com/voxgene/voxgene/models/explain"
)

// A calibrated model is explained on the margin of the model beneath, and the scale says so.
func TestCalibratedModelIsExplainedBeneath(t *testing.T) {
	kind, _ := models.Lookup("logistic")
	options, _ := models.Check(kind.Params, map[string]any{"penalty": "ridge", "lambda": 0.1})
	base, _ := kind.New(options)
	learner, err := calibrate.New(base, calibrate.Isotonic, 2)
	if err != nil {
		t.Fatal(err)
	}
	data := models.Training{X: models.NewMatrix([]table.Column{{Name: "a"}, {Name: "b"}}, 12),
		Y: clinical.Outcome{Kind: clinical.Class, Classes: []string{"no", "yes"}, Class: make([]int, 12)}}
	for i := range 12 {
		data.X.Column(0)[i], data.X.Column(1)[i], data.Y.Class[i] = float64(i), float64(i*i%5), i/4%2
	}
	m, err := learner.Fit(context.Background(), data)
	if err != nil {
		t.Fatal(err)
	}
	got, err := explain.Explain(context.Background(), m, data.X, explain.Request{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := explain.Explain(context.Background(), m.(*calibrate.Model).Base(), data.X, explain.Request{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		g, w := got[i][0], want[i][0]
		if g.Output != w.Output || g.Values[0] != w.Values[0] || !strings.HasSuffix(g.Scale, explain.BeforeCalibration) || g.Scale != w.Scale+explain.BeforeCalibration {
			t.Fatalf("row %d: %v on %q, want %v", i, g.Output, g.Scale, w.Output)
		}
	}
	if _, err := explain.Explain(context.Background(), m, data.X, explain.Request{Scale: got[0][0].Scale}); err != nil {
		t.Errorf("its own scale is refused: %v", err)
	}
}

package validate_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/train/validate"
)

// together is a cohort of 60 rows of which 12 lack the class and 12 others the survival, and the study of each outcome.
func together(t *testing.T, saw func(at int, t models.Training)) (studies [2]*validate.Study, folds [2][]validate.Fold, rows [2][]int) {
	t.Helper()
	const n = 60
	base := study(n, 3, 1, 7)
	class := base.Rows.Outcome
	class.Name, class.Class = "subtype", slices.Clone(class.Class)
	survival := clinical.Outcome{Name: "os", Kind: clinical.Survival, Unit: "d", Time: make([]float64, n), Event: make([]int, n)}
	patient := make([]int, n)
	for i := range n {
		patient[i] = i
		survival.Time[i], survival.Event[i] = 100+float64(i), i/2%2
		switch i % 5 {
		case 1:
			class.Class[i] = -1
		case 3:
			survival.Time[i] = math.NaN()
		}
	}
	outcomes := []clinical.Outcome{class, survival}
	all, err := validate.PlanJoint(validate.Design{Scheme: validate.CV, Folds: 4, Repeats: 2}, validate.Rows{Outcome: class, Patient: patient}, outcomes, 7)
	if err != nil {
		t.Fatal(err)
	}
	for at, y := range outcomes {
		for i := range n {
			if y.Known(i) {
				rows[at] = append(rows[at], i)
			}
		}
		s := &validate.Study{Rows: validate.Rows{Outcome: y.Select(rows[at]), Patient: rows[at]}, X: base.X.Select(rows[at]), Seed: 7,
			Score: func(clinical.Outcome, models.Prediction) float64 { return 0 },
			Joint: &validate.Joint{Rows: n, Outcomes: outcomes, At: at, Row: rows[at], X: base.X, Patient: patient}}
		s.Procedure.Models = []validate.Entry{{Name: "joint", Candidates: []validate.Candidate{{Key: []byte("j"), Learner: watcher{at, saw}, Joint: []float64{1, 0.5}}}}}
		studies[at], folds[at] = s, validate.Restrict(all, rows[at])
	}
	return studies, folds, rows
}

// watcher is a learner that tells what it was given, and predicts the same for everybody.
type watcher struct {
	at  int
	saw func(int, models.Training)
}

func (w watcher) Fit(_ context.Context, t models.Training) (models.Model, error) {
	w.saw(w.at, t)
	return same{&centroidModel{columns: t.X.Columns, w: make([]float64, len(t.X.Columns))}, t.Y.Kind}, nil
}

type same struct {
	*centroidModel
	kind clinical.OutcomeKind
}

func (m same) Predict(x models.Matrix, times []float64) (models.Prediction, error) {
	if m.kind == clinical.Survival {
		return models.Prediction{Kind: m.kind, Rows: x.Rows, Risk: make([]float64, x.Rows)}, nil
	}
	return m.centroidModel.Predict(x, times)
}

// The fits of a fold of both outcomes are given the same rows, outcomes, weights and seed; a patient whom either outcome tests in a fold is in none of
// its fits; and every other patient who has any outcome is.
func TestJointFitsAreOne(t *testing.T) {
	var lock sync.Mutex
	given := [2][]string{}
	patients := [2][][]int{}
	studies, folds, rows := together(t, func(at int, tr models.Training) {
		lock.Lock()
		defer lock.Unlock()
		given[at] = append(given[at], fmt.Sprint(tr.X.Values, tr.Joint.Outcomes, tr.Joint.Weights, tr.Groups, tr.Seed))
		patients[at] = append(patients[at], tr.Groups)
		if fmt.Sprint(tr.Joint.Outcomes[at]) != fmt.Sprint(tr.Y) {
			t.Error("the outcome asked for is not the one of the study")
		}
	})
	for at, s := range studies {
		if _, err := s.Judge(context.Background(), folds[at], 2, work.Pool{Jobs: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if len(given[0]) != 8 || len(given[1]) != 8 {
		t.Fatalf("%d and %d fits of 8 folds", len(given[0]), len(given[1]))
	}
	for k := range given[0] {
		if given[0][k] != given[1][k] {
			t.Errorf("fold %d: the outcomes are fitted to other data:\n%s\n%s", k, given[0][k], given[1][k])
		}
		var tested []int
		for at := range folds {
			for _, i := range folds[at][k].Test {
				tested = append(tested, rows[at][i])
			}
		}
		slices.Sort(tested)
		tested = slices.Compact(tested)
		for _, p := range patients[0][k] {
			if slices.Contains(tested, p) {
				t.Errorf("fold %d: patient %d is tested and trained on", k, p)
			}
		}
		if len(tested)+len(patients[0][k]) != 60 {
			t.Errorf("fold %d: %d tested and %d trained on, of 60", k, len(tested), len(patients[0][k]))
		}
	}
}

// A permuted outcome reaches the joint fit, and the other outcomes stay as they are.
func TestJointPermuted(t *testing.T) {
	studies, _, rows := together(t, nil)
	s := studies[0]
	y := s.Rows.Outcome.Select(seqBackwards(len(rows[0])))
	tr := s.Joint.Whole(y, []float64{1, 1}, 1)
	for i, row := range rows[0] {
		if got, want := tr.Y.Class[row], y.Class[i]; got != want || tr.Joint.Outcomes[0].Class[row] != want {
			t.Fatalf("row %d: class %d, want %d", row, got, want)
		}
	}
	for row := range 60 {
		a, b := tr.Joint.Outcomes[1].Time[row], s.Joint.Outcomes[1].Time[row]
		if a != b && !(math.IsNaN(a) && math.IsNaN(b)) {
			t.Fatalf("row %d: the other outcome is %g, was %g", row, a, b)
		}
	}
	if first := validate.FirstKnown(tr); first.X.Rows != len(rows[0]) || first.Joint != nil {
		t.Errorf("the pipeline is fitted on %d rows, want %d", first.X.Rows, len(rows[0]))
	}
}

func seqBackwards(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = n - 1 - i
	}
	return s
}

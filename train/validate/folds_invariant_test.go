package validate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/train/validate"
)

func classes(of []int, names ...string) clinical.Outcome {
	return clinical.Outcome{Name: "y", Kind: clinical.Class, Classes: names, Class: of}
}

// Whatever the rows, each repeat divides them: every row is tested once, patients stay whole, strata and sizes are even to one
// patient.
func TestRepeatedKFoldInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(10, 80).Draw(t, "patients")
		folds := rapid.IntRange(2, 7).Draw(t, "folds")
		class := rapid.SliceOfN(rapid.IntRange(0, 2), n, n).Draw(t, "class")
		lesions := rapid.SliceOfN(rapid.IntRange(1, 3), n, n).Draw(t, "lesions")
		var r validate.Rows
		var of []int
		for p := range n {
			for range lesions[p] {
				of = append(of, class[p])
				r.Patient = append(r.Patient, p)
			}
		}
		r.Outcome = classes(of, "a", "b", "c")
		all := validate.RepeatedKFold(r, folds, 2, work.Seed(rapid.Uint64().Draw(t, "seed")))
		if len(all) != 2*folds {
			t.Fatalf("%d folds", len(all))
		}
		for repeat := range 2 {
			tested := make([]int, len(of))
			perFold := make([][3]int, folds)
			sizes := make([]int, folds)
			for k, f := range all[repeat*folds : (repeat+1)*folds] {
				if f.Repeat != repeat || f.Number != k {
					t.Fatalf("fold %+v out of order", f)
				}
				if !slices.IsSorted(f.Train) || !slices.IsSorted(f.Test) || len(f.Train)+len(f.Test) != len(of) {
					t.Fatal("train and test do not divide the rows")
				}
				seen := map[int]bool{}
				for _, i := range f.Test {
					tested[i]++
					if p := r.Patient[i]; !seen[p] {
						seen[p] = true
						perFold[k][of[i]]++
						sizes[k]++
					}
				}
				for _, i := range f.Train {
					if seen[r.Patient[i]] {
						t.Fatalf("patient %d is on both sides", r.Patient[i])
					}
				}
			}
			for i, c := range tested {
				if c != 1 {
					t.Fatalf("row %d is tested %d times", i, c)
				}
			}
			if slices.Max(sizes)-slices.Min(sizes) > 1 {
				t.Fatalf("sizes %v", sizes)
			}
			for c := range 3 {
				low, high := n, 0
				for k := range folds {
					low, high = min(low, perFold[k][c]), max(high, perFold[k][c])
				}
				if high-low > 1 {
					t.Fatalf("class %d: between %d and %d a fold", c, low, high)
				}
			}
		}
	})
}

// Events are spread evenly over the folds of a survival outcome.
func TestSurvivalFoldsHoldEvents(t *testing.T) {
	o := clinical.Outcome{Name: "os", Kind: clinical.Survival, Time: make([]float64, 110), Event: make([]int, 110)}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range o.Time {
		o.Time[i] = float64(i)
	}
	for _, i := range rng.Perm(110)[:27] {
		o.Event[i] = 1
	}
	for _, f := range validate.RepeatedKFold(validate.Rows{Outcome: o}, 5, 3, 7) {
		events := 0
		for _, i := range f.Test {
			events += o.Event[i]
		}
		if events < 5 || events > 6 {
			t.Errorf("%s: %d of 27 events", f.Label(), events)
		}
	}
}

// A bootstrap tests on those it did not draw, and copies of a patient are together in inner folds.
func TestBootstrapInvariants(t *testing.T) {
	of := make([]int, 60)
	for i := range of {
		of[i] = i % 2
	}
	r := validate.Rows{Outcome: classes(of, "a", "b")}
	folds, err := validate.Plan(validate.Design{Scheme: validate.Bootstrap, Repeats: 20}, r, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folds {
		if len(f.Train) != 60 {
			t.Fatalf("%d drawn", len(f.Train))
		}
		for _, i := range f.Test {
			if slices.Contains(f.Train, i) {
				t.Fatalf("row %d is on both sides", i)
			}
		}
		if distinct := len(slices.Compact(slices.Clone(f.Train))); distinct+len(f.Test) != 60 {
			t.Fatalf("%d drawn and %d not", distinct, len(f.Test))
		}
		inner := validate.Rows{Outcome: r.Outcome.Select(f.Train), Patient: f.Train}
		for _, g := range validate.RepeatedKFold(inner, 3, 1, 1) {
			for _, i := range g.Test {
				for _, j := range g.Train {
					if f.Train[i] == f.Train[j] {
						t.Fatalf("copies of row %d are on both sides", f.Train[i])
					}
				}
			}
		}
	}
}

func TestFeasible(t *testing.T) {
	of := slices.Repeat([]int{0}, 40)
	of[3], of[5], of[9], of[11], of[20], of[21], of[22] = 1, 1, 1, 1, 1, 1, 1
	r := validate.Rows{Outcome: classes(of, "wildtype", "mutant")}
	if err := validate.Feasible(r, 3); err != nil {
		t.Errorf("three folds of seven: %v", err)
	}
	for _, c := range []struct {
		rows  validate.Rows
		folds int
		want  string
	}{
		{r, 5, "outcome y: 7 patients have class mutant, too few for folds: 5, where each fold needs two; at most folds: 3 is feasible"},
		{r.Select([]int{0, 1, 3, 5, 9}), 2, "outcome y: 2 patients have class wildtype, too few for any cross-validation: a fold needs two; collect more, or merge classes"},
		{r.Select([]int{0, 1, 2}), 2, "outcome y: 0 patients have class mutant, too few for any cross-validation: a fold needs two; collect more, or merge classes"},
		{validate.Rows{Outcome: clinical.Outcome{Name: "os", Kind: clinical.Survival, Time: []float64{1, 2, 3, 4, 5, 6, 7, 8}, Event: []int{1, 1, 1, 1, 1, 1, 1, 0}}},
			4, "outcome os: 7 patients have the event, too few for folds: 4, where each fold needs two; at most folds: 3 is feasible"},
	} {
		if err := validate.Feasible(c.rows, c.folds); err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func ExampleRepeatedKFold() {
	rows := validate.Rows{Outcome: clinical.Outcome{Name: "idh", Kind: clinical.Class, Classes: []string{"wildtype", "mutant"},
		Class: []int{0, 0, 0, 0, 1, 1, 1, 1}}}
	for _, f := range validate.RepeatedKFold(rows, 2, 1, 1) {
		fmt.Println(f.Label(), "trains on", validate.Summary(rows, f.Train), "and tests on", validate.Summary(rows, f.Test))
	}
	// Output:
	// repeat 1 fold 1 trains on wildtype: 2, mutant: 2 and tests on wildtype: 2, mutant: 2
	// repeat 1 fold 2 trains on wildtype: 2, mutant: 2 and tests on wildtype: 2, mutant: 2
}

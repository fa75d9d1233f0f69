package validate_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/train/validate"
)

// Columns that training rows make for all rows are made of the training rows of the outer fold alone, by its inner folds too, and are what
// fits are given.
func TestLearnedFromTrainingRows(t *testing.T) {
	s := study(40, 3, 1, 5)
	folds, err := validate.Plan(validate.Design{Scheme: validate.NestedCV, Folds: 4, Repeats: 1}, s.Rows, s.Seed)
	if err != nil {
		t.Fatal(err)
	}
	name := s.X.Columns[1].Name
	var lock sync.Mutex
	taught := map[string]int{}
	s.Learned = func(_ context.Context, train []int) (models.Matrix, error) {
		lock.Lock()
		defer lock.Unlock()
		taught[fmt.Sprint(train)]++
		out := models.NewMatrix(s.X.Columns[1:2], s.X.Rows)
		for i := range out.Values { // the number of the first row left out, which tells the folds apart
			out.Values[i] = 1e6 + float64(first(train))
		}
		return out, nil
	}
	for m := range s.Procedure.Models {
		for c := range s.Procedure.Models[m].Candidates {
			l := s.Procedure.Models[m].Candidates[c].Learner.(centroid)
			l.saw = func(tr models.Training) {
				for _, v := range tr.X.Column(1) {
					if v < 1e6 {
						t.Errorf("a fit is given %s as it was before", name)
						return
					}
				}
			}
			s.Procedure.Models[m].Candidates[c].Learner = l
		}
	}
	if _, err := s.Judge(context.Background(), folds, 3, work.Pool{}); err != nil {
		t.Fatal(err)
	}
	for _, f := range folds {
		if n := taught[fmt.Sprint(f.Train)]; n != 4 { // three inner folds and the outer one
			t.Errorf("%s: its training rows taught %d times, want 4", f.Label(), n)
		}
	}
	if len(taught) != len(folds) {
		t.Errorf("%d sets of rows taught, of %d folds", len(taught), len(folds))
	}
}

// first is the first number that is not among ascending ones.
func first(numbers []int) int {
	for i := 0; ; i++ {
		if _, ok := slices.BinarySearch(numbers, i); !ok {
			return i
		}
	}
}

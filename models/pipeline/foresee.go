package pipeline

import (
	"errors"
	"slices"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// Foreseeing is a Step that can tell before any fit what it could not learn from, also one that its kind returned with an error.
type Foreseeing interface {
	// Foresee returns what makes every fit fail on rows like those of x, as that of models.Foreseeing does, and the columns that the step adds. The
	// columns of x are the raw ones that the step is for.
	Foresee(x models.Matrix) ([]table.Column, error)
}

// Foresee returns, for each step, what makes every fit of it fail, as far as that is known of raw rows: names of on that name nothing, and what steps
// foresee themselves. A matrix without rows has no columns either, and says of volumes their form alone.
func Foresee(specs []Spec, x models.Matrix) []error {
	out := make([]error, len(specs))
	var added []table.Column
	for i, s := range specs {
		k, ok := Lookup(s.Step)
		if !ok {
			continue // which New says
		}
		if x.Rows > 0 {
			if err := checkScope(s.Step, s.On, k.Touches, x.Columns); err != nil {
				out[i] = &models.OptionError{Option: "on", Err: err}
			}
		}
		step, _ := s.build(k) // what is wrong with single options is said elsewhere
		f, ok := step.(Foreseeing)
		if !ok {
			continue
		}
		part := x
		part.Columns = nil
		for _, j := range scope(s.On, k.Touches, x.Columns) {
			part.Columns = append(part.Columns, x.Columns[j])
		}
		made, err := f.Foresee(part)
		out[i] = errors.Join(out[i], err)
		for _, c := range made {
			if slices.ContainsFunc(slices.Concat(added, x.Columns), func(have table.Column) bool { return have.Name == c.Name }) {
				out[i] = errors.Join(out[i], &models.OptionError{Option: "prefix", Err: errors.New("column \"" + c.Name + "\" would be there twice: give the step a prefix of its own")})
				break
			}
		}
		added = append(added, made...)
	}
	return out
}

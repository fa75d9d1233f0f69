package train

import (
	"context"
	"fmt"
	"sync"

	"github.com/voxgene/voxgene/models"
)

// learned makes the columns of images whose scale is learned from other patients, for the rows of an outcome, from what the training rows
// of a fold teach. The columns of one set of training rows are made once.
func (r *run) learned(rows []int) func(ctx context.Context, train []int) (models.Matrix, error) {
	type made struct {
		once sync.Once
		x    models.Matrix
		err  error
	}
	var lock sync.Mutex
	all := map[string]*made{}
	return func(ctx context.Context, train []int) (models.Matrix, error) {
		lock.Lock()
		key := fmt.Sprint(train)
		m := all[key]
		if m == nil {
			m = &made{}
			all[key] = m
		}
		lock.Unlock()
		m.once.Do(func() {
			patients := make([]string, len(train))
			for i, row := range train {
				patients[i] = r.keys[rows[row]].Patient
			}
			t, err := r.cohort.Relearn(ctx, patients, r.pool)
			if err != nil {
				m.err = fmt.Errorf("images on the scale of the training rows: %w", err)
				return
			}
			m.x = models.FromTable(t).Select(rows)
		})
		return m.x, m.err
	}
}

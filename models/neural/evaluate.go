package neural

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// together is how many rows a program of prediction takes. It is one number for an architecture, so that the graph is compiled once and a
// row has the same answer to the bit whatever the rows beside it: products of matrices of another size add up in another order.
func (a *Architecture) together() int {
	if a.Image != nil {
		return 1
	}
	return 32
}

// evaluate returns the outputs of all heads for each of the rows, one after the other. Rows run on several processors at once.
func (a *Architecture) evaluate(w Weights, d *dataset, rows []int) ([][]float64, error) {
	size := a.together()
	p, err := compiled(fmt.Sprintf("predict %d %s", size, a.graph()), a.outputs)
	if err != nil {
		return nil, err
	}
	width := 0
	for i := range a.Heads {
		width += a.Heads[i].width()
	}
	out := make([][]float64, len(rows))
	flat := make([]float64, len(rows)*width)
	for k := range out {
		out[k] = flat[k*width : (k+1)*width : (k+1)*width]
	}
	return out, inParallel((len(rows)+size-1)/size, func(chunk int) error {
		mine := make([]int, size)
		for k := range mine {
			mine[k] = -1
			if at := chunk*size + k; at < len(rows) {
				mine[k] = rows[at]
			}
		}
		got, err := p.run(append(w.arrays(), d.batch(a, mine, nil)...)...)
		if err != nil {
			return err
		}
		for k := range mine {
			at := chunk*size + k
			if at >= len(rows) {
				break
			}
			j := 0
			for h := range a.Heads {
				for c := range a.Heads[h].width() {
					out[at][j] = float64(got[h][c*size+k])
					j++
				}
			}
		}
		return nil
	})
}

// inParallel runs n tasks on all processors. Where the backend fails no more are begun, which would fail as well, and it is said once.
func inParallel(n int, do func(i int) error) error {
	errs := make([]error, n)
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				errs[i] = do(i)
				if BackendFailed(errs[i]) {
					next.Store(int64(n))
				}
			}
		})
	}
	group.Wait()
	said := map[string]bool{}
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool {
		if err == nil || said[err.Error()] {
			return true
		}
		said[err.Error()] = true
		return false
	})...)
}

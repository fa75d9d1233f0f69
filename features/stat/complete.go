package stat

import (
	"context"
	"math"
	"slices"
	"sync"

	"github.com/voxgene/voxgene/features/work"
)

// Columns of y that are standardised and multiplied at a time. Only these are held beside the values and R, so that memory is that of
// the answer.
const columnBlock = 64 * panelY

// complete fills R by the matrix product of standardised columns. A pair with a constant column or one with holes gets NaN.
func (p *Pairs) complete(ctx context.Context, x, y [][]float64, jobs int) error {
	if p.Rows < MinPairRows {
		for k := range p.R {
			p.R[k] = none
		}
		return nil
	}
	px := make([]float64, packedSize(p.NX, p.Rows, panelX))
	standardise := func(s *standardiser, panels []float64, width int, columns [][]float64) {
		for c, column := range columns {
			packColumn(panels, c, width, s.unit(column))
		}
	}
	var items []work.Item
	scratch := sync.Pool{New: func() any { return newStandardiser(p.Method, p.Rows) }}
	for first := 0; first < p.NX; first += columnBlock / panelY * panelX {
		items = append(items, work.Item{Name: "standardise", Do: func(context.Context) ([]byte, error) {
			s := scratch.Get().(*standardiser)
			defer scratch.Put(s)
			standardise(s, px[first*p.Rows:], panelX, x[first:min(first+columnBlock/panelY*panelX, p.NX)])
			return nil, nil
		}})
	}
	if err := runAll(ctx, items, jobs); err != nil {
		return err
	}
	items = items[:0]
	for first := 0; first < p.NY; first += columnBlock {
		items = append(items, work.Item{Name: "products", Do: func(context.Context) ([]byte, error) {
			s := scratch.Get().(*standardiser)
			defer scratch.Put(s)
			last := min(first+columnBlock, p.NY)
			if s.panels == nil {
				s.panels = make([]float64, packedSize(columnBlock, p.Rows, panelY))
			}
			used := packedSize(last-first, p.Rows, panelY)
			clear(s.panels[used-panelY*p.Rows : used]) // the last panel may not be full
			standardise(s, s.panels, panelY, y[first:last])
			p.multiplyBlock(px, s.panels, first, last)
			return nil, nil
		}})
	}
	return runAll(ctx, items, jobs)
}

// multiplyBlock fills columns first…last−1 of R from packed panels of unit columns. A stripe of x stays in the second cache while the
// panels of y pass, each of which stays in the first.
func (p *Pairs) multiplyBlock(px, py []float64, first, last int) {
	var c [panelX * panelY]float64
	for top := 0; top < p.NX; top += stripe {
		bottom := min(top+stripe, p.NX)
		for j := first; j < last; j += panelY {
			width := min(panelY, last-j)
			for i := top; i < bottom; i += panelX {
				kernel(p.Rows, px[i*p.Rows:], py[(j-first)*p.Rows:], &c)
				for di := 0; di < panelX && i+di < bottom; di++ {
					row := p.R[(i+di)*p.NY+j:]
					for k, v := range c[di*panelY : di*panelY+width] {
						row[k] = max(-1, min(1, v))
					}
				}
			}
		}
	}
}

// standardiser turns columns into unit vectors without allocating.
type standardiser struct {
	rank   bool
	z      []float64
	order  []placed
	panels []float64 // packed columns of y
}

// placed is a value and the row that it came from.
type placed struct {
	value float64
	row   int32
}

func newStandardiser(method Method, rows int) *standardiser {
	return &standardiser{rank: method == SpearmanMethod, z: make([]float64, rows), order: make([]placed, rows)}
}

// unit returns the column with mean 0 and length 1, of its ranks where the method asks for them; NaN throughout when it is constant or
// has a hole. The next call writes over it.
func (s *standardiser) unit(column []float64) []float64 {
	if s.rank {
		s.ranks(column)
	} else {
		copy(s.z, column)
	}
	mean, ss := squares(s.z)
	const eps = 1e-13
	scale := 1 / math.Sqrt(ss)
	if !(ss > float64(len(column))*mean*mean*eps*eps) {
		scale = none
	}
	for i, v := range s.z {
		s.z[i] = (v - mean) * scale
	}
	return s.z
}

// ranks sets z to mid-ranks, or to NaN in the rows of a column with holes.
func (s *standardiser) ranks(column []float64) {
	for i, v := range column {
		s.order[i] = placed{v, int32(i)}
		if v != v {
			s.z[0] = v // one is enough: the whole column becomes NaN
			return
		}
	}
	slices.SortFunc(s.order, func(a, b placed) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return 0
	})
	for first := 0; first < len(s.order); {
		last := first + 1
		for last < len(s.order) && s.order[last].value == s.order[first].value {
			last++
		}
		for _, at := range s.order[first:last] {
			s.z[at.row] = float64(first+last+1) / 2
		}
		first = last
	}
}

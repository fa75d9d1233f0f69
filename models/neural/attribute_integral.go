package neural

import (
	"context"
	"math"
	"math/bits"
)

// How finely ways are integrated.
const (
	fewestPoints, mostPoints = 32, 256 // on all ways together
	onEach                   = 4       // way at least, of a network over a table
	fineGap                  = 0.02    // share of the distance between base and output from which on points are doubled
	ofTables                 = 16      // times as many points has a network over a table, which is cheap
	atOnce                   = 2       // batches whose gradients are summed by one task
)

// step is a point of integration: a share of the way from an origin, and what it weighs.
type step struct {
	from   int
	along  float64
	weight float64
}

// steps spreads points over the ways from all origins, a number on each at equal distances. Where there are few on each way they lie at other
// places on each, by van der Corput's sequence, so that all of the way is seen.
func (w *way) steps(each int) []step {
	out := make([]step, 0, each*len(w.from))
	for k, o := range w.from {
		shift := 0.5
		if len(w.from) > 1 {
			shift = float64(bits.Reverse32(uint32(k+1))) / (1 << 32)
		}
		for s := range each {
			out = append(out, step{k, (float64(s) + shift) / float64(each), o.share / float64(each)})
		}
	}
	return out
}

// integrate returns the contributions to each number at a place: finer and finer until they sum to what the numbers are.
func (w *way) integrate(ctx context.Context, at position, numbers []float64) ([]position, error) {
	to, err := w.end(at)
	if err != nil {
		return nil, err
	}
	least, most, gap := fewestPoints, mostPoints, fineGap
	each := 1
	if to.image == nil {
		least, most, gap, each = least*ofTables, most*ofTables, gap/4, onEach
	}
	each = max(each, (least+len(w.from)-1)/len(w.from))
	most = max(most, 4*each*len(w.from))
	for ; ; each *= 2 {
		all, err := w.sum(ctx, to, w.steps(each))
		if err != nil {
			return nil, err
		}
		fine := true
		for k := range all {
			distance := numbers[k] - w.bases[k]
			fine = fine && math.Abs(w.total(all[k], to)-distance) <= gap*math.Abs(distance)+1e-9
		}
		if !fine && 2*each*len(w.from) <= most {
			continue
		}
		out := make([]position, len(all))
		for k := range out {
			if out[k], err = w.contributions(all[k], to); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}

// total is the sum of all contributions, which first layers do not change.
func (w *way) total(s sums, to end) float64 {
	sum := 0.0
	for m, gradient := range s.images {
		from := w.starts[0].images[m]
		for j, g := range gradient {
			if g != 0 {
				sum += g * (to.images[m][j] - from[j])
			}
		}
	}
	for m, gradient := range s.tables {
		width := len(to.tables[m])
		for k := range w.starts {
			for j, from := range w.starts[k].tables[m] {
				sum += gradient[k*width+j] * (to.tables[m][j] - from)
			}
		}
	}
	for _, v := range s.present {
		sum += v
	}
	return sum
}

// sum adds up what is summed over steps, in their order whatever the number of processors, for every number.
func (w *way) sum(ctx context.Context, to end, steps []step) ([]sums, error) {
	each := w.size * atOnce
	parts := make([][]sums, (len(steps)+each-1)/each)
	err := w.tasks(len(parts), func(i int) (err error) {
		parts[i], err = w.part(ctx, to, steps[i*each:min((i+1)*each, len(steps))])
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, p := range parts[1:] {
		for g := range p {
			parts[0][g].add(p[g])
		}
	}
	return parts[0], nil
}

// add adds others.
func (s sums) add(other sums) {
	each := func(to, from [][]float64) {
		for m := range to {
			for j, v := range from[m] {
				to[m][j] += v
			}
		}
	}
	each(s.images, other.images)
	each(s.tables, other.tables)
	each([][]float64{s.present}, [][]float64{other.present})
}

// part sums over a few steps, for every number.
func (w *way) part(ctx context.Context, to end, steps []step) ([]sums, error) {
	all := make([]sums, len(w.goals))
	for g := range all {
		all[g] = sums{present: make([]float64, len(to.present))}
		for _, image := range to.images {
			all[g].images = append(all[g].images, make([]float64, len(image)))
		}
		for _, table := range to.tables {
			all[g].tables = append(all[g].tables, make([]float64, len(w.from)*len(table)))
		}
	}
	for at := 0; at < len(steps); at += w.size {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		part := steps[at:min(at+w.size, len(steps))]
		in := w.mix(to, part)
		slopes, err := w.slopes(in, len(part))
		if err != nil {
			return nil, err
		}
		for _, pull := range slopes {
			for m, weights := range w.m.Members {
				got, err := w.back.run(append(append(weights.arrays(), in[m]...), pull.by)...)
				if err != nil {
					return nil, err
				}
				for n, g := range pull.numbers {
					w.collect(&all[g], m, got[1:], part, pull.factors[n], to)
				}
			}
		}
	}
	return all, nil
}

// pull is one gradient to take: that of the outputs weighed by some factors, for one number or, times a factor of each sample, for several.
type pull struct {
	by      array // [width, batch]
	numbers []int
	factors [][]float64 // of each number, of each sample
}

// slopes are the gradients that the numbers want at the first points of a batch. Of a head of one output there is one, whatever the numbers made of it.
func (w *way) slopes(in [][]array, points int) ([]pull, error) {
	width := w.m.head().width()
	curved := false
	for _, g := range w.goals {
		curved = curved || !g.straight
	}
	out := make([][]float64, points)
	if curved {
		var err error
		if out, err = w.some(in, points); err != nil {
			return nil, err
		}
	}
	slope := make([]float64, width)
	if width == 1 {
		one := pull{by: newArray(1, w.size)}
		for k := range points {
			one.by.values[k] = 1
		}
		for g, goal := range w.goals {
			factors := make([]float64, points)
			for k := range points {
				goal.slope(out[k], slope)
				factors[k] = slope[0]
			}
			one.numbers, one.factors = append(one.numbers, g), append(one.factors, factors)
		}
		return []pull{one}, nil
	}
	all := make([]pull, len(w.goals))
	for g, goal := range w.goals {
		all[g] = pull{by: newArray(width, w.size), numbers: []int{g}, factors: [][]float64{make([]float64, points)}}
		for k := range points {
			goal.slope(out[k], slope)
			all[g].factors[0][k] = 1
			for c, v := range slope {
				all[g].by.values[c*w.size+k] = float32(v)
			}
		}
	}
	return all, nil
}

// collect adds the gradients of a member at steps, times the steps' weights and factors.
func (w *way) collect(s *sums, member int, gradients [][]float32, steps []step, factors []float64, to end) {
	weight := make([]float64, len(steps))
	for k := range steps {
		weight[k] = steps[k].weight / float64(len(w.m.Members)) * factors[k]
	}
	if len(s.images) > 0 {
		sum := s.images[member%len(s.images)]
		for _, f := range w.fields {
			for c := range f.channels {
				at := sum[c*f.inner : (c+1)*f.inner]
				for k, scale := range weight {
					for j, g := range gradients[0][(c*w.size+k)*f.inner:][:f.inner] {
						at[j] += scale * float64(g)
					}
				}
			}
			sum, gradients = sum[f.channels*f.inner:], gradients[1:]
		}
	}
	if to.table != nil {
		sum := s.tables[member%len(s.tables)]
		width := len(sum) / len(w.from)
		for j := range width {
			for k, g := range gradients[0][j*w.size:][:len(steps)] {
				sum[steps[k].from*width+j] += weight[k] * float64(g)
			}
		}
		gradients = gradients[1:]
	}
	for j, end := range to.present {
		for k, g := range gradients[0][j*w.size:][:len(steps)] {
			s.present[j] += weight[k] * float64(g) * (end - w.from[steps[k].from].present[j])
		}
	}
}

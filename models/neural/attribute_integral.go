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
func (w *way) integrate(ctx context.Context, to position, numbers []float64) ([]position, error) {
	least, most, gap := fewestPoints, mostPoints, fineGap
	each := 1
	if to.image == nil {
		least, most, gap, each = least*ofTables, most*ofTables, gap/4, onEach
	}
	each = max(each, (least+len(w.from)-1)/len(w.from))
	most = max(most, 4*each*len(w.from))
	for ; ; each *= 2 {
		sums, err := w.sum(ctx, to, w.steps(each))
		if err != nil {
			return nil, err
		}
		fine := true
		for k := range sums {
			distance := numbers[k] - w.bases[k]
			fine = fine && math.Abs(sums[k].total()-distance) <= gap*math.Abs(distance)+1e-9
		}
		if fine || 2*each*len(w.from) > most {
			return sums, nil
		}
	}
}

// total is the sum of all parts.
func (p position) total() float64 {
	sum := 0.0
	for _, part := range [][]float64{p.image, p.table, p.present} {
		for _, v := range part {
			sum += v
		}
	}
	return sum
}

// sum adds up gradient × distance over steps, in their order whatever the number of processors.
func (w *way) sum(ctx context.Context, to position, steps []step) ([]position, error) {
	each := w.size * atOnce
	parts := make([][]position, (len(steps)+each-1)/each)
	err := inParallel(len(parts), func(i int) (err error) {
		parts[i], err = w.some(ctx, to, steps[i*each:min((i+1)*each, len(steps))])
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, p := range parts[1:] {
		for g := range p {
			parts[0][g].add(p[g], 1)
		}
	}
	return parts[0], nil
}

// add adds a multiple of another place.
func (p position) add(q position, times float64) {
	for k, v := range q.image {
		p.image[k] += times * v
	}
	for k, v := range q.table {
		p.table[k] += times * v
	}
	for k, v := range q.present {
		p.present[k] += times * v
	}
}

// some sums over a few steps, for every number.
func (w *way) some(ctx context.Context, to position, steps []step) ([]position, error) {
	sums := make([]position, len(w.goals))
	for g := range sums {
		sums[g] = position{make([]float64, len(to.image)), make([]float64, len(to.table)), make([]float64, len(to.present))}
	}
	for at := 0; at < len(steps); at += w.size {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		part := steps[at:min(at+w.size, len(steps))]
		points := make([]position, len(part))
		for k, s := range part {
			points[k] = between(w.from[s.from].position, to, s.along)
		}
		slopes, err := w.slopes(points)
		if err != nil {
			return nil, err
		}
		in := w.batch(points)
		for _, pull := range slopes {
			for _, weights := range w.m.Members {
				got, err := w.back.run(append(append(weights.arrays(), in...), pull.by)...)
				if err != nil {
					return nil, err
				}
				for k, s := range part {
					scale := s.weight / float64(len(w.m.Members))
					w.collect(sums, got[1:], k, scale, pull, w.from[s.from].position, to)
				}
			}
		}
	}
	return sums, nil
}

// between is the place a share of the way from one place to another.
func between(from, to position, along float64) position {
	mix := func(a, b []float64) []float64 {
		out := make([]float64, len(b))
		for k := range b {
			out[k] = a[k] + along*(b[k]-a[k])
		}
		return out
	}
	return position{mix(from.image, to.image), mix(from.table, to.table), mix(from.present, to.present)}
}

// pull is one gradient to take: that of the outputs weighed by some factors, for one number or, times a factor of each sample, for several.
type pull struct {
	by      array // [width, batch]
	numbers []int
	factors [][]float64 // of each number, of each sample
}

// slopes are the gradients that the numbers want at points. Of a head of one output there is one, whatever the numbers made of it.
func (w *way) slopes(points []position) ([]pull, error) {
	width := w.m.head().width()
	curved := false
	for _, g := range w.goals {
		curved = curved || !g.straight
	}
	out := make([][]float64, len(points))
	if curved {
		var err error
		if out, err = w.outputs(points); err != nil {
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
			factors := make([]float64, len(points))
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
		all[g] = pull{by: newArray(width, w.size), numbers: []int{g}, factors: [][]float64{make([]float64, len(points))}}
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

// collect adds sample k of the gradients of image, table and presence, times the way and the scale, to the sums.
func (w *way) collect(sums []position, gradients [][]float32, k int, scale float64, p pull, from, to position) {
	voxels := 1
	if e := w.m.Architecture.Image; e != nil {
		voxels = e.Size[0] * e.Size[1] * e.Size[2]
	}
	for n, g := range p.numbers {
		factor := scale * p.factors[n][k]
		at := 0
		for _, part := range [...]struct {
			sum, from, to []float64
			inner         int // places that follow the axis of the batch
		}{{sums[g].image, from.image, to.image, voxels}, {sums[g].table, from.table, to.table, 1}, {sums[g].present, from.present, to.present, 1}} {
			if len(part.to) == 0 {
				continue
			}
			gradient := gradients[at]
			at++
			for j := range part.to {
				part.sum[j] += factor * float64(gradient[(j/part.inner*w.size+k)*part.inner+j%part.inner]) * (part.to[j] - part.from[j])
			}
		}
	}
}

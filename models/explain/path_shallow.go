package explain

import "github.com/voxgene/voxgene/models/tree"

// The walks of pathTree for trees of one block, those whose paths ask at most eight columns: boosting and most served models. They
// are written out because the slices of the general walks cost as much as its arithmetic.

func (p *pathTree) descendOne(e *tree.Ensemble, x []float64, w *pathScratch) {
	down, passed, choice := w.down[:p.nodes], w.passed[:p.nodes], w.choice[:p.nodes]
	down[0] = lane{1, 1, 1, 1}
	for _, i := range p.inner {
		s := &p.splits[i]
		f := &down[s.node]
		left, right := &down[s.left], &down[s.right]
		if s.up >= 0 && !passed[s.up] {
			passed[s.left], passed[s.right], choice[i] = false, false, 2
			l, r := p.idle[i][0], p.idle[i][1]
			left[0], left[1], left[2], left[3] = f[0]*l, f[1]*l, f[2]*l, f[3]*l
			right[0], right[1], right[2], right[3] = f[0]*r, f[1]*r, f[2]*r, f[3]*r
			continue
		}
		k := s.side(e, x)
		passed[s.left], passed[s.right], choice[i] = k == 0, k != 0, int8(k)
		t := (*[8]lane)(p.terms[int(i)*8:])
		l, r := &t[(2*k)&7], &t[(6-2*k)&7]
		left[0], left[1], left[2], left[3] = f[0]*l[0], f[1]*l[1], f[2]*l[2], f[3]*l[3]
		right[0], right[1], right[2], right[3] = f[0]*r[0], f[1]*r[1], f[2]*r[2], f[3]*r[3]
	}
}

func (p *pathTree) twigsOne(e *tree.Ensemble, x []float64, w *pathScratch, phi []float64) {
	down, passed := w.down[:p.nodes], w.passed[:p.nodes]
	for _, i := range p.twigs {
		s := &p.splits[i]
		d := &down[s.node]
		if s.up >= 0 && !passed[s.up] {
			m := p.idle[i][0]
			d[0], d[1], d[2], d[3] = d[0]*m, d[1]*m, d[2]*m, d[3]*m
			continue
		}
		k := s.side(e, x)
		t := (*[8]lane)(p.terms[int(i)*8:])
		v, m := &t[(2*k)&7], &t[(2*k+1)&7]
		phi[s.feature] += (d[0]*v[0] + d[1]*v[1]) + (d[2]*v[2] + d[3]*v[3])
		d[0], d[1], d[2], d[3] = d[0]*m[0], d[1]*m[1], d[2]*m[2], d[3]*m[3]
	}
}

func (p *pathTree) ascendOne(w *pathScratch, phi []float64) {
	sum, choice := w.down[:p.nodes], w.choice[:p.nodes]
	for n := len(p.inner) - 1; n >= 0; n-- {
		i := p.inner[n]
		s := &p.splits[i]
		to, lv, rv := &sum[s.node], &sum[s.left], &sum[s.right]
		if k := int(choice[i]); k != 2 {
			t := (*[8]lane)(p.terms[int(i)*8:])
			l, r := &t[(2*k+1)&7], &t[(7-2*k)&7]
			phi[s.feature] += (lv[0]*l[0] + lv[1]*l[1]) + (lv[2]*l[2] + lv[3]*l[3]) +
				((rv[0]*r[0] + rv[1]*r[1]) + (rv[2]*r[2] + rv[3]*r[3]))
		}
		to[0], to[1], to[2], to[3] = lv[0]+rv[0], lv[1]+rv[1], lv[2]+rv[2], lv[3]+rv[3]
	}
}

package association

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/stat"
)

// isModerated tells whether the pair is tested by limma's moderated t.
func (m *Map) isModerated(a, b variable) bool {
	return m.Config.Groups == Moderated && a.scale == numeric && b.scale == grouped && countDistinct(b.values) == 2
}

// moderated fills the pairs of a number on the x side with two categories on the y side: for each y one linear model of all x columns of a
// source together, with the covariates in the design, and variances shrunk over those columns. Columns are put on one scale first, because
// a shrunk variance only means something there; the effect is in standard deviations.
func (m *Map) moderated() error {
	blocks := map[string][]int{}
	var sources []string
	for _, i := range of(m.x, numeric) {
		s := m.x[i].Source
		if blocks[s] == nil {
			sources = append(sources, s)
		}
		blocks[s] = append(blocks[s], i)
	}
	for j, y := range m.y {
		if y.scale != grouped || countDistinct(y.values) != 2 {
			continue
		}
		rows, design := m.design(y.values)
		for _, s := range sources {
			if err := m.moderateBlock(blocks[s], j, rows, design); err != nil {
				m.Notes = append(m.Notes, fmt.Sprintf("%s was not tested against %s: %v", y.Name, s, err))
			}
		}
	}
	return nil
}

// design has an intercept, the second category and the covariates, a row a patient that has them all.
func (m *Map) design(category []float64) (rows []int, design [][]float64) {
	low := math.Inf(1)
	for i, v := range category {
		ok := !math.IsNaN(v)
		for _, g := range m.given {
			ok = ok && !math.IsNaN(g[i])
		}
		if ok {
			rows = append(rows, i)
			low = min(low, v)
		}
	}
	for _, i := range rows {
		line := []float64{1, 0}
		if category[i] > low {
			line[1] = 1
		}
		for _, g := range m.given {
			line = append(line, g[i])
		}
		design = append(design, line)
	}
	return rows, design
}

func (m *Map) moderateBlock(block []int, j int, rows []int, design [][]float64) error {
	names := make([]string, len(block))
	for k, i := range block {
		names[k] = m.X[i].Name
	}
	values := genes.NewMatrix(names, make([]string, len(rows)))
	counts := make([]int32, len(block))
	for k, i := range block {
		to := values.Gene(k)
		var present []float64
		for r, row := range rows {
			to[r] = m.x[i].values[row]
			if !math.IsNaN(to[r]) {
				present = append(present, to[r])
			}
		}
		counts[k] = int32(len(present))
		mean, sd := stat.Mean(present), math.Sqrt(stat.Variance(present))
		for r := range to {
			to[r] = (to[r] - mean) / sd
		}
	}
	fit, err := genes.FitLinearModel(values, design, nil)
	if err != nil {
		return err
	}
	if err := fit.Moderate(false); err != nil {
		return err
	}
	for k, i := range block {
		at := i*len(m.Y) + j
		m.N[at] = counts[k]
		se := fit.Unscaled[k][1] * math.Sqrt(fit.Moderation.Posterior[k])
		t := fit.Coef[k][1] / se
		if counts[k] >= stat.MinPairRows && !math.IsNaN(t) {
			m.Effect[at], m.p[at] = fit.Coef[k][1], stat.StudentP(t, fit.Moderation.Total[k])
			m.keepError(at, se)
		}
	}
	return nil
}

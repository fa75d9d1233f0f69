package fusion

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/linear"
)

// ridge is the strength of the penalty on a combination's weights, as glmnet counts it: enough that parts which agree share their
// weight, and little beside what they say.
const ridge = 0.01

// combination is a linear model of the numbers of a set of parts: one of the two.
type combination struct {
	class    *linear.Logistic
	survival *linear.Cox
}

func (c *combination) model() models.Model {
	if c.class != nil {
		return c.class
	}
	return c.survival
}

// inputs describes the numbers of a set of parts.
func (m *Late) inputs(set int) []table.Column {
	var out []table.Column
	n := numbersOf(m.kind, len(m.classes))
	for _, p := range m.members(set) {
		for k := range n {
			name := m.parts[p].Name
			if n > 1 {
				name += ": " + m.classes[k]
			}
			out = append(out, table.Column{Name: name})
		}
	}
	return out
}

// matrix lays the numbers of a set of parts out for rows; said has those of every part, rows × numbers.
func (m *Late) matrix(set int, said [][]float64, rows []int) models.Matrix {
	x := models.NewMatrix(m.inputs(set), len(rows))
	n := numbersOf(m.kind, len(m.classes))
	for at, p := range m.members(set) {
		for k := range n {
			to := x.Column(at*n + k)
			for i, row := range rows {
				to[i] = said[p][row*n+k]
			}
		}
	}
	return x
}

// fitCombinations fits that of every set of parts to the rows that have all of them. Where those are too few the weights are the mean
// of those of the single parts.
func (m *Late) fitCombinations(ctx context.Context, t models.Training, said [][]float64, given []int) error {
	m.combinations = make([]*combination, 1<<len(m.parts))
	if m.kind == clinical.Survival {
		m.combinations[0] = &combination{survival: marginal(t.Y)}
	}
	sets := make([]int, 0, len(m.combinations)-1)
	for set := 1; set < len(m.combinations); set++ {
		sets = append(sets, set)
	}
	slices.SortStableFunc(sets, func(a, b int) int { return len(m.members(a)) - len(m.members(b)) }) // single parts first
	for _, set := range sets {
		rows := having(given, set)
		c, err := m.fitCombination(ctx, t, set, said, rows)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch members := m.members(set); {
		case err == nil:
			m.combinations[set] = c
		case len(members) == 1:
			return fmt.Errorf("%s: the weight of what it says: %w", m.parts[members[0]].Name, err)
		default:
			m.combinations[set] = m.meanOf(members)
			m.notes = append(m.notes, fmt.Sprintf("%d training rows have %s, too few to weigh them together (%v): the mean of their own weights is taken", len(rows), m.names(set), err))
		}
	}
	return nil
}

func (m *Late) fitCombination(ctx context.Context, t models.Training, set int, said [][]float64, rows []int) (*combination, error) {
	if len(rows) == 0 {
		return nil, fmt.Errorf("no row has all")
	}
	x := m.matrix(set, said, rows)
	sub := t.Select(rows)
	sub.X, sub.Again = x, nil
	sub.Seed = t.Seed.Split("late fusion", "combine", m.names(set))
	kind := "logistic"
	var means, sds []float64
	if m.kind == clinical.Survival {
		kind = "cox"
		if m.combine == Mean {
			sub.X, means, sds = meanRisk(x)
		}
	}
	k, _ := models.Lookup(kind)
	o, problems := models.Check(k.Params, map[string]any{"penalty": "ridge", "lambda": ridge})
	for _, err := range problems {
		return nil, err
	}
	l, err := k.New(o)
	if err != nil {
		return nil, err
	}
	fitted, err := l.Fit(ctx, sub)
	if err != nil {
		return nil, err
	}
	switch f := fitted.(type) {
	case *linear.Logistic:
		f.Remarks = nil
		return &combination{class: f}, nil
	case *linear.Cox:
		f.Remarks = nil
		if means != nil {
			f = spread(f, x.Columns, means, sds)
		}
		return &combination{survival: f}, nil
	}
	return nil, fmt.Errorf("a model of kind %s is no combination", fitted.Kind())
}

// meanRisk is the mean of standardised columns, with their means and standard deviations.
func meanRisk(x models.Matrix) (one models.Matrix, means, sds []float64) {
	one = models.NewMatrix([]table.Column{{Name: "mean risk"}}, x.Rows)
	for j := range x.Columns {
		mean, square := 0.0, 0.0
		for _, v := range x.Column(j) {
			mean += v / float64(x.Rows)
		}
		for _, v := range x.Column(j) {
			square += (v - mean) * (v - mean) / float64(x.Rows)
		}
		sd := math.Sqrt(square)
		if !(sd > 0) {
			sd = 1
		}
		means, sds = append(means, mean), append(sds, sd)
		for i, v := range x.Column(j) {
			one.Values[i] += (v - mean) / sd / float64(len(x.Columns))
		}
	}
	return one, means, sds
}

// spread writes a Cox model of the mean of standardised columns as one of the columns.
func spread(f *linear.Cox, columns []table.Column, means, sds []float64) *linear.Cox {
	out := *f
	out.Inputs, out.Means, out.Coefficients, out.StdErrs, out.Low, out.High = columns, means, make([]float64, len(columns)), nil, nil, nil
	for j := range columns {
		out.Coefficients[j] = f.Coefficients[0] / float64(len(columns)) / sds[j]
	}
	return &out
}

// meanOf is the mean of the combinations of single parts; for survival the baseline is that of the part that most rows have.
func (m *Late) meanOf(members []int) *combination {
	set, most := 0, members[0]
	for _, p := range members {
		set |= 1 << p
		if m.rows[1<<p] > m.rows[1<<most] {
			most = p
		}
	}
	share := 1 / float64(len(members))
	inputs := m.inputs(set)
	if m.kind == clinical.Survival {
		out := *m.combinations[1<<most].survival
		out.Inputs, out.Means, out.Coefficients, out.StdErrs, out.Low, out.High = inputs, nil, nil, nil, nil, nil
		for _, p := range members {
			one := m.combinations[1<<p].survival
			out.Means, out.Coefficients = append(out.Means, one.Means...), append(out.Coefficients, share*one.Coefficients[0])
		}
		return &combination{survival: &out}
	}
	out := *m.combinations[1<<most].class
	out.Inputs, out.Means, out.StdErrs = inputs, nil, nil
	out.Intercepts, out.Coefficients = make([]float64, len(out.Intercepts)), make([][]float64, len(out.Coefficients))
	for _, p := range members {
		one := m.combinations[1<<p].class
		out.Means = append(out.Means, one.Means...)
		for k := range out.Intercepts {
			out.Intercepts[k] += share * one.Intercepts[k]
			for _, b := range one.Coefficients[k] {
				out.Coefficients[k] = append(out.Coefficients[k], share*b)
			}
		}
	}
	return &combination{class: &out}
}

// marginal is a Cox model of no column: the Nelson–Aalen estimate of all training rows, for a row of which nothing is known.
func marginal(y clinical.Outcome) *linear.Cox {
	out := &linear.Cox{Unit: y.Unit, FollowUp: slices.Max(y.Time)}
	times := slices.Clone(y.Time)
	slices.Sort(times)
	h := 0.0
	for _, t := range slices.Compact(times) {
		events, atRisk := 0, 0
		for i, last := range y.Time {
			if last >= t && (y.Entry == nil || y.Entry[i] < t) {
				atRisk++
			}
			if last == t && y.Event[i] == 1 {
				events++
			}
		}
		if events > 0 && atRisk > 0 {
			h += float64(events) / float64(atRisk)
			out.Times, out.Hazard, out.AtRisk = append(out.Times, t), append(out.Hazard, h), append(out.AtRisk, atRisk)
		}
	}
	return out
}

// names of the parts of a set.
func (m *Late) names(set int) string {
	var names []string
	for _, p := range m.members(set) {
		names = append(names, m.parts[p].Name)
	}
	return list(names)
}

// describe says how a set of parts is combined.
func (m *Late) describe(set int) string {
	members := m.members(set)
	text := fmt.Sprintf("of %s (%d training rows have all): ", m.names(set), m.rows[set])
	if m.combinations == nil {
		return text + "the mean of their probabilities"
	}
	_, weights, _ := m.linear(set)
	n := numbersOf(m.kind, len(m.classes))
	var parts []string
	for at, p := range members {
		w := weights[len(weights)-1][at*n : (at+1)*n]
		parts = append(parts, fmt.Sprintf("%s %.3g", m.parts[p].Name, w[len(w)-1]))
	}
	what := map[clinical.OutcomeKind]string{clinical.Class: "log-odds", clinical.Survival: "log-hazard"}[m.kind]
	if n > 1 {
		what += " of " + m.classes[n-1]
	}
	return text + "weights in the " + what + " " + strings.Join(parts, ", ")
}

// linear is the form of a set's combination: for each number of the answer its constant and the weights of the parts' numbers.
func (m *Late) linear(set int) (constants []float64, weights [][]float64, ok bool) {
	c := m.combinations[set]
	if c == nil {
		return nil, nil, false
	}
	if c.class != nil {
		constants, weights, _ = c.class.Linear()
	} else {
		constants, weights, _ = c.survival.Linear()
	}
	return constants, weights, true
}

package leakage

import (
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/survival"
)

// perfect is the AUC or C-index of one column alone past which it is hardly a measurement made before the outcome.
const perfect = 0.97

// chance is the probability, over all columns together, below which a finding is not one of many that chance makes.
const chance = 0.01

// maxListed bounds the findings of one check that are listed by name.
const maxListed = 20

// perfectColumns reports single columns that tell the outcome nearly alone: AUC (one class against the rest) or C-index above 0.97 in
// either direction. Categories of five rows or more are judged by their share of the class. It is a warning where that is
// not chance among so many columns (Mann–Whitney, Bonferroni), and a note otherwise.
func perfectColumns(in Input) []Finding {
	var out []Finding
	for j, c := range in.X.Columns {
		score, p, what := in.alone(in.X.Column(j), c.Kind == table.Categorical)
		if !(score > perfect) || c.Kind == table.Categorical && in.pureOnly(in.X.Column(j)) {
			continue // pureCategories names the categories
		}
		f := Finding{Level: Warning, Check: "perfect_column", Column: c.Name,
			Text: fmt.Sprintf("%s alone gives %s: %s %.3f. If it was known only with or after the outcome, name it in known_from.", c.Name, in.Y.Name, what, score)}
		if !(p*float64(len(in.X.Columns)) < chance) {
			f.Level = Note
			f.Text = fmt.Sprintf("%s alone gives %s: %s %.3f; in so few patients one of %d columns may do so by chance.", c.Name, in.Y.Name, what, score, len(in.X.Columns))
		}
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return level(a.Level) - level(b.Level) })
	return listed(out)
}

// listed keeps the first findings of a check and counts the rest.
func listed(all []Finding) []Finding {
	if len(all) <= maxListed {
		return all
	}
	rest := all[maxListed]
	rest.Column = ""
	rest.Text = fmt.Sprintf("and %d more of the same kind.", len(all)-maxListed)
	return append(all[:maxListed:maxListed], rest)
}

// alone judges one column on the rows where it is known, and says how likely that is by chance.
func (in Input) alone(v []float64, categories bool) (score, p float64, what string) {
	if in.Y.Kind == clinical.Survival {
		if categories {
			return 0, 1, ""
		}
		return in.aloneSurvival(v), 0, "C-index"
	}
	p = 1
	for class := range in.Y.Classes {
		if len(in.Y.Classes) == 2 && class == 0 {
			continue
		}
		x := v
		if categories {
			x = in.shares(v, class)
		}
		var a, b []float64
		for i, x := range x {
			switch {
			case math.IsNaN(x):
			case in.Y.Class[i] == class:
				a = append(a, x)
			default:
				b = append(b, x)
			}
		}
		if len(a) < 5 || len(b) < 5 {
			continue
		}
		t := stat.MannWhitneyU(a, b, false)
		auc := t.Statistic / float64(len(a)*len(b))
		if !categories { // shares have a direction
			auc = max(auc, 1-auc)
		}
		if auc > score {
			score, p = auc, t.P
		}
	}
	return score, p, "AUC"
}

// pureOnly reports whether no category has rows of two classes, and one has enough rows to be said so.
func (in Input) pureOnly(v []float64) bool {
	class, n := map[float64]int{}, map[float64]int{}
	most := 0
	for i, x := range v {
		if math.IsNaN(x) {
			continue
		}
		if k, ok := class[x]; ok && k != in.Y.Class[i] {
			return false
		}
		class[x] = in.Y.Class[i]
		n[x]++
		most = max(most, n[x])
	}
	return most >= pure
}

// shares replaces a category by the share of a class among the rows that have it. Rows of rare categories, which are what their few rows
// happen to be, are left out.
func (in Input) shares(v []float64, class int) []float64 {
	n, of := map[float64]float64{}, map[float64]float64{}
	for i, x := range v {
		if !math.IsNaN(x) {
			n[x]++
			if in.Y.Class[i] == class {
				of[x]++
			}
		}
	}
	out := make([]float64, len(v))
	for i, x := range v {
		if out[i] = math.NaN(); !math.IsNaN(x) && n[x] >= pure {
			out[i] = of[x] / n[x]
		}
	}
	return out
}

func (in Input) aloneSurvival(v []float64) float64 {
	var rows []int
	var risk []float64
	for i, x := range v {
		if !math.IsNaN(x) {
			rows, risk = append(rows, i), append(risk, x)
		}
	}
	if len(rows) < 20 {
		return 0
	}
	obs, err := survival.Observations(in.Y.Select(rows))
	if err != nil {
		return 0
	}
	c, err := survival.Rank(survival.Cause(obs, 1), risk, survival.ConcordanceOptions{})
	if err != nil || math.IsNaN(c.C) || c.Concordant+c.Discordant < 50 {
		return 0
	}
	return max(c.C, 1-c.C)
}

// exactRows is the number of rows up to which tables are tested exactly, and by χ² beyond.
const exactRows = 500

// pure is how many patients a category must have before its being all of one class is worth saying.
const pure = 5

// pureCategories reports categories of five patients or more that are all in one class. It is a warning where that would happen by
// chance in less than one of a hundred tables of as many categories, and a note otherwise.
func pureCategories(in Input) []Finding {
	if in.Y.Kind != clinical.Class {
		return nil
	}
	total := make([]int, len(in.Y.Classes))
	for _, c := range in.Y.Class {
		total[c]++
	}
	categories := 0
	for _, c := range in.X.Columns {
		categories += len(c.Levels)
	}
	var out []Finding
	for j, c := range in.X.Columns {
		if c.Kind == table.Numeric {
			continue
		}
		counts := make([][]int, len(c.Levels))
		for k := range counts {
			counts[k] = make([]int, len(in.Y.Classes))
		}
		for i, v := range in.X.Column(j) {
			if v >= 0 && int(v) < len(c.Levels) {
				counts[int(v)][in.Y.Class[i]]++
			}
		}
		for k, n := range counts {
			sum, most := 0, 0
			for class, m := range n {
				sum += m
				if m > n[most] {
					most = class
				}
			}
			if sum < pure || n[most] != sum {
				continue
			}
			p := allOf(sum, total[most], len(in.Y.Class))
			f := Finding{Level: Note, Check: "pure_category", Column: c.Name,
				Text: fmt.Sprintf("all %d patients with %s = %s are of class %s (by chance: %.2g).", sum, c.Name, c.Levels[k], in.Y.Classes[most], p)}
			if p*float64(categories) < chance {
				f.Level = Warning
				f.Text += " If it was known only with or after the outcome, name it in known_from."
			}
			out = append(out, f)
		}
	}
	return listed(out)
}

// allOf is the probability that k patients drawn from n, of whom m are of a class, are all of it.
func allOf(k, m, n int) float64 {
	p := 1.0
	for i := range k {
		p *= float64(m-i) / float64(n-i)
	}
	return max(p, 0)
}

// missingness reports columns whose being missing goes with the outcome (Fisher's exact test, Bonferroni): a test that only one
// class was given. For survival the event stands for the class.
func missingness(in Input) []Finding {
	var out []Finding
	class := in.Y.Class
	classes := len(in.Y.Classes)
	if in.Y.Kind == clinical.Survival {
		class, classes = make([]int, len(in.Y.Event)), 2
		for i, e := range in.Y.Event {
			class[i] = min(e, 1)
		}
	}
	type pattern struct {
		names []string
		n     [][]float64
	}
	bySource := map[string]*pattern{} // columns of a source that are missing together are said once
	var order []string
	for j, c := range in.X.Columns {
		n := [][]float64{make([]float64, classes), make([]float64, classes)}
		absent := 0
		mask := make([]byte, in.X.Rows)
		for i, v := range in.X.Column(j) {
			k := 0
			if math.IsNaN(v) {
				k = 1
				mask[i] = 1
				absent++
			}
			n[k][class[i]]++
		}
		if absent == 0 || absent == in.X.Rows {
			continue
		}
		key := c.Source + "\x00" + string(mask)
		if bySource[key] == nil {
			bySource[key] = &pattern{n: n}
			order = append(order, key)
		}
		bySource[key].names = append(bySource[key].names, c.Name)
	}
	for _, key := range order {
		b := bySource[key]
		test := func(n [][]float64) float64 { return stat.PearsonChiSquared(n, false).P }
		if in.X.Rows <= exactRows {
			test = stat.FisherP
		}
		if !(test(b.n)*float64(len(order)) < chance) {
			continue
		}
		text := b.names[0]
		if len(b.names) > 1 {
			text = fmt.Sprintf("%s and %d more columns that are missing together", text, len(b.names)-1)
		}
		shares := ""
		for c := range classes {
			name := []string{"censored", "event"}
			if in.Y.Kind == clinical.Class {
				name = in.Y.Classes
			}
			if c > 0 {
				shares += ", "
			}
			shares += fmt.Sprintf("%s %.0f %%", name[c], 100*b.n[1][c]/(b.n[0][c]+b.n[1][c]))
		}
		out = append(out, Finding{Level: Warning, Check: "missing_by_outcome", Column: b.names[0],
			Text: fmt.Sprintf("%s: whether a value is there goes with %s (missing: %s). An imputed or absent value can then give the outcome away.", text, in.Y.Name, shares)})
	}
	return listed(out)
}

// identifiers reports categorical columns with nearly a level a patient, which cannot be learnt from but can be memorised.
func identifiers(in Input) []Finding {
	var out []Finding
	for j, c := range in.X.Columns {
		if c.Kind != table.Categorical || in.X.Rows < 10 {
			continue
		}
		seen := map[float64]bool{}
		known := 0
		for _, v := range in.X.Column(j) {
			if !math.IsNaN(v) {
				known++
				seen[v] = true
			}
		}
		if known >= 10 && 10*len(seen) > 9*known {
			out = append(out, Finding{Level: Warning, Check: "identifier", Column: c.Name,
				Text: fmt.Sprintf("%s has %d different texts for %d patients; it is an identifier or a date, not a feature. Drop it.", c.Name, len(seen), known)})
		}
	}
	return listed(out)
}

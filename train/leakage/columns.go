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

// perfectColumns reports single numeric or ordinal columns that tell the outcome nearly alone: AUC (one class against the rest)
// or C-index above 0.97 in either direction, where that is not chance among so many columns (Mann–Whitney, Bonferroni).
func perfectColumns(in Input) []Finding {
	var out []Finding
	for j, c := range in.X.Columns {
		if c.Kind == table.Categorical {
			continue
		}
		score, what := in.alone(in.X.Column(j))
		if score > perfect {
			out = append(out, Finding{Level: Warning, Check: "perfect_column", Column: c.Name,
				Text: fmt.Sprintf("%s alone gives %s: %s %.3f. If it was known only with or after the outcome, name it in known_from.", c.Name, in.Y.Name, what, score)})
		}
	}
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

// alone judges one column on the rows where it is known.
func (in Input) alone(v []float64) (score float64, what string) {
	if in.Y.Kind == clinical.Survival {
		return in.aloneSurvival(v), "C-index"
	}
	best := 0.0
	for class := range in.Y.Classes {
		if len(in.Y.Classes) == 2 && class == 0 {
			continue
		}
		var a, b []float64
		for i, x := range v {
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
		auc = max(auc, 1-auc)
		if t.P*float64(len(in.X.Columns)) < chance {
			best = max(best, auc)
		}
	}
	return best, "AUC"
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

// sites reports an outcome that differs between sites (χ²), because a model can then learn the scanner instead of the tumour.
func sites(in Input) []Finding {
	if in.Site == nil || in.Y.Kind != clinical.Class {
		return nil
	}
	names := slices.Compact(slices.Sorted(slices.Values(in.Site)))
	if len(names) < 2 {
		return nil
	}
	n := make([][]float64, len(names))
	for k := range n {
		n[k] = make([]float64, len(in.Y.Classes))
	}
	for i, s := range in.Site {
		k, _ := slices.BinarySearch(names, s)
		n[k][in.Y.Class[i]]++
	}
	var out []Finding
	single := 0
	for _, row := range n {
		sum := 0.0
		for _, v := range row {
			sum += v
		}
		if sum >= pure && slices.Max(row) == sum {
			single++
		}
	}
	if single > 0 {
		out = append(out, Finding{Level: Warning, Check: "site_of_one_class", Text: fmt.Sprintf("%d of %d sites have patients of one class of %s only; what tells sites apart then tells the outcome.", single, len(names), in.Y.Name)})
	}
	if t := stat.PearsonChiSquared(n, false); t.P < chance {
		out = append(out, Finding{Level: Warning, Check: "site_confounded",
			Text: fmt.Sprintf("%s differs between the %d sites (χ² p = %.2g, Cramér's V %.2f). Use leave_one_site_out, or show that the model does not read the site.", in.Y.Name, len(names), t.P, stat.CramerV(n))})
	}
	return out
}

// Columns that a source needs before the means of them all are judged.
const togetherColumns = 50

// normalised reports sources whose columns were standardised or ranged over this very cohort before we saw them: the test rows of
// every fold then took part in it.
func normalised(in Input) []Finding {
	type tally struct {
		all, z, near, unit int
		spread             float64 // Σ n·mean², which is 1 a column where rows are a sample of a standard normal
	}
	by := map[string]*tally{}
	var order []string
	for _, j := range numeric(in) {
		c := in.X.Columns[j]
		if by[c.Source] == nil {
			by[c.Source] = &tally{}
			order = append(order, c.Source)
		}
		t := by[c.Source]
		v := slices.DeleteFunc(slices.Clone(in.X.Column(j)), math.IsNaN)
		distinct := len(slices.Compact(slices.Sorted(slices.Values(v))))
		if distinct < 5 {
			continue
		}
		t.all++
		mean, sd := stat.Mean(v), math.Sqrt(stat.Variance(v))
		if math.Abs(mean) < 0.02 && math.Abs(sd-1) < 0.02 {
			t.z++
		}
		if n := float64(len(v)); math.Abs(mean) < 2/math.Sqrt(n) && math.Abs(sd-1) < 2/math.Sqrt(n) {
			t.near++
			t.spread += n * mean * mean
		}
		if slices.Min(v) == 0 && slices.Max(v) == 1 {
			t.unit++
		}
	}
	var out []Finding
	for _, source := range order {
		t := by[source]
		if t.all < 3 {
			continue
		}
		switch {
		case 2*t.z > t.all:
			out = append(out, Finding{Level: Warning, Check: "normalised", Text: fmt.Sprintf("%d of %d columns%s have mean 0 and standard deviation 1 over these patients: they were standardised with all rows, test rows included. Give the raw values and use a scale step.", t.z, t.all, from(source))})
		case t.all >= togetherColumns && 10*t.near > 9*t.all && t.spread < 0.6*float64(t.near):
			// Means of a part of rows that were standardised together lie closer to 0 than those of as many rows drawn at random.
			out = append(out, Finding{Level: Warning, Check: "normalised", Text: fmt.Sprintf("%d of %d columns%s have mean near 0 and standard deviation near 1, closer than chance: they were standardised together with rows that are not here (without an outcome, or locked), test rows included. Give the raw values and use a scale step.", t.near, t.all, from(source))})
		}
		if 2*t.unit > t.all {
			out = append(out, Finding{Level: Warning, Check: "normalised", Text: fmt.Sprintf("%d of %d columns%s run from exactly 0 to exactly 1 over these patients: they were ranged with all rows, test rows included. Give the raw values and use a scale step.", t.unit, t.all, from(source))})
		}
	}
	return out
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

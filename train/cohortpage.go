package train

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/pipeline"
	"github.com/voxgene/voxgene/train/report"
)

// flow says how many patients there were at each step, and why others were not.
func (r *run) flow() []report.Count {
	f := r.cohort.Flow
	out := []report.Count{{Text: "Patients listed", Patients: f.Listed}}
	out = append(out, leaving(f.Excluded)...)
	out = append(out, report.Count{Text: "In the feature table", Patients: f.Patients})
	if r.locked != nil {
		out = append(out, report.Count{Text: "set apart, locked", Patients: r.locked.Patients, Out: true})
	}
	for _, o := range r.cohort.Outcomes {
		out = append(out, report.Count{Text: "With a known " + o.Name, Patients: patientsIn(pickRows(r.number, known(o)))})
		for _, p := range f.Outcomes {
			if p.Name == o.Name {
				out = append(out, leaving(p.Missing)...)
			}
		}
	}
	return out
}

// leaving counts patients by why they leave. A reason may quote a file of a patient; the page does not name him.
func leaving(all []cohort.Exclusion) []report.Count {
	n := map[string]int{}
	for _, e := range all {
		n[anonymous(e)]++
	}
	var out []report.Count
	for _, k := range sortedKeys(n) {
		out = append(out, report.Count{Text: k, Patients: n[k], Out: true})
	}
	return out
}

// anonymous is a reason without the patient.
func anonymous(e cohort.Exclusion) string {
	if e.Patient == "" {
		return e.Reason
	}
	return strings.ReplaceAll(e.Reason, e.Patient, "…")
}

// sources says what each source gave.
func (r *run) sources() []report.Source {
	var out []report.Source
	for _, s := range r.e.Sources {
		line := report.Source{Name: s.Name, Kind: s.Kind, Group: s.Group}
		missing, cells := 0, 0
		for j, c := range r.all.Columns {
			if c.Source != s.Name {
				continue
			}
			line.Columns++
			if line.Group == "" {
				line.Group = c.Group
			}
			for _, v := range r.all.Column(j) {
				cells++
				if math.IsNaN(v) {
					missing++
				}
			}
		}
		if cells > 0 {
			line.Missing = float64(missing) / float64(cells)
		}
		for _, p := range r.cohort.Flow.Sources {
			if p.Name == s.Name {
				line.Patients = p.Have
				for _, c := range leaving(p.Missing) {
					line.Without = append(line.Without, fmt.Sprintf("%d %s", c.Patients, c.Text))
				}
			}
		}
		out = append(out, line)
	}
	return out
}

// radiomicsFamilies are PyRadiomics' and IBSI's.
var radiomicsFamilies = []string{"shape", "shape2D", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm", "gldzm"}

// family is that of a radiomics column, as PyRadiomics names them: image type, family, feature. Others have the family "other".
func family(c table.Column) string {
	parts := strings.Split(pipeline.Bare(c), "_")
	if len(parts) >= 3 && slices.Contains(radiomicsFamilies, parts[len(parts)-2]) {
		return parts[len(parts)-2]
	}
	return "other"
}

// families counts radiomics columns by family.
func (r *run) families() string {
	n := map[string]int{}
	for _, c := range r.all.Columns {
		if f := family(c); f != "other" {
			n[f]++
		}
	}
	var out []string
	for _, k := range sortedKeys(n) {
		out = append(out, fmt.Sprintf("%s %d", k, n[k]))
	}
	return strings.Join(out, ", ")
}

// tableOne describes the clinical columns by class, or by event, of each outcome.
func (r *run) tableOne() []report.Table {
	var out []report.Table
	for _, one := range r.results {
		groups := one.y.Classes
		of := one.y.Class
		if one.y.Kind == clinical.Survival {
			groups = []string{"censored", "event"}
			of = make([]int, len(one.y.Event))
			for i, e := range one.y.Event {
				of[i] = min(e, 1)
			}
		}
		t := report.Table{Title: "Table one: " + one.y.Name, Caption: "Clinical columns: median (quartiles) or number of patients; numbers below ten are not given. p: Kruskal–Wallis or χ².", Head: []string{"column"}}
		count := make([]int, len(groups))
		for _, g := range of {
			count[g]++
		}
		for g, name := range groups {
			t.Head = append(t.Head, fmt.Sprintf("%s (%s)", name, few(count[g])))
		}
		t.Head = append(t.Head, "p")
		for j, c := range r.all.Columns {
			if c.Group == "clinical" && len(t.Rows) < 40 {
				t.Rows = append(t.Rows, describeColumn(c, pickRows(r.all.Column(j), one.rows), of, len(groups))...)
			}
		}
		if len(t.Rows) > 0 {
			out = append(out, t)
		}
	}
	return out
}

// few prints a number of patients, unless it is so small that it could point at one.
func few(n int) string {
	if n < smallest && n > 0 {
		return "< 10"
	}
	return fmt.Sprint(n)
}

// describeColumn is one line for a number, and one a level for a category.
func describeColumn(c table.Column, v []float64, of []int, groups int) [][]string {
	if c.Kind == table.Numeric {
		line := []string{c.Name}
		parts := make([][]float64, groups)
		for i, x := range v {
			if !math.IsNaN(x) {
				parts[of[i]] = append(parts[of[i]], x)
			}
		}
		for _, p := range parts {
			if len(p) < smallest {
				line = append(line, "–")
				continue
			}
			s := slices.Sorted(slices.Values(p))
			line = append(line, fmt.Sprintf("%.4g (%.4g to %.4g)", stat.Quantile(s, 0.5), stat.Quantile(s, 0.25), stat.Quantile(s, 0.75)))
		}
		p := none
		if !slices.ContainsFunc(parts, func(p []float64) bool { return len(p) == 0 }) {
			p = stat.KruskalWallis(parts).P
		}
		return [][]string{append(line, report.PValue(p))}
	}
	n := make([][]float64, len(c.Levels))
	for k := range n {
		n[k] = make([]float64, groups)
	}
	for i, x := range v {
		if x >= 0 && int(x) < len(c.Levels) {
			n[int(x)][of[i]]++
		}
	}
	var used [][]float64
	var names []string
	for k, row := range n {
		if slices.Max(row) > 0 {
			used, names = append(used, row), append(names, c.Levels[k])
		}
	}
	p := none
	if len(used) > 1 {
		p = stat.PearsonChiSquared(used, false).P
	}
	var out [][]string
	for k, row := range used {
		if k >= 10 {
			break
		}
		line := []string{c.Name + " = " + names[k]}
		for _, m := range row {
			line = append(line, few(int(m)))
		}
		text := ""
		if k == 0 {
			text = report.PValue(p)
		}
		out = append(out, append(line, text))
	}
	return out
}

package train

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/train/validate"
)

// Estimate is a measure in metrics.json; null where it is not defined.
type Estimate struct {
	Value *float64 `json:"value"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
}

// Estimates are measures by name.
type Estimates map[string]Estimate

// Metrics is one outcome's part of metrics.json.
type Metrics struct {
	Kind     clinical.OutcomeKind `json:"kind"`
	Patients int                  `json:"patients"`
	Unit     table.Unit           `json:"unit,omitempty"` // what a row is, where it is not a patient
	Rows     int                  `json:"rows,omitempty"` // of that unit
	Events   *int                 `json:"events,omitempty"`
	Classes  map[string]int       `json:"classes,omitempty"`
	Columns  int                  `json:"columns"`
	// PerVariable is how many events there are for each column.
	PerVariable PerVariable `json:"events_per_variable"`

	Locked *LockedSet `json:"locked,omitempty"` // patients set apart, who are in none of the numbers

	Scheme   string  `json:"scheme"`
	Folds    int     `json:"folds"` // in all, over repeats
	Interval string  `json:"interval"`
	Level    float64 `json:"level"`

	// Headline is the procedure, with the choice between models and hyper-parameters made inside each outer fold.
	Headline Estimates `json:"headline"`
	// Models are the models one by one on the same folds, for comparison.
	Models      map[string]Estimates `json:"models"`
	Comparisons []PairTest           `json:"comparisons,omitempty"`
	// Selected is the model that is kept, refitted on all rows, and Settings its searched hyper-parameters.
	Selected string `json:"selected"`
	Settings string `json:"settings,omitempty"`

	Calibration        *Calibration  `json:"calibration,omitempty"`          // two classes
	CalibrationByClass []Calibration `json:"calibration_by_class,omitempty"` // more
	DecisionCurves     []Utility     `json:"decision_curves,omitempty"`
	Stability          *Stability    `json:"stability,omitempty"` // of what the folds' models use
	OverTime           *OverTime     `json:"over_time,omitempty"` // of survival outcomes

	// Baselines and Ablation are the most frequent winner on other columns, by the first measure on the same folds.
	Baselines   []VariantMetrics    `json:"baselines,omitempty"`
	Ablation    []VariantMetrics    `json:"ablation,omitempty"`
	Permutation *PermutationMetrics `json:"permutation,omitempty"`
	Cut         string              `json:"cut,omitempty"` // what the budget left out
	Conformal   *bundle.Conformal   `json:"conformal,omitempty"`
	// NoConformal says why sets that were asked for were not made.
	NoConformal string            `json:"conformal_refused,omitempty"`
	Subgroups   []SubgroupMetrics `json:"subgroups,omitempty"`

	Audit    []AuditFinding `json:"audit,omitempty"` // what looks like leakage
	Warnings []string       `json:"warnings,omitempty"`
}

// AuditFinding is something that looks like leakage.
type AuditFinding struct {
	Level  string `json:"level"`
	Check  string `json:"check"`
	Column string `json:"column,omitempty"`
	Text   string `json:"text"`
}

// VariantMetrics is the procedure on other columns.
type VariantMetrics struct {
	Name    string   `json:"name"`
	Columns int      `json:"columns"`
	Measure string   `json:"measure,omitempty"`
	Value   *float64 `json:"value"`
	Low     *float64 `json:"low"`
	High    *float64 `json:"high"`
	P       *float64 `json:"p"` // against the procedure on all columns, corrected resampled t
	Skipped string   `json:"skipped,omitempty"`
	By      string   `json:"by,omitempty"` // kind of the linear model that stood in for a network where no image was left
}

// PermutationMetrics is the null of the whole procedure.
type PermutationMetrics struct {
	Measure  string   `json:"measure"`
	Observed *float64 `json:"observed"` // one repeat
	Number   int      `json:"number"`
	AtLeast  int      `json:"at_least"`
	P        float64  `json:"p"`
	Settled  bool     `json:"settled"` // stopped early
}

// PairTest is a test that two models are equally good on the same folds.
type PairTest struct {
	First      string   `json:"first"`
	Second     string   `json:"second"`
	Measure    string   `json:"measure"`
	Difference *float64 `json:"difference"`
	Test       string   `json:"test"`
	P          *float64 `json:"p"`
	PHolm      *float64 `json:"p_holm"` // adjusted for all pairs
}

func toJSON(e validate.Estimate) Estimate {
	return Estimate{finite(e.Value), finite(e.Low), finite(e.High)}
}

func (one *outcomeRun) estimates(model int, level float64) Estimates {
	out := Estimates{}
	for _, m := range one.measures {
		out[m.Name] = toJSON(one.estimate(m, model, level))
	}
	return out
}

// metrics returns metrics.json.
func (r *run) metrics() ([]byte, error) {
	var err error
	all := map[string]*Metrics{}
	level := r.e.Validation.Level
	for _, one := range r.results {
		final := one.result.Final
		m := &Metrics{Kind: one.y.Kind, Locked: r.locked, Patients: patientsIn(one.study.Rows.Patient), Columns: len(one.x.Columns), PerVariable: one.perVariable(), Scheme: string(one.scheme),
			Folds: len(one.folds), Interval: one.interval, Level: level, Headline: one.estimates(-1, level), Models: map[string]Estimates{},
			Selected: one.models[final.Winner].Name, Settings: one.study.Procedure.Models[final.Winner].Candidates[final.Chosen[final.Winner]].Settings}
		if r.unit != table.PerPatient {
			m.Unit, m.Rows = r.unit, len(one.rows)
		}
		if one.y.Kind == clinical.Survival {
			_, n := one.scarce()
			m.Events = &n
		} else {
			m.Classes = classCounts(one.y)
		}
		for k, model := range one.models {
			m.Models[model.Name] = one.estimates(k, level)
		}
		m.Comparisons = one.compare()
		m.Calibration, m.CalibrationByClass = one.calibrationsOf(level)
		if m.DecisionCurves, err = one.utilities(); err != nil {
			return nil, fmt.Errorf("outcome %s: decision curve: %w", one.y.Name, err)
		}
		m.OverTime = one.overTime(level)
		m.Stability = one.stability()
		m.Baselines, m.Ablation = one.variantMetrics(one.honest.baselines), one.variantMetrics(one.honest.ablation)
		if n := one.honest.null; n != nil {
			m.Permutation = &PermutationMetrics{one.measures[0].Name, finite(n.Observed), len(n.Scores), n.AtLeast, n.P, n.Settled}
		}
		m.Cut = one.honest.nullNote
		m.Conformal, m.NoConformal = one.kept.Conformal, one.noConformal
		m.Subgroups = one.subgroups
		for _, f := range one.audit {
			m.Audit = append(m.Audit, AuditFinding{f.Level, f.Check, f.Column, f.Text})
		}
		m.Warnings = one.warnings(level)
		all[one.y.Name] = m
	}
	b, err := json.MarshalIndent(all, "", "  ")
	return append(b, '\n'), err
}

func patientsIn(number []int) int {
	return len(slices.Compact(slices.Sorted(slices.Values(number))))
}

func (one *outcomeRun) variantMetrics(all []variant) []VariantMetrics {
	var out []VariantMetrics
	for _, v := range all {
		m := VariantMetrics{Name: v.name, Columns: v.columns, Skipped: v.skipped, By: v.by}
		if v.skipped == "" {
			m.Measure, m.Value, m.Low, m.High, m.P = one.measures[0].Name, finite(v.value.Value), finite(v.value.Low), finite(v.value.High), finite(v.against)
		}
		out = append(out, m)
	}
	return out
}

// compare tests every pair of models by their first measure on the same folds.
func (one *outcomeRun) compare() []PairTest {
	if len(one.models) < 2 || len(one.measures) == 0 {
		return nil
	}
	measure := one.measures[0]
	var out []PairTest
	var ps []float64
	for i := range one.models {
		for j := i + 1; j < len(one.models); j++ {
			difference, p := one.differs(measure, one.result, one.result, i, j)
			out = append(out, PairTest{First: one.models[i].Name, Second: one.models[j].Name, Measure: measure.Name, Test: one.testName(), Difference: finite(difference), P: finite(p)})
			ps = append(ps, p)
		}
	}
	for i, p := range stat.Adjust(ps, stat.Holm) {
		out[i].PHolm = finite(p)
	}
	return out
}

// warnings are what a reader must know beside the headline.
func (one *outcomeRun) warnings(level float64) []string {
	var out []string
	if len(one.measures) > 0 {
		m := one.measures[0]
		e := one.estimate(m, -1, level)
		if !math.IsNaN(m.Chance) && e.Low <= m.Chance {
			out = append(out, fmt.Sprintf("The interval of the %s reaches down to %.3f: this procedure was not shown to do better than chance (%g).", m.Title, e.Low, m.Chance))
		}
		if e.Low == e.High && !math.IsNaN(e.Low) {
			out = append(out, fmt.Sprintf("The interval of the %s has no width: its formula sees no spread where every pair of patients is in order. That is no certainty.", m.Title))
		}
		if e.Folds < len(one.folds) {
			out = append(out, fmt.Sprintf("%d of %d folds could not be judged by the %s, because their test patients lack a class or a comparable pair; they are left out of its mean.",
				len(one.folds)-e.Folds, len(one.folds), m.Title))
		}
	}
	if n := one.honest.null; n != nil && n.P > 0.05 && n.AtLeast > 0 {
		out = append(out, fmt.Sprintf("With outcomes shuffled among patients the same procedure scored as high in %d of %d permutations (p = %.3f): what it found can be chance.", n.AtLeast, len(n.Scores), n.P))
	}
	for _, v := range one.honest.baselines {
		if v.skipped == "" && v.value.Value >= one.estimate(one.measures[0], -1, level).Value {
			out = append(out, fmt.Sprintf("The baseline %q scores %.3f, no less than the procedure.", v.name, v.value.Value))
		}
	}
	if p := one.perVariable(); one.readsNoColumn() {
		out = append(out, fmt.Sprintf("%d %s, and a network over images has far more weights than that: what it learnt is to be checked on other patients.", p.Events, p.what))
	} else if p.PerCandidate != nil && *p.PerCandidate < usual && !one.foreign {
		out = append(out, fmt.Sprintf("%d %s for %d candidate columns: %.2g per column, where %d is a usual minimum. Columns chosen here are unlikely to be the ones that another cohort would choose.",
			p.Events, p.what, len(one.x.Columns), *p.PerCandidate, usual))
	}
	return out
}

// predictions returns predictions.csv: what each model said of each patient when it had not seen that patient.
func (r *run) predictions() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	key := []string{"patient"}
	if r.unit != table.PerPatient {
		key = append(key, string(r.unit))
	}
	if err := w.Write(slices.Concat([]string{"outcome"}, key, []string{"repeat", "fold", "model", "selected", "class", "probability", "risk", "observed", "time", "event"})); err != nil {
		return nil, err
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	for _, one := range r.results {
		for _, f := range one.result.Folds {
			for k, m := range one.models {
				p := f.Models[k]
				for i, row := range f.Fold.Test {
					of := r.keys[one.rows[row]]
					if key[0] = of.Patient; len(key) > 1 {
						key[1] = r.unit.Within(of)
					}
					line := []string{strconv.Itoa(f.Fold.Repeat + 1), strconv.Itoa(f.Fold.Number + 1), m.Name,
						strconv.FormatBool(f.Choice.Winner == k), "", "", "", "", "", ""}
					if one.y.Kind == clinical.Survival {
						line[6], line[8], line[9] = number(p.Risk[i]), number(one.y.Time[row]), strconv.Itoa(one.y.Event[row])
						if err := w.Write(slices.Concat([]string{one.y.Name}, key, line)); err != nil {
							return nil, err
						}
						continue
					}
					line[7] = one.y.Classes[one.y.Class[row]]
					for c, name := range one.y.Classes {
						if len(one.y.Classes) == 2 && c == 0 {
							continue
						}
						line[4], line[5] = name, number(p.Probabilities[i*len(one.y.Classes)+c])
						if err := w.Write(slices.Concat([]string{one.y.Name}, key, line)); err != nil {
							return nil, err
						}
					}
				}
			}
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// chosen counts in how many outer folds each column reached the models, for pipelines that choose.
func (one *outcomeRun) chosen() []columnCount {
	n := map[string]int{}
	for _, f := range one.result.Folds {
		for _, c := range f.Columns {
			n[c]++
		}
	}
	out := make([]columnCount, 0, len(n))
	for name, k := range n {
		out = append(out, columnCount{name, k})
	}
	slices.SortFunc(out, func(a, b columnCount) int {
		return cmp.Or(cmp.Compare(b.folds, a.folds), cmp.Compare(a.name, b.name))
	})
	return out
}

type columnCount struct {
	name  string
	folds int
}

func hash(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

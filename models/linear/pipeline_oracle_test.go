package linear_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/linear"
	"github.com/voxgene/voxgene/models/metrics"
	"github.com/voxgene/voxgene/models/survival"
)

// folded is a stored data set with its stored folds.
type folded struct {
	data  models.Training
	folds map[string][]int // by repeat: the test fold of each row
}

func readFolded(t *testing.T, name, table string) folded {
	x := readFrame(t, "pipeline", "inputs", name+table)
	f := readFrame(t, "pipeline", "inputs", name+"_folds.csv")
	d := folded{training(x.problem(t, x.columns)), map[string][]int{}}
	d.data.Y = clinical.Outcome{Name: name, Kind: clinical.Class}
	d.data.Y.Class, d.data.Y.Classes = f.class(t, "y")
	for _, rep := range f.columns[2:] {
		for _, v := range f.numbers(t, rep) {
			d.folds[rep] = append(d.folds[rep], int(v))
		}
	}
	return d
}

// each calls f with the training rows, and the rows of a fold, of every fold.
func (d folded) each(rep string, f func(fold int, train, test []int)) {
	last := 0
	for _, k := range d.folds[rep] {
		last = max(last, k)
	}
	for k := 1; k <= last; k++ {
		var train, test []int
		for i, v := range d.folds[rep] {
			if v == k {
				test = append(test, i)
			} else {
				train = append(train, i)
			}
		}
		f(k, train, test)
	}
}

// meanAUC is the mean over folds and repeats.
func (d folded) meanAUC(t *testing.T, set map[string]any, reps ...string) float64 {
	sum, n := 0.0, 0.0
	for _, rep := range reps {
		d.each(rep, func(_ int, train, test []int) {
			p, err := fitted(t, "logistic", set, d.data.Select(train)).Predict(d.data.X.Select(test), nil)
			if err != nil {
				t.Fatal(err)
			}
			is := make([]bool, len(test))
			for i, r := range test {
				is[i] = d.data.Y.Class[r] == 1
			}
			b, err := metrics.NewBinary(is, p.Margin)
			if err != nil {
				t.Fatal(err)
			}
			sum += b.AUC()
			n++
		})
	}
	return sum / n
}

// The targets are cv.glmnet's on the same folds (glmnet 4.1-6, inner 5 folds, lambda.min); the inner folds differ. At
// least the target less 0.01 is wanted.
func TestQualityOfLogistic(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of fits")
	}
	all, breast := readFolded(t, "ALL_bcrabl", "_X.csv.gz"), readFolded(t, "breast_cancer", "_X.csv")
	for _, c := range []struct {
		name string
		data folded
		set  map[string]any
		reps []string
		at   float64
	}{
		{"ALL BCR/ABL, elastic net", all, map[string]any{"alpha": 0.5}, []string{"rep1", "rep2", "rep3"}, 0.95198},
		{"breast cancer, ridge", breast, map[string]any{"penalty": "ridge"}, []string{"rep1"}, 0.99490},
		{"breast cancer, lasso", breast, map[string]any{"penalty": "lasso"}, []string{"rep1"}, 0.99407},
	} {
		auc := c.data.meanAUC(t, c.set, c.reps...)
		t.Logf("%s: AUC %.4f, glmnet %.4f", c.name, auc, c.at)
		if auc < c.at-0.01 {
			t.Errorf("%s: AUC %.4f, glmnet has %.4f", c.name, auc, c.at)
		}
	}
}

// The target is cv.glmnet's pooled accuracy and macro AUC on the same folds.
func TestQualityOfMultinomial(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of fits")
	}
	d := readFolded(t, "tcga_glioma_LGm", "_X.csv.gz")
	var class []int
	var prob []float64
	d.each("rep1", func(_ int, train, test []int) {
		p, err := fitted(t, "logistic", map[string]any{"penalty": "lasso", "lambdas": 25}, d.data.Select(train)).Predict(d.data.X.Select(test), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range test {
			class = append(class, d.data.Y.Class[r])
		}
		prob = append(prob, p.Probabilities...)
	})
	m, err := metrics.NewMulticlass(class, prob, len(d.data.Y.Classes))
	if err != nil {
		t.Fatal(err)
	}
	auc, _ := m.AUC()
	accuracy, loss := m.Confusion().Accuracy(), m.LogLoss()
	t.Logf("glioma methylation clusters: accuracy %.4f (glmnet 0.8977), macro AUC %.4f (0.9909), log-loss %.4f (0.2686)", accuracy, auc, loss)
	if accuracy < 0.8977-0.01 || auc < 0.9909-0.01 || loss > 0.2686+0.02 {
		t.Errorf("accuracy %.4f, AUC %.4f, log-loss %.4f", accuracy, auc, loss)
	}
}

// survivalTask fits a Cox model without penalty and judges it on test rows: Harrell's and Uno's C and the integrated Brier score.
func survivalTask(t *testing.T, train, test models.Training, tau float64) (harrell, uno, ibs float64) {
	fit := fitted(t, "cox", map[string]any{"penalty": "none"}, train).(*linear.Cox)
	obs, err := survival.Observations(test.Y)
	if err != nil {
		t.Fatal(err)
	}
	p, err := fit.Predict(test.X, test.Y.Time)
	if err != nil {
		t.Fatal(err)
	}
	h, _ := survival.Rank(obs, p.Risk, survival.ConcordanceOptions{})
	u, _ := survival.Rank(obs, p.Risk, survival.ConcordanceOptions{Weight: survival.Uno, Until: tau})
	w, err := survival.NewIPCW(obs)
	if err != nil {
		t.Fatal(err)
	}
	at := map[float64]int{}
	for k, v := range test.Y.Time {
		at[v] = k
	}
	if ibs, err = w.IntegratedBrier(tau, func(i int, v float64) float64 { return p.Survival[i*len(test.Y.Time)+at[v]] }); err != nil {
		t.Fatal(err)
	}
	return h.C, u.C, ibs
}

// Values: coxph, survival::concordance and the direct Brier definition in R on the stored folds of gbsg, and from rotterdam's
// node-positive patients to gbsg.
func TestCoxOnFoldsOracle(t *testing.T) {
	columns := []string{"age", "meno", "size", "grade", "nodes", "pgr", "er", "hormon"}
	var want struct {
		Tau    float64                         `json:"tau_ibs"`
		ByFold map[string]map[string][]float64 `json:"by_fold"`
	}
	readJSON(t, &want, "pipeline", "expected", "gbsg_survival_targets.json")
	read := func(name string) (models.Training, frame) {
		f := readFrame(t, "pipeline", "inputs", name)
		p := f.problem(t, columns)
		f.survival(t, &p)
		return training(p), f
	}
	data, f := read("gbsg_data_folds.csv")
	c := oracle.Absolute(t, "Cox on stored folds: Harrell's and Uno's C", "gbsg", "survival 3.5-3", 1e-6)
	b := oracle.Absolute(t, "Cox on stored folds: integrated Brier score", "gbsg", "survival 3.5-3", 1e-6)
	for k := range 5 {
		var train, test []int
		for i, v := range f.text["fold"] {
			if v == strconv.Itoa(k+1) {
				test = append(test, i)
			} else {
				train = append(train, i)
			}
		}
		harrell, uno, ibs := survivalTask(t, data.Select(train), data.Select(test), want.Tau)
		c.Near(fmt.Sprint("fold ", k+1, " Harrell"), harrell, want.ByFold["cox"]["C"][k])
		c.Near(fmt.Sprint("fold ", k+1, " Uno"), uno, want.ByFold["cox"]["unoC"][k])
		b.Near(fmt.Sprint("fold ", k+1), ibs, want.ByFold["cox"]["ibs"][k])
	}
	var external struct {
		Linear map[string]map[string]float64
	}
	readJSON(t, &external, "pipeline", "expected", "rotterdam_to_gbsg.json")
	train, _ := read("rotterdam_nodepos_train.csv")
	test, _ := read("gbsg_external_test.csv")
	harrell, uno, ibs := survivalTask(t, train, test, want.Tau)
	e := oracle.Absolute(t, "Cox validated outside: C and integrated Brier score", "rotterdam to gbsg", "survival 3.5-3", 1e-6)
	e.Near("Harrell", harrell, external.Linear["cox"]["C"])
	e.Near("Uno", uno, external.Linear["cox"]["unoC"])
	e.Near("IBS", ibs, external.Linear["cox"]["ibs"])
}

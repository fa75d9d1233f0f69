package linear_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/linear"
)

const glmnet = "glmnet 4.1-6"

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "models/linear", 17147)) }

// frame is a CSV file by column, as text.
type frame struct {
	columns []string
	text    map[string][]string
}

func readFrame(t testing.TB, elements ...string) frame {
	t.Helper()
	path := oracle.Data(t, elements...)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if filepath.Ext(path) == ".gz" {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	records, err := csv.NewReader(r).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := frame{records[0], map[string][]string{}}
	for j, c := range records[0] {
		for _, rec := range records[1:] {
			out.text[c] = append(out.text[c], rec[j])
		}
	}
	return out
}

func (f frame) numbers(t testing.TB, column string) []float64 {
	t.Helper()
	if f.text[column] == nil {
		t.Fatalf("no column %q", column)
	}
	out := make([]float64, len(f.text[column]))
	for i, s := range f.text[column] {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = v
	}
	return out
}

// without returns the names of all columns but some.
func (f frame) without(names ...string) []string {
	return slices.DeleteFunc(slices.Clone(f.columns), func(c string) bool { return slices.Contains(names, c) })
}

// problem returns a problem of these columns, its outcome left open.
func (f frame) problem(t testing.TB, columns []string) linear.Problem {
	p := linear.Problem{Rows: len(f.text[f.columns[0]]), Columns: len(columns), Names: columns}
	for _, c := range columns {
		p.X = append(p.X, f.numbers(t, c)...)
	}
	return p
}

func (f frame) class(t testing.TB, column string) (class []int, names []string) {
	t.Helper()
	names = slices.Clone(f.text[column])
	slices.Sort(names)
	names = slices.Compact(names)
	for _, v := range f.text[column] {
		class = append(class, slices.Index(names, v))
	}
	return class, names
}

// survival sets a problem's times and events.
func (f frame) survival(t testing.TB, p *linear.Problem) {
	p.Family, p.Time = linear.CoxModel, f.numbers(t, "time")
	for _, s := range f.text["status"] {
		p.Event = append(p.Event, s == "1")
	}
}

// expression returns the ALL expression matrix, transposed: the probes (at most that many) as columns, the samples that keep accepts.
func expression(t testing.TB, probes int, keep func(pheno frame, i int) bool) (linear.Problem, frame) {
	pheno := readFrame(t, "linear", "inputs", "ALL_pheno.csv")
	x := readFrame(t, "linear", "inputs", "ALL_top2000.csv.gz")
	kept := frame{pheno.columns, map[string][]string{}}
	p := linear.Problem{}
	var samples [][]float64
	for i, s := range pheno.text["sample"] {
		if !keep(pheno, i) {
			continue
		}
		for _, c := range pheno.columns {
			kept.text[c] = append(kept.text[c], pheno.text[c][i])
		}
		samples = append(samples, x.numbers(t, s))
	}
	p.Rows, p.Columns = len(samples), min(probes, len(samples[0]))
	for j := range p.Columns {
		p.Names = append(p.Names, x.text["probe"][j])
		for _, s := range samples {
			p.X = append(p.X, s[j])
		}
	}
	return p, kept
}

func readJSON(t testing.TB, v any, elements ...string) {
	t.Helper()
	b, err := os.ReadFile(oracle.Data(t, elements...))
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// coefficients reads NAME_coef.csv, sparse or dense: by class ("" where there is one), λ and column.
func coefficients(t testing.TB, name string, lambdas int, columns []string) map[string][][]float64 {
	t.Helper()
	file := name + "_coef.csv"
	if _, err := os.Stat(filepath.Join(oracle.Data(t, "linear", "expected"), file)); err != nil {
		file += ".gz"
	}
	f := readFrame(t, "linear", "expected", file)
	out := map[string][][]float64{}
	at := map[string]int{}
	for j, c := range columns {
		at[c] = j
	}
	class := func(i int) [][]float64 {
		c := ""
		if f.text["class"] != nil {
			c = f.text["class"][i]
		}
		if out[c] == nil {
			out[c] = make([][]float64, lambdas)
			for l := range out[c] {
				out[c][l] = make([]float64, len(columns))
			}
		}
		return out[c]
	}
	for i, feature := range f.text["feature"] {
		if f.text["lambda_index"] != nil {
			l, _ := strconv.Atoi(f.text["lambda_index"][i])
			class(i)[l][at[feature]] = f.numbers(t, "coef")[i]
			continue
		}
		for l := range lambdas {
			v, err := strconv.ParseFloat(f.text["lam"+strconv.Itoa(l)][i], 64)
			if err != nil {
				t.Fatal(err)
			}
			class(i)[l][at[feature]] = v
		}
	}
	return out
}

func has(name, part string) bool { return strings.Contains(name, part) }

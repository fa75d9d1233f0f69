package metrics_test

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/metrics"
)

const (
	pROC    = "pROC 1.18.0"
	sklearn = "scikit-learn 1.2.1"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "models/metrics", 956)) }

type frame struct {
	columns []string
	text    map[string][]string
}

func readFrame(t testing.TB, name string) frame {
	t.Helper()
	f, err := os.Open(oracle.Data(t, "metrics", "inputs", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := frame{records[0], map[string][]string{}}
	for j, c := range records[0] {
		for _, r := range records[1:] {
			out.text[c] = append(out.text[c], r[j])
		}
	}
	return out
}

func (f frame) numbers(t testing.TB, column string) []float64 {
	t.Helper()
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

// binary returns the rows keep accepts of a marker against column y.
func (f frame) binary(t testing.TB, marker string, keep func(i int) bool) *metrics.Binary {
	t.Helper()
	var is []bool
	var score []float64
	for i, s := range f.numbers(t, marker) {
		if keep == nil || keep(i) {
			is, score = append(is, f.text["y"][i] == "1"), append(score, s)
		}
	}
	b, err := metrics.NewBinary(is, score)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readJSON(t testing.TB, v any, name string) {
	t.Helper()
	b, err := os.ReadFile(oracle.Data(t, "metrics", "expected", name))
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// loose is a number, or R's "Inf", "-Inf" or null.
type loose float64

func (l *loose) UnmarshalJSON(b []byte) error {
	switch s := string(b); s {
	case `"-Inf"`:
		*l = loose(math.Inf(-1))
	case `"Inf"`:
		*l = loose(math.Inf(1))
	case "null", `"NA"`:
		*l = loose(math.NaN())
	default:
		v, err := strconv.ParseFloat(s, 64)
		*l = loose(v)
		return err
	}
	return nil
}

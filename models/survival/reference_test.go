package survival_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/survival"
)

const rSurvival = "R 4.2.2, survival 3.5-3"

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "models/survival", compared)) }

// frame is a CSV file by column, as text.
type frame map[string][]string

func readFrame(t testing.TB, elements ...string) frame {
	t.Helper()
	path := oracle.Data(t, elements...)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	records, err := csv.NewReader(r).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := frame{}
	for j, name := range records[0] {
		for _, rec := range records[1:] {
			out[name] = append(out[name], rec[j])
		}
	}
	return out
}

// numbers returns a column as numbers, NA as NaN.
func (f frame) numbers(t testing.TB, column string) []float64 {
	t.Helper()
	if f[column] == nil {
		t.Fatalf("no column %q", column)
	}
	out := make([]float64, len(f[column]))
	for i, s := range f[column] {
		if s == "NA" {
			s = "NaN"
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = v
	}
	return out
}

func (f frame) observations(t testing.TB) []survival.Observation {
	time, status := f.numbers(t, "time"), f.numbers(t, "status")
	out := make([]survival.Observation, len(time))
	for i := range out {
		out[i] = survival.Observation{Time: time[i], Event: int(status[i])}
	}
	return out
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

// column returns the j-th column of a file whose columns are named V1, V2 … or anything else, in file order.
func (f frame) column(t testing.TB, j int) []float64 {
	t.Helper()
	for _, name := range []string{"p" + strconv.Itoa(j), "V" + strconv.Itoa(j), "s" + strconv.Itoa(j)} {
		if f[name] != nil {
			return f.numbers(t, name)
		}
	}
	t.Fatalf("no column %d", j)
	return nil
}

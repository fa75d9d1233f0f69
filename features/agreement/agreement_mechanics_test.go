package agreement_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/agreement"
	"github.com/voxgene/voxgene/features/table"
)

func read(t testing.TB, text string) *table.Table {
	t.Helper()
	a, err := table.ReadText("t.csv", []byte(text), table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Rows are matched by key whatever their order; differences, missing values, levels, and what one table has alone are found.
func TestCompare(t *testing.T) {
	a := read(t, "patient,x,y,z,stage,left\np1,1,2,5,I,1\np2,2,4,NA,II,1\np3,3,6,7,II,1\np4,9,9,9,I,1\n")
	b := read(t, "patient,y,x,z,stage,right\np3,6,3.003,7,II,1\np1,2,1,5,I,1\np2,4,2,6,I,1\np5,0,0,0,I,1\n")
	r, err := agreement.Compare(a, b, 1e-6, false)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows != 3 || len(r.RowsA) != 1 || r.RowsA[0].Patient != "p4" || len(r.RowsB) != 1 || fmt.Sprint(r.OnlyA, r.OnlyB) != "[left] [right]" {
		t.Errorf("got %+v", r)
	}
	byName := map[string]agreement.Column{}
	for _, c := range r.Columns {
		byName[c.Name] = c
	}
	if c := byName["x"]; math.Abs(c.Worst-0.003/3.003) > 1e-12 || c.Describe() != "p3" || !c.AboveTolerance || math.Abs(c.Differences.Mean+0.001) > 1e-12 {
		t.Errorf("x: %+v", c)
	}
	if c := byName["y"]; c.Worst != 0 || c.AboveTolerance || c.Concordance != 1 {
		t.Errorf("y: %+v", c)
	}
	if c := byName["z"]; c.Rows != 2 || c.OnlyB != 1 || !c.AboveTolerance {
		t.Errorf("z: %+v", c)
	}
	if c := byName["stage"]; c.Worst != 1 || c.Describe() != "p2" {
		t.Errorf("stage: %+v", c)
	}
	if r.Differing != 3 || r.Equal != 1 {
		t.Errorf("%d columns differ and %d are equal, want 3 and 1", r.Differing, r.Equal)
	}
}

func TestCompareRefused(t *testing.T) {
	a, b := read(t, "patient,x\np1,1\np1,2\n"), read(t, "patient,x\np1,1\n")
	if _, err := agreement.Compare(a, b, 0, false); err == nil || !strings.Contains(err.Error(), "two rows of p1") {
		t.Errorf("got %v", err)
	}
	if _, err := agreement.Compare(a, b, 0, true); err == nil || !strings.Contains(err.Error(), "2 and 1 rows") {
		t.Errorf("got %v", err)
	}
	if _, err := agreement.Compare(b, read(t, "patient,x\nq1,1\n"), 0, false); err == nil || !strings.Contains(err.Error(), "no row is in both") {
		t.Errorf("got %v", err)
	}
}

func ExampleCompare() {
	a, _ := table.ReadText("a.csv", []byte("patient,volume\np1,10\np2,20\n"), table.Options{})
	b, _ := table.ReadText("b.csv", []byte("patient,volume\np1,10\np2,21\n"), table.Options{})
	r, err := agreement.Compare(a, b, 0.01, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	c := r.Columns[0]
	fmt.Printf("%s: up to %.1f %% apart (%s)\n", c.Name, 100*c.Worst, c.Describe())
	// Output: volume: up to 4.8 % apart (p2)
}

package association_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/voxgene/voxgene/train/association"
)

// The files say the same thing, are the same bytes twice, and a column name cannot break out of the page.
func TestWrite(t *testing.T) {
	data := planted(11, 60, 12, 30, 4, 0.8)
	data.Columns[2].Name = "t1.</script><b>&"
	c := association.Defaults()
	c.Permutations = 19
	m, err := association.Run(context.Background(), association.Cohort{Table: data}, c, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, b := t.TempDir(), t.TempDir()
	s, err := m.Write(a, "cohort", data, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Write(b, "cohort", data, 1); err != nil {
		t.Fatal(err)
	}
	content := map[string][]byte{}
	for _, name := range []string{"association.parquet", "found.csv", "association.json", "map.html", "heat.svg", "volcano.svg"} {
		one, err := os.ReadFile(filepath.Join(a, name))
		if err != nil {
			t.Fatal(err)
		}
		if two, _ := os.ReadFile(filepath.Join(b, name)); !bytes.Equal(one, two) {
			t.Errorf("%s differs between two writes", name)
		}
		content[name] = one
	}
	if lines := strings.Count(string(content["found.csv"]), "\n") - 1; lines != s.Found || s.Found < 4 {
		t.Errorf("found.csv has %d pairs and the summary says %d", lines, s.Found)
	}
	type row struct {
		X, Y string
		Q    *float64
	}
	rows, err := parquet.Read[row](bytes.NewReader(content["association.parquet"]), int64(len(content["association.parquet"])))
	if err != nil || len(rows) != 12*30 {
		t.Errorf("%d pairs in the Parquet file, want 360 (%v)", len(rows), err)
	}
	html := string(content["map.html"])
	if n := strings.Count(html, "</script>"); n != 2 {
		t.Errorf("the page closes %d scripts; it has 2", n)
	}
	if outside := regexp.MustCompile(`(src|href)=|https?://`).FindAllString(strings.ReplaceAll(html, "http://www.w3.org/2000/svg", ""), -1); outside != nil {
		t.Errorf("the page refers to %v", outside)
	}
	if strings.Contains(html, "P17") {
		t.Error("the page names a patient")
	}
}

package cohort

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

// configured loads the cohort of a configuration that is shipped.
func configured(t *testing.T, name string, pool work.Pool) *Cohort {
	t.Helper()
	oracle.Cohort(t, "tcga-lgg")
	n, err := settings.ReadFile("../../configs/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	var p settings.Problems
	cfg := Decode(n, &p)
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	c, err := Load(context.Background(), cfg, "../../configs", pool)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func flow(t *testing.T, c *Cohort, want string) {
	t.Helper()
	var b strings.Builder
	if err := c.Flow.Write(&b); err != nil {
		t.Fatal(err)
	}
	if b.String() != strings.TrimLeft(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// The counts are those of the cohort's own note: pre is absent of 6 patients and post of 10; 27 patients died.
func TestLGG(t *testing.T) {
	store, err := work.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pool := work.Pool{Store: store}
	c := configured(t, "tcga-lgg-genes", pool)
	flow(t, c, `
patients listed 110, excluded 0, in the table 110
source clinical: 110 patients, 0 without
source flair: 110 patients, 0 without
source pre: 104 patients, 6 without
source post: 100 patients, 10 without
source genes: 110 patients, 0 without
outcome idh: known of 109, not of 1
outcome os: known of 109, not of 1
`)
	events := 0
	for i, e := range c.Outcomes[1].Event {
		if c.Outcomes[1].Known(i) {
			events += e
		}
	}
	if events != 27 || len(c.Failures) > 0 || len(c.Table.Columns) != 2+3*92+5 {
		t.Errorf("%d deaths, failures %v, %d columns", events, c.Failures, len(c.Table.Columns))
	}
	for _, col := range c.Table.Columns {
		if strings.Contains(col.Name, "_shape_") {
			t.Errorf("%s is measured in mm", col.Name)
		}
	}
	// The second time everything comes from the store, and is the same to the bit.
	again := configured(t, "tcga-lgg-genes", pool)
	for j := range c.Table.Columns {
		for i, v := range c.Table.Values[j] {
			if math.Float64bits(v) != math.Float64bits(again.Table.Values[j][i]) && !table.Missing(v) {
				t.Fatalf("%s, row %d: %v and %v", c.Table.Columns[j].Name, i, v, again.Table.Values[j][i])
			}
		}
	}
}

// 116 patients have radiomics, 130 expression and 190 a radiologist's terms, as the cohort's note says.
func TestNSCLC(t *testing.T) {
	flow(t, configured(t, "nsclc-radiogenomics", work.Pool{}), `
patients listed 211, excluded 0, in the table 211
source clinical: 211 patients, 0 without
source ct: 116 patients, 95 without
source rna: 130 patients, 81 without
source semantic: 190 patients, 21 without
outcome histology: known of 207, not of 4
outcome egfr: known of 172, not of 39
outcome os: known of 211, not of 0
`)
}

func TestBreast(t *testing.T) {
	flow(t, configured(t, "breast-expression", work.Pool{}), `
patients listed 150, excluded 0, in the table 150
source mrna: 150 patients, 0 without
source mirna: 150 patients, 0 without
source protein: 150 patients, 0 without
outcome subtype: known of 150, not of 0
`)
}

// The survival of NSCLC Radiogenomics from the dates of its source is that of the derived table, for all 211 patients. Its T categories
// are put in their order.
func TestNSCLCFromDates(t *testing.T) {
	dir := oracle.Cohort(t, "nsclc-radiogenomics")
	text := `
cohort: {patients: NSCLCR01Radiogenomic_DATA_LABELS_2018-05-22_1500-shifted.csv, id: Case ID, missing: [Not Collected]}
sources:
  - {name: clinical, kind: table, path: NSCLCR01Radiogenomic_DATA_LABELS_2018-05-22_1500-shifted.csv, columns: [Pathological T stage], kinds: {Pathological T stage: tnm}, missing: [Not Collected]}
  - {name: semantic, kind: aim, path: aim_xml, columns: [Nodule Shape, "Nodule Associated Findings*"]}
outcomes:
  - {name: os, kind: survival, from: CT Date, to: [Date of Death, Date of Last Known Alive], dates: m/d/yyyy, event: Survival Status, origin: imaging, unit: d}
`
	c, err := load(t, dir, text)
	if err != nil {
		t.Fatal(err)
	}
	want, err := table.Read(dir+"/cohort211.csv", table.Options{Columns: []string{"os_event", "os_days_from_ct"}})
	if err != nil {
		t.Fatal(err)
	}
	index := map[string]int{}
	for i, k := range want.Keys {
		index[k.Patient] = i
	}
	for i, k := range c.Table.Keys {
		j := index[k.Patient]
		if c.Outcomes[0].Time[i] != want.Values[1][j] || float64(c.Outcomes[0].Event[i]) != want.Values[0][j] {
			t.Errorf("%s: %v %v, want %v %v", k.Patient, c.Outcomes[0].Time[i], c.Outcomes[0].Event[i], want.Values[1][j], want.Values[0][j])
		}
	}
	stage := c.Table.Columns[0]
	if stage.Kind != table.Ordinal || strings.Join(stage.Levels, " ") != "Tis T1a T1b T2a T2b T3 T4" {
		t.Errorf("%+v", stage)
	}
	if c.Flow.Sources[1].Have != 190 || c.Table.Find("semantic.Nodule Associated Findings: pleural retraction") < 0 || c.Table.Find("semantic.Nodule Shape") < 0 {
		t.Errorf("%+v %v", c.Flow.Sources[1].Have, c.Table.Columns)
	}
}

// Of the 110 gliomas, five are called mutant in words and have no IDH1 mutation, and one is called codeleted and is not. All stay.
func TestContradictions(t *testing.T) {
	dir := oracle.Cohort(t, "tcga-lgg")
	text := `
cohort:
  patients: cohort110.csv
  checks:
    - {where: {column: subtype, is: [IDHmut-codel, IDHmut-non-codel]}, then: {column: idh_mutant, is: ["1.0"]}}
    - {where: {column: subtype, is: IDHmut-codel}, then: {column: codel_1p19q, is: ["1.0"]}}
sources:
  - {name: clinical, kind: table, path: cohort110.csv, columns: [age]}
`
	c, err := load(t, dir, text)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Contradictions) != 6 || len(c.Table.Keys) != 110 || !strings.Contains(c.Contradictions[0].Reason, `idh_mutant is "0.0"`) {
		t.Errorf("%+v", c.Contradictions)
	}
}

package cohort

import (
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/table"
)

const geneExperiment = `
cohort: {patients: patients.csv}
sources:
  - SOURCE
`

var geneFiles = map[string]string{
	"patients.csv": "patient\nTCGA-02-0001\nTCGA-02-0002\nTCGA-02-0003\nTCGA-02-0004\n",
	"rna.tsv": "gene\tTCGA-02-0001-01B-11R-0001-07\tTCGA-02-0001-01A-11R-0002-07\tTCGA-02-0002-11A-11R-0001-07\tTCGA-02-0003-02A-11R-0001-07\tTCGA-02-0004-01A-11R-0001-07\n" +
		"TP53\t1\t3\t9\t9\t7\nATRX\t1\t1\t9\t9\tNA\n1-Mar\t0\t1\t2\t3\t4\n",
	"by_patient.csv": "id,TP53,ATRX,Recurrence\np1,1,2,0\np2,3,4,1\n",
	"cohort.maf": "#version 2.4\nHugo_Symbol\tChromosome\tStart_Position\tEnd_Position\tReference_Allele\tTumor_Seq_Allele2\tVariant_Classification\tTumor_Sample_Barcode\tNCBI_Build\tMutation_Status\n" +
		"TP53\t17\t1\t1\tA\tT\tMissense_Mutation\tTCGA-02-0001-01A-11D-0001-08\tGRCh37\tSomatic\n" +
		"TP53\t17\t1\t1\tA\tT\tMissense_Mutation\tTCGA-02-0001-01A-11D-0001-08\thg19\tSomatic\n" +
		"ATRX\tX\t1\t1\tA\tT\tSilent\tTCGA-02-0001-01A-11D-0001-08\t37\tSomatic\n" +
		"TERT\t5\t1\t1\tA\tT\t5'Flank\tTCGA-02-0001-01A-11D-0001-08\t37\tSomatic\n" +
		"EGFR\t7\t1\t1\tA\tT\tMissense_Mutation\tTCGA-02-0002-01A-11D-0001-08\t37\tGermline\n" +
		"IDH1\t2\t1\t1\tA\tT\tMissense_Mutation\tTCGA-02-0002-01A-11D-0001-08\t37\tSomatic\n",
	"sequenced.txt": "case_list_ids: TCGA-02-0001-01\tTCGA-02-0002-01\tTCGA-02-0003-01\n",
	"matrix.txt":    "SAMPLE_ID\tmutations\nTCGA-02-0001-01\tWES\nTCGA-02-0002-01\tSMALL\nTCGA-02-0004-01\tNA\n",
	"small.txt":     "stable_id: SMALL\ndescription: two genes\ngene_list:\tTP53\tIDH1\n",
	"status.csv":    "patient,TP53,ATRX\nTCGA-02-0001,Mutant,wt\nTCGA-02-0002,WT,\nTCGA-02-0003,1,0\n",
}

func source(t *testing.T, source string) (*Cohort, error) {
	t.Helper()
	return load(t, folder(t, geneFiles), strings.Replace(geneExperiment, "SOURCE", source, 1))
}

// show writes a column as one character a patient: . is missing.
func show(c *Cohort, column string) string {
	j := c.Table.Find(column)
	if j < 0 {
		return "no column"
	}
	out := ""
	for i, k := range c.Table.Keys {
		v := c.Table.Values[j][i]
		out += k.Patient[len(k.Patient)-1:] + ":"
		if table.Missing(v) {
			out += ". "
			continue
		}
		out += string(rune('0'+int(v))) + " "
	}
	return strings.TrimSpace(out)
}

func TestExpressionSource(t *testing.T) {
	c, err := source(t, "{name: rna, kind: expression, path: rna.tsv, transform: [log2p1]}")
	if err != nil {
		t.Fatal(err)
	}
	// The first vial counts, normal tissue and the recurrence do not.
	if got := show(c, "rna.TP53"); got != "1:2 4:3" {
		t.Error(got)
	}
	if got := show(c, "rna.ATRX"); got != "1:1 4:." {
		t.Error(got)
	}
	if c.Table.Find("rna.MARCH1") < 0 || c.Table.Columns[0].Group != "gene" {
		t.Errorf("%+v", c.Table.Columns)
	}
	notes := strings.Join(c.Notes, "\n")
	for _, want := range []string{"1 sample of normal tissue left out", "1 sample that is not primary left out", "1 further aliquot left out", "1-Mar → MARCH1"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes lack %q:\n%s", want, notes)
		}
	}
	if len(c.Flow.Excluded) != 2 {
		t.Errorf("%+v", c.Flow)
	}
	for s, want := range map[string]string{
		"{name: rna, kind: expression, path: rna.tsv, transform: [log3]}":                               `no transform is named "log3"`,
		"{name: rna, kind: expression, path: rna.tsv, columns: [NOGENE]}":                               "rna.NOGENE",
		"{name: rna, kind: expression, path: rna.tsv, duplicates: best}":                                "mean, sum, max",
		"{name: rna, kind: expression, path: rna.tsv, sample_type: tumour}":                             "primary, recurrent or metastatic",
		"{name: rna, kind: expression, path: rna.tsv, orientation: sideways}":                           "genes_in_rows",
		"{name: rna, kind: expression, path: status.csv}":                                               "no field holds a number",
		"{name: rna, kind: expression, path: rna.tsv, id_pattern: '^(TCGA-..-....)'}":                   "are both of patient",
		"{name: rna, kind: expression, path: by_patient.csv, sample_type: primary, drop: [Recurrence]}": "TCGA barcodes",
	} {
		if _, err := source(t, s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nlacks %q", s, err, want)
		}
	}
}

func TestMutationSources(t *testing.T) {
	for _, c := range []struct{ source, column, want string }{
		// Without a word on who was sequenced, patients that are not in the file are missing.
		{"{name: mut, kind: mutations, path: cohort.maf, genes: [TP53, ATRX, TERT, EGFR, IDH1]}", "mut.TP53", "1:1 2:0"},
		{"{name: mut, kind: mutations, path: cohort.maf, genes: [TP53, ATRX, TERT, EGFR, IDH1]}", "mut.ATRX", "1:0 2:0"},
		{"{name: mut, kind: mutations, path: cohort.maf, genes: [TP53, ATRX, TERT, EGFR, IDH1]}", "mut.TERT", "1:1 2:0"},
		{"{name: mut, kind: mutations, path: cohort.maf, genes: [EGFR]}", "mut.EGFR", "1:0 2:0"},
		{"{name: mut, kind: mutations, path: cohort.maf, germline: true, genes: [EGFR]}", "mut.EGFR", "1:0 2:1"},
		{"{name: mut, kind: mutations, path: cohort.maf, classes: [Silent], genes: [ATRX]}", "mut.ATRX", "1:1 2:0"},
		{"{name: mut, kind: mutations, path: cohort.maf, profiled: sequenced.txt}", "mut.TP53", "1:1 2:0 3:0"},
		{"{name: mut, kind: mutations, path: cohort.maf, profiled: all}", "mut.TP53", "1:1 2:0 3:0 4:0"},
		{"{name: mut, kind: mutations, path: cohort.maf, profiled: matrix.txt, panels: [small.txt]}", "mut.TP53", "1:1 2:0"},
		{"{name: mut, kind: mutations, path: cohort.maf, profiled: matrix.txt, panels: [small.txt], genes: [ATRX]}", "mut.ATRX", "1:0 2:."},
		{"{name: mut, kind: mutations, path: cohort.maf, profiled: sequenced.txt, megabases: {exome: 1}}", "mut.burden", "1:2 2:1 3:0"},
		{"{name: mut, kind: mutations, path: status.csv, genes: [TP53, ATRX]}", "mut.TP53", "1:1 2:0 3:1"},
		{"{name: mut, kind: mutations, path: status.csv, genes: [TP53, ATRX]}", "mut.ATRX", "1:0 2:. 3:0"},
	} {
		got, err := source(t, c.source)
		if err != nil {
			t.Errorf("%s: %v", c.source, err)
			continue
		}
		if s := show(got, c.column); s != c.want {
			t.Errorf("%s: %s is %s, want %s", c.source, c.column, s, c.want)
		}
	}
	c, err := source(t, "{name: mut, kind: mutations, path: cohort.maf}")
	if err != nil {
		t.Fatal(err)
	}
	if col := c.Table.Columns[0]; col.Kind != table.Categorical || !slices.Equal(col.Levels, []string{"wild_type", "mutant"}) {
		t.Errorf("%+v", col)
	}
	for s, want := range map[string]string{
		"{name: mut, kind: mutations, path: cohort.maf, profiled: matrix.txt}":                                              `panel "SMALL"`,
		"{name: mut, kind: mutations, path: cohort.maf, build: GRCh38}":                                                     "the build is GRCh37, and GRCh38 is wanted",
		"{name: mut, kind: mutations, path: cohort.maf, megabases: {exome: 0.5}}":                                           "less than one megabase",
		"{name: mut, kind: mutations, path: cohort.maf, profiled: matrix.txt, panels: [small.txt], megabases: {exome: 30}}": "the size of SMALL",
		"{name: mut, kind: mutations, path: status.csv}":                                                                    "genes: [TP53",
		"{name: mut, kind: mutations, path: status.csv, genes: [TP53], mutant: [Mutant], wild_type: [wt]}":                  `"1" means neither`,
		"{name: mut, kind: mutations, path: sequenced.txt, format: maf}":                                                    "lacks Hugo_Symbol",
		"{name: mut, kind: mutations, path: status.csv, genes: [TP53], format: vcf}":                                        "maf, fusions or table",
	} {
		if _, err := source(t, s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nlacks %q", s, err, want)
		}
	}
}

// A GEO series matrix is expression, clinical table and outcome in one file.
func TestSeriesAsTable(t *testing.T) {
	text := "!Series_geo_accession\t\"GSE1\"\n!Series_platform_id\t\"GPL1\"\n!Sample_title\t\"tumour 1\"\t\"tumour 2\"\t\"tumour 3\"\n!Sample_geo_accession\t\"GSM1\"\t\"GSM2\"\t\"GSM3\"\n" +
		"!Sample_characteristics_ch1\t\"gender: M\"\t\"gender: F\"\t\"age: 40\"\n!Sample_characteristics_ch1\t\"age: 50\"\t\"age: 60\"\t\"gender: M\"\n" +
		"!Sample_characteristics_ch1\t\"status: a, b\"\t\"status: x\"\t\"\"\n!series_matrix_table_begin\n\"ID_REF\"\t\"GSM1\"\t\"GSM2\"\t\"GSM3\"\n\"TP53\"\t1.5\t2\t3\n!series_matrix_table_end\n"
	config := `
cohort: {patients: GSE1_series_matrix.txt}
sources:
  - {name: clinical, kind: table, path: GSE1_series_matrix.txt}
  - {name: rna, kind: expression, path: GSE1_series_matrix.txt}
outcomes:
  - {name: status, kind: class, column: status}
`
	c, err := load(t, folder(t, map[string]string{"GSE1_series_matrix.txt": text}), config)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, col := range c.Table.Columns {
		names = append(names, col.Name)
	}
	if !slices.Equal(names, []string{"clinical.age", "clinical.gender", "rna.TP53"}) || !slices.Equal(c.Table.Values[0], []float64{50, 60, 40}) || !slices.Equal(c.Table.Columns[1].Levels, []string{"F", "M"}) ||
		!slices.Equal(c.Outcomes[0].Classes, []string{"a, b", "x"}) || c.Outcomes[0].Known(2) {
		t.Errorf("%v %v %+v", names, c.Table.Values, c.Outcomes[0])
	}
}

// The tier of a mutation and its origin go along as the file writes them.
func TestCarried(t *testing.T) {
	maf := "Hugo_Symbol\tChromosome\tStart_Position\tTumor_Seq_Allele2\tVariant_Classification\tTumor_Sample_Barcode\tMutation_Status\tTier\n" +
		"TP53\t17\t1\tT\tMissense_Mutation\tp1\tSOMATIC\tTier II\nTP53\t17\t2\tT\tNonsense_Mutation\tp1\tSomatic\tTier I\nTP53\t17\t2\tT\tNonsense_Mutation\tp2\tGermline\tTier I\n" +
		"ATRX\tX\t2\tT\tSilent\tp1\tSomatic\tTier IV\nIDH1\t2\t2\tT\tMissense_Mutation\tp2\tSomatic\t\n"
	config := "cohort: {patients: p.csv}\nsources:\n  - {name: mut, kind: mutations, path: a.maf, profiled: all, germline: true, carry: [Tier, Mutation_Status]}\n"
	dir := folder(t, map[string]string{"a.maf": maf, "p.csv": "patient\np1\np2\np3\n"})
	c, err := load(t, dir, config)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"mut.TP53.Tier": "Tier I;Tier II|Tier I|", "mut.TP53.Mutation_Status": "SOMATIC;Somatic|Germline|", "mut.IDH1.Mutation_Status": "|Somatic|"} {
		j := c.Table.Find(name)
		if j < 0 {
			t.Fatalf("no column %s", name)
		}
		var got []string
		for _, v := range c.Table.Values[j] {
			text := ""
			if !table.Missing(v) {
				text = c.Table.Columns[j].Levels[int(v)]
			}
			got = append(got, text)
		}
		if s := strings.Join(got, "|"); s != want {
			t.Errorf("%s: %s, want %s", name, s, want)
		}
	}
	if c.Table.Find("mut.ATRX.Tier") >= 0 || c.Table.Find("mut.IDH1.Tier") >= 0 {
		t.Error("a tier was made up")
	}
	if _, err := load(t, dir, strings.Replace(config, "carry: [Tier,", "carry: [Level,", 1)); err == nil || !strings.Contains(err.Error(), "no column Level to carry") {
		t.Error(err)
	}
}

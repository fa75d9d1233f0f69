package genes

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func files(t *testing.T, content map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range content {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const starHead = "# gene-model: GENCODE v36\ngene_id\tgene_name\tgene_type\tunstranded\tstranded_first\tstranded_second\ttpm_unstranded\tfpkm_unstranded\tfpkm_uq_unstranded\n" +
	"N_unmapped\t\t\t100\t1\t1\t\t\t\nN_multimapping\t\t\t100\t1\t1\t\t\t\nN_noFeature\t\t\t100\t1\t1\t\t\t\nN_ambiguous\t\t\t100\t1\t1\t\t\t\n"

func starFile(tp53 string) string {
	return starHead + "ENSG00000141510.18\tTP53\tprotein_coding\t" + tp53 + "\t1\t1\t1.5\t1\t1\n" +
		"ENSG00000002586.20\tCD99\tprotein_coding\t10\t1\t1\t1.5\t1\t1\nENSG00000002586.20_PAR_Y\tCD99\tprotein_coding\t0\t1\t1\t1.5\t1\t1\n" +
		"ENSG00000278267.1\tMIR1\tmiRNA\t3\t1\t1\t1.5\t1\t1\nENSG00000278268.1\tMIR1\tmiRNA\t4\t1\t1\t1.5\t1\t1\n"
}

const sheet = "File ID\tFile Name\tData Category\tData Type\tProject ID\tCase ID\tSample ID\tSample Type\n" +
	"f1\ta.rna_seq.augmented_star_gene_counts.tsv\tx\tx\tTCGA-LGG\tTCGA-02-0001\tTCGA-02-0001-01A\tPrimary Tumor\n" +
	"f2\tb.rna_seq.augmented_star_gene_counts.tsv\tx\tx\tTCGA-LGG\tTCGA-02-0002\tTCGA-02-0002-11A\tSolid Tissue Normal\n" +
	"f3\tc.rna_seq.augmented_star_gene_counts.tsv\tx\tx\tTCGA-LGG\tTCGA-02-0003\tTCGA-02-0003-01A\tPrimary Tumor\n"

func TestReadSTAR(t *testing.T) {
	dir := files(t, map[string]string{"gdc_sample_sheet.2024-01-01.tsv": sheet,
		"f1/a.rna_seq.augmented_star_gene_counts.tsv": starFile("7"), "f2/b.rna_seq.augmented_star_gene_counts.tsv": starFile("8"),
		"c.rna_seq.augmented_star_gene_counts.tsv": starFile("9")})
	m, notes, err := ReadSTAR(dir, STAROptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Samples, []string{"TCGA-02-0001", "TCGA-02-0003"}) || !slices.Equal(m.Genes, []string{"TP53", "CD99", "MIR1"}) ||
		!slices.Equal(m.Values, []float64{7, 9, 10, 10, 7, 7}) {
		t.Errorf("%+v", m)
	}
	if n := strings.Join(notes, "\n"); !strings.Contains(n, "normal tissue") || !strings.Contains(n, "_PAR_Y") || !strings.Contains(n, "joined to it (sum)") {
		t.Error(n)
	}
	if m, _, err = ReadSTAR(dir, STAROptions{IDs: true, Values: "tpm_unstranded", GeneType: "protein_coding"}); err != nil || m.Genes[0] != "ENSG00000141510" || len(m.Genes) != 2 || m.Values[0] != 1.5 {
		t.Errorf("%v %+v", err, m)
	}
	for _, c := range []struct {
		files map[string]string
		o     STAROptions
		want  string
	}{
		{map[string]string{"a.tsv": starFile("1")}, STAROptions{}, "sample sheet"},
		{map[string]string{"gdc_sample_sheet.tsv": sheet}, STAROptions{}, "none of the 2 files"},
		{map[string]string{"gdc_sample_sheet.tsv": sheet, "a.rna_seq.augmented_star_gene_counts.tsv": starFile("x")}, STAROptions{}, `line 7, column "unstranded": "x" is not a number`},
		{map[string]string{"gdc_sample_sheet.tsv": sheet, "a.rna_seq.augmented_star_gene_counts.tsv": starFile("1")}, STAROptions{Values: "tpm"}, "the header lacks"},
		{map[string]string{"gdc_sample_sheet.tsv": sheet, "a.rna_seq.augmented_star_gene_counts.tsv": starFile("1"), "c.rna_seq.augmented_star_gene_counts.tsv": starHead +
			"ENSG00000141510.18\tTP53\tprotein_coding\t1\t1\t1\t1\t1\t1\n"}, STAROptions{}, "other genes"},
	} {
		if _, _, err := ReadSTAR(files(t, c.files), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v\nlacks %q", err, c.want)
		}
	}
}

func TestReadGEO(t *testing.T) {
	text := "!Series_title\t\"A series\"\n!Series_geo_accession\t\"GSE1\"\n!Series_platform_id\t\"GPL570\"\n\n!Sample_title\t\"tumour 1\"\t\"tumour 2\"\n" +
		"!Sample_geo_accession\t\"GSM1\"\t\"GSM2\"\n!Sample_characteristics_ch1\t\"age: 50\"\t\"age: 60\"\n!Sample_characteristics_ch1\t\"\"\t\"sex: F\"\n" +
		"!series_matrix_table_begin\n\"ID_REF\"\t\"GSM1\"\t\"GSM2\"\n\"1007_s_at\"\t1.5\tnull\n\"1053_at\"\t2\t3\n!series_matrix_table_end\n"
	dir := files(t, map[string]string{"s.txt": text, "empty.txt": strings.Replace(text, "\"1007_s_at\"\t1.5\tnull\n\"1053_at\"\t2\t3\n", "", 1),
		"gpl.txt": "^ANNOTATION\n#ID = probe, as ordered\nID\tGene Symbol\n1007_s_at\tDDR1 /// MIR4640\n1053_at\tRFC2\n"})
	m, s, err := ReadGEO(filepath.Join(dir, "s.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Genes, []string{"1007_s_at", "1053_at"}) || !slices.Equal(m.Samples, []string{"GSM1", "GSM2"}) || !math.IsNaN(m.Values[1]) || m.Values[3] != 3 {
		t.Errorf("%+v", m)
	}
	if s.Accession != "GSE1" || s.Platform != "GPL570" || s.Titles[1] != "tumour 2" || s.Characteristics["age"][1] != "60" || s.Characteristics["sex"][0] != "" || s.Characteristics["sex"][1] != "F" {
		t.Errorf("%+v", s)
	}
	if m, _, err := ReadGEO(filepath.Join(dir, "empty.txt")); err != nil || m != nil {
		t.Errorf("%v %v", m, err)
	}
	gene, err := ReadAnnotation(filepath.Join(dir, "gpl.txt"), "")
	if err != nil {
		t.Fatal(err)
	}
	named, gone, err := m.Annotate(gene)
	if err != nil || gone != 1 || !slices.Equal(named.Genes, []string{"RFC2"}) {
		t.Errorf("%+v %d %v", named, gone, err)
	}
}

func TestReadGCT(t *testing.T) {
	dir := files(t, map[string]string{"a.gct": "#1.2\n2\t2\nNAME\tDescription\tS1\tS2\nTP53\tx\t1\t2\nATRX\tna\t3\t\n",
		"b.gct":     "#1.3\n1\t2\t1\t1\nid\tmeta\tS1\tS2\nbatch\tna\tA\tB\nTP53\tx\t1\t2\n",
		"short.gct": "#1.2\n3\t2\nNAME\tDescription\tS1\tS2\nTP53\tx\t1\t2\n", "other.gct": "NAME\tS1\n"})
	m, err := ReadGCT(filepath.Join(dir, "a.gct"), "")
	if err != nil || !slices.Equal(m.Genes, []string{"TP53", "ATRX"}) || m.Values[2] != 3 || !math.IsNaN(m.Values[3]) {
		t.Errorf("%+v %v", m, err)
	}
	if m, err = ReadGCT(filepath.Join(dir, "b.gct"), ""); err != nil || !slices.Equal(m.Values, []float64{1, 2}) {
		t.Errorf("%+v %v", m, err)
	}
	for name, want := range map[string]string{"short.gct": "1 rows where line 2 says 3", "other.gct": "#1.2 or #1.3"} {
		if _, err := ReadGCT(filepath.Join(dir, name), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The orientation is found whichever side names patients, barcodes or genes.
func TestOrientation(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		known []string
	}{
		"rows":           {"gene\tp1\tp2\nTP53\t1\t2\nATRX\t3\t4\nEGFR\t5\t6\n", nil},
		"columns":        {"id,TP53,ATRX,EGFR\np1,1,3,5\np2,2,4,6\n", nil},
		"known":          {"id,A1,B1,C1\np1,1,3,5\np2,2,4,6\n", []string{"p1", "p2"}},
		"barcodes":       {",X1,X2,X3\nTCGA-02-0001-01A,1,3,5\nTCGA-02-0002-01A,2,4,6\n", nil},
		"cBioPortal":     {"Hugo_Symbol\tEntrez_Gene_Id\tp1\tp2\nTP53\t7157\t1\t2\nATRX\t546\t3\t4\n\t99\t5\t6\n", nil},
		"R's row names":  {"p1\tp2\nTP53\t1\t2\nATRX\t3\t4\nEGFR\t5\t6\n", nil},
		"comments first": {"# made by\n# someone\ngene\tp1\tp2\nTP53\t1\t2\nATRX\t3\t4\nEGFR\t5\t6\n", nil},
	} {
		dir := files(t, map[string]string{"m": c.text})
		m, err := ReadMatrix(filepath.Join(dir, "m"), ReadOptions{Known: c.known})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(m.Genes) != 3 || len(m.Samples) != 2 || !slices.Equal(m.Values, []float64{1, 2, 3, 4, 5, 6}) {
			t.Errorf("%s: %+v", name, m)
		}
	}
	for name, c := range map[string]struct{ text, want string }{
		"ragged": {"g\tp1\tp2\nTP53\t1\n", "line 2: 2 fields"}, "text": {"g\tp1\nA\t1\nB\tx\n", `line 3, column "p1": "x"`},
		"twice": {"g\tp1\tp1\nA\t1\t2\n", `"p1" is there twice`}, "empty": {"", "empty"}, "no row": {"g\tp1\n", "no row"},
	} {
		dir := files(t, map[string]string{"m": c.text})
		if _, err := ReadMatrix(filepath.Join(dir, "m"), ReadOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v lacks %q", name, err, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	m := NewMatrix([]string{"ENSG00000141510.18", "1-Mar", "2-Sep", "Sep-2", "1-Dec", "1-Dec", "TP53", "TP53", "?", "X_PAR_Y", "N_unmapped"}, []string{"s"})
	for g := range m.Genes {
		m.Values[g] = float64(g)
	}
	m, notes, err := Tidy(m, "")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"ENSG00000141510", "MARCH1", "SEPT2", "TP53"}; !slices.Equal(m.Genes, want) {
		t.Errorf("%v, want %v", m.Genes, want)
	}
	if !slices.Equal(m.Values, []float64{0, 1, 2.5, 6.5}) { // Sep-2 and 2-Sep are two writings of one symbol
		t.Errorf("%v", m.Values)
	}
	if n := strings.Join(notes, "\n"); !strings.Contains(n, "1-Mar → MARCH1") || !strings.Contains(n, "same date: 1-Dec") {
		t.Error(n)
	}
	if _, _, err := NewMatrix([]string{"A", "A"}, []string{"s"}).Collapse("error"); err == nil {
		t.Error("two rows of a gene were taken")
	}
}

func TestBarcodes(t *testing.T) {
	b, ok := ParseBarcode("TCGA-02-0001-01C-01D-0182-01")
	if !ok || b.Patient != "TCGA-02-0001" || b.Type != 1 || b.Vial != "C" || b.Portion != "01" || b.Analyte != "D" || b.Plate != "0182" || b.Center != "01" || b.Normal() {
		t.Errorf("%+v", b)
	}
	if _, ok := ParseBarcode("TCGA.02.0001.11A"); !ok {
		t.Error("dots")
	}
	for _, bad := range []string{"", "TCGA-02", "p1", "TCGA-02-0001-1"} {
		if _, ok := ParseBarcode(bad); ok {
			t.Errorf("%q is a barcode", bad)
		}
	}
	names := []string{"TCGA-02-0001-01A-01R-0001-07", "TCGA-02-0001-01A-01R-0009-07", "TCGA-02-0001-01B-01R-9999-07", "TCGA-02-0001-01A-01T-9999-07", "TCGA-02-0001-06A-01R-9999-07", "TCGA-02-0002-11A-01R-0001-07"}
	for range 2 {
		c, err := ChooseSamples(names, "primary")
		if err != nil || len(c.Samples) != 1 || names[c.Samples[0]] != "TCGA-02-0001-01A-01R-0009-07" {
			t.Errorf("%+v %v", c, err)
		}
		slices.Reverse(names) // the order of the file decides nothing
	}
	if c, err := ChooseSamples(names, "metastatic"); err != nil || len(c.Patients) != 1 {
		t.Errorf("%+v %v", c, err)
	}
}

// The worked example of the GDC's own documentation of its pipeline: a gene of 3,000 bp with 1,000 reads, an upper quartile of 2,000,
// 19,029 protein-coding genes.
func TestGDCWorkedExample(t *testing.T) {
	n := 19029
	names := make([]string, n)
	lengths := make([]float64, n)
	m := NewMatrix(names, []string{"s"})
	for g := range names {
		names[g] = "g" + string(rune('a'+g%26)) + strings.Repeat("x", g%7)
		lengths[g] = 3000
		m.Values[g] = 2000
	}
	m.Values[0] = 1000
	if err := Transform(m, lengths, "fpkm_uq"); err != nil {
		t.Fatal(err)
	}
	if math.Abs(m.Values[0]-8.76) > 0.005 {
		t.Errorf("FPKM-UQ %g", m.Values[0])
	}
}

func TestTransformsRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		value float64
		want  string
	}{"log2": {0, "log2p1 takes zeros"}, "log2p1": {-1, "in logarithms already"}, "cpm": {-1, "in logarithms already"}, "fpkm_uq": {1, "lengths"},
		"m_value": {1.2, "share of methylation"}, "vst": {1, "no transform is named"}} {
		m := &Matrix{Genes: []string{"TP53"}, Samples: []string{"s"}, Values: []float64{c.value}}
		if err := Transform(m, nil, name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m := &Matrix{Genes: []string{"A", "B", "C"}, Samples: []string{"s"}, Values: []float64{5, math.NaN(), 5}}
	if err := Transform(m, nil, "rank"); err != nil || m.Values[0] != 0.75 || !math.IsNaN(m.Values[1]) {
		t.Errorf("%v %v", m.Values, err)
	}
}

func TestSegments(t *testing.T) {
	dir := files(t, map[string]string{"a.seg": "ID\tchrom\tloc.start\tloc.end\tnum.mark\tseg.mean\n" +
		"S1\t1\t1000000\t124000000\t10\t-0.6\nS1\tchr1\t126000000\t240000000\t10\t0.01\nS1\t19\t1000000\t26000000\t10\t0\nS1\t19\t27000000\t59000000\t10\t-0.5\n" +
		"S1\t7\t1\t150000000\t9\t0.4\nS1\t10\t1\t2000000\t9\t-1\n", "bad.seg": "ID\tchrom\tloc.start\tloc.end\tseg.mean\nS\t1\t9\t2\t0\nS\t1\t1\tx\t0\n", "none.seg": "a\tb\n"})
	s, err := ReadSEG(filepath.Join(dir, "a.seg"))
	if err != nil {
		t.Fatal(err)
	}
	arms, err := ArmRule{Build: "hg19"}.Arms(s["S1"])
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"1p": -1, "1q": 0, "19p": 0, "19q": -1, "7p": 1, "7q": 1} {
		if arms[name] != want {
			t.Errorf("%s is %v, want %v", name, arms[name], want)
		}
	}
	if !math.IsNaN(arms["10p"]) || !math.IsNaN(arms["2q"]) { // 2 Mb are too little to call an arm
		t.Errorf("%v", arms)
	}
	if _, err := (ArmRule{}).Arms(nil); err == nil || !strings.Contains(err.Error(), "GRCh37") {
		t.Error(err)
	}
	for name, want := range map[string]string{"bad.seg": "before it starts", "none.seg": "no column named id"} {
		if _, err := ReadSEG(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFusions(t *testing.T) {
	dir := files(t, map[string]string{"sv.txt": "Sample_Id\tSV_Status\tSite1_Hugo_Symbol\tSite2_Hugo_Symbol\nS1\tSOMATIC\tTMPRSS2\tERG\nS2\tGERMLINE\tALK\tEML4\nS3\tSOMATIC\tNTRK1\t\n"})
	m, err := ReadFusions(filepath.Join(dir, "sv.txt"))
	if err != nil || !slices.Equal(m.Genes, []string{"ERG", "NTRK1", "TMPRSS2"}) || len(m.Calls) != 3 || len(m.Samples) != 3 {
		t.Errorf("%+v %v", m, err)
	}
}

// The score of a tumour whose 16 genes are all at the middle of their ranges, worked out by hand from the formula of Paik and others.
func TestRecurrenceScore(t *testing.T) {
	r := RecurrenceScore{Ranges: map[string]Range{}}
	m := NewMatrix(RecurrenceGenes(), []string{"s"})
	for g, name := range m.Genes {
		r.Ranges[name] = Range{2, 12}
		m.Values[g] = 7
	}
	got, err := r.Apply(m)
	if err != nil {
		t.Fatal(err)
	}
	// 0.47·8 − 0.34·7.5 + 1.04·7.5 + 0.10·7.5 + 0.05·7.5 − 0.08·7.5 − 0.07·7.5 = 9.01; 20·(9.01 − 6.7) = 46.2, with ER = (0.8+1.2+1+1)/4·7.5.
	if math.Abs(got[0]-46.2) > 1e-9 {
		t.Errorf("%g", got[0])
	}
	m.Genes[0] = "OTHER"
	if _, err := r.Apply(m); err == nil || !strings.Contains(err.Error(), "GRB7") {
		t.Error(err)
	}
}

func TestSignatures(t *testing.T) {
	// MGMT promoter methylation by the two probes of Bady and others 2012.
	dir := files(t, map[string]string{"mgmt.csv": "signature,gene,weight\nmgmt,(Intercept),4.3215\nmgmt,cg12434587,0.5271\nmgmt,cg12981137,0.9265\n", "bad.csv": "signature,gene,weight\na,X,1\na,X,2\na,Y,z\n"})
	s, err := ReadSignatures(filepath.Join(dir, "mgmt.csv"))
	if err != nil {
		t.Fatal(err)
	}
	m := &Matrix{Genes: []string{"cg12434587", "cg12981137"}, Samples: []string{"a", "b"}, Values: []float64{-4, 1, -5, math.NaN()}}
	x, err := s[0].Apply(m)
	if err != nil || math.Abs(x[0]-(4.3215-4*0.5271-5*0.9265)) > 1e-12 || !math.IsNaN(x[1]) {
		t.Errorf("%v %v", x, err)
	}
	if _, err := ReadSignatures(filepath.Join(dir, "bad.csv")); err == nil || !strings.Contains(err.Error(), "line 3") || !strings.Contains(err.Error(), "line 4") {
		t.Error(err)
	}
	if _, err := (Signature{Name: "s", Genes: []string{"Q"}, Weights: []float64{1}}).Apply(m); err == nil || !strings.Contains(err.Error(), "Q") {
		t.Error(err)
	}
}

func TestMAFRefuses(t *testing.T) {
	head := "Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\tStart_Position\tTumor_Seq_Allele2\tNCBI_Build\n"
	for name, c := range map[string]struct{ text, want string }{
		"mixed builds": {head + "A\tMissense_Mutation\tS\t1\tT\t37\nA\tMissense_Mutation\tS\t1\tT\thg38\n", "line 3"},
		"odd build":    {head + "A\tMissense_Mutation\tS\t1\tT\tmm10\n", `"mm10" is not a genome build`},
		"ragged":       {head + "A\tMissense_Mutation\tS\n", "line 2: 3 fields"},
		"no sample":    {head + "A\tMissense_Mutation\t\t1\tT\t37\n", "the sample is missing"},
		"no header":    {"a\tb\n", "lacks Hugo_Symbol"},
		"empty":        {"", "no header"},
	} {
		dir := files(t, map[string]string{"m.maf": c.text})
		if _, err := ReadMAF(filepath.Join(dir, "m.maf"), MAFOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v lacks %q", name, err, c.want)
		}
	}
}

// Dates as spreadsheets of several languages write them (Abeysooriya and others 2021), and names that are none.
func TestMangled(t *testing.T) {
	for name, want := range map[string]string{"1-Mar": "MARCH1", "Mar-01": "MARCH1", "01-Mar-21": "MARCH1", "1-mrt": "MARCH1", "3-Mrz": "MARCH3", "7-mars": "MARCH7", "1.huhti": "APR1",
		"01.Sep": "SEPT1", "4-Okt": "OCT4", "2-déc": "DEC2", "1-dic": "DEC1", "2006/09/05": "SEPT5", "2021-03-01": "MARCH1", "2021-03-01 00:00:00": "MARCH1", "01.03.2021": "MARCH1",
		"9/6/2006": "SEPT6", "6/9/2006": "SEPT6", "10/9/2006": "OCT9 SEPT10", "15-Sep": "SEP15", "3/3/2006": "MARCH3",
		"TP53": "", "HLA-A": "", "SET-1": "", "DEC-205": "", "44621": "", "1-Jan": "", "12-Mar": "", "1-8U": "", "5-LO": "", "MAR1": "", "NKX2-1": "", "2021-03-01 12:30:00": ""} {
		if got := strings.Join(Mangled(name), " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// A column that has text in the first row and numbers further down would be a patient lost.
func TestNumbersInTextColumns(t *testing.T) {
	dir := files(t, map[string]string{"comma.csv": "gene;p1;p2\nTP53;1,5;2\nATRX;4;5,5\n", "text.csv": "gene,p1,p2\nTP53,1,low\nATRX,4,5\n", "class.csv": "id,TP53,type\np1,1,low\np2,2,high\n",
		"point.csv": "gene;p1;p2\nTP53;1.5;2\n", "described.csv": "gene,title,p1\nTP53,tumour,1\nATRX,2,3\n"})
	read := func(name string, o ReadOptions) (*Matrix, error) { return ReadMatrix(filepath.Join(dir, name), o) }
	for name, want := range map[string]string{"comma.csv": "decimal: comma reads it", "text.csv": `line 3, column "p2": "5" is a number, and the first row has text`} {
		if _, err := read(name, ReadOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if m, err := read("comma.csv", ReadOptions{DecimalComma: true}); err != nil || !slices.Equal(m.Values, []float64{1.5, 2, 4, 5.5}) {
		t.Errorf("%+v %v", m, err)
	}
	if _, err := read("point.csv", ReadOptions{DecimalComma: true}); err == nil || !strings.Contains(err.Error(), `"1.5" is not a number with a comma`) {
		t.Errorf("%v", err)
	}
	if m, err := read("class.csv", ReadOptions{Orientation: "genes_in_columns"}); err != nil || !slices.Equal(m.Genes, []string{"TP53"}) {
		t.Errorf("%+v %v", m, err)
	}
	if m, err := read("described.csv", ReadOptions{Orientation: "genes_in_rows"}); err != nil || !slices.Equal(m.Values, []float64{1, 3}) {
		t.Errorf("%+v %v", m, err)
	}
}

func TestUsableSets(t *testing.T) {
	dir := files(t, map[string]string{"a.gmt": "S1\tx\tTP53\tATRX\r\nEMPTY\tx\r\nALL\tx\tTP53\tATRX\tEGFR\nNONE\tx\tQ\n", "none.gmt": "A\tx\nB\tx\t\n"})
	sets, err := ReadGMT(filepath.Join(dir, "a.gmt"))
	if err != nil || len(sets) != 4 {
		t.Fatalf("%v %v", sets, err)
	}
	m := NewMatrix([]string{"TP53", "ATRX", "EGFR"}, []string{"s"})
	use, notes, err := Usable(sets, m.Index(), 0)
	if err != nil || len(use) != 1 || use[0].Name != "S1" || !strings.Contains(notes[0], "3 gene sets left out") || !strings.Contains(notes[0], "EMPTY, ALL, NONE") {
		t.Errorf("%v %v %v", use, notes, err)
	}
	if _, _, err := Usable(sets, m.Index(), 3); err == nil {
		t.Error("a set of two genes is one of three")
	}
	if _, err := ReadGMT(filepath.Join(dir, "none.gmt")); err == nil {
		t.Error("a file of empty sets is one of sets")
	}
}

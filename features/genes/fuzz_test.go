package genes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that ends before its header or table is an error in words, whatever its format.
func TestCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, text := range []string{"", "# a comment alone\n", "!series_matrix_table_begin\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, geo := ReadGEO(path)
		_, _, star := readSTARFile(path, STAROptions{Values: "unstranded"})
		_, maf := ReadMAF(path, MAFOptions{})
		_, matrix := ReadMatrix(path, ReadOptions{})
		_, gct := ReadGCT(path, "")
		for name, err := range map[string]error{"GEO": geo, "STAR": star, "MAF": maf, "matrix": matrix, "GCT": gct} {
			if err == nil || strings.Contains(err.Error(), "%!") {
				t.Errorf("%s, %q: %v", name, text, err)
			}
		}
	}
}

// No file makes a reader panic, and a matrix that is read is whole.
func FuzzReaders(f *testing.F) {
	for _, s := range []string{"gene\tp1\tp2\nTP53\t1\t2\n", "id,TP53\np1,1\n", "#1.2\n1\t1\nNAME\tDescription\tS\nA\tx\t1\n", starHead,
		"!Series_geo_accession\t\"GSE1\"\n!series_matrix_table_begin\n\"ID_REF\"\t\"G\"\n\"a\"\t1\n!series_matrix_table_end\n",
		"!Series_geo_accession\n!Series_platform_id\n!Sample_geo_accession\n!series_matrix_table_begin\n",
		"Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\tStart_Position\tTumor_Seq_Allele2\nA\tSilent\tS\t1\tT\n",
		"ID\tchrom\tloc.start\tloc.end\tseg.mean\nS\t1\t1\t2\t0\n", "Sample_Id\tSite1_Hugo_Symbol\nS\tALK\n", "set\turl\tA\tB\n", "SAMPLE_ID\tmutations\nS\tWES\n", "stable_id: P\ngene_list: A B\n"} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(dir, "f")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err := ReadMatrix(path, ReadOptions{}); err == nil {
			if len(m.Values) != len(m.Genes)*len(m.Samples) {
				t.Fatalf("%d values of %d × %d", len(m.Values), len(m.Genes), len(m.Samples))
			}
			_, _, _ = Tidy(m, "")
		}
		if m, _, err := ReadGEO(path); err == nil && m != nil && len(m.Values) != len(m.Genes)*len(m.Samples) {
			t.Fatal("a series that is not whole")
		}
		if m, err := ReadGCT(path, ""); err == nil && len(m.Values) != len(m.Genes)*len(m.Samples) {
			t.Fatal("a GCT that is not whole")
		}
		if m, err := ReadMAF(path, MAFOptions{}); err == nil {
			for _, c := range m.Calls {
				if int(c.Sample) >= len(m.Samples) || int(c.Gene) >= len(m.Genes) {
					t.Fatal("a call of nobody")
				}
			}
		}
		if s, err := ReadSEG(path); err == nil {
			for _, list := range s {
				_, _ = ArmRule{Build: "GRCh38"}.Arms(list)
			}
		}
		_, _ = ReadFusions(path)
		_, _ = ReadGMT(path)
		_, _ = ReadProfiled(path)
		_, _ = ReadPanel(path)
		_, _ = ReadAnnotation(path, "")
		_, _ = ReadSignatures(path)
		_, _ = ReadCentroids(path)
		_, _, _ = readSTARFile(path, STAROptions{Values: "unstranded"})
	})
}

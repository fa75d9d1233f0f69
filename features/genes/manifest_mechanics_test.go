package genes

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A manifest says which files, the sheet or the cart's metadata whose they are.
func TestGDCManifest(t *testing.T) {
	name := func(s string) string { return s + ".rna_seq.augmented_star_gene_counts.tsv" }
	a := starFile("7")
	row := func(id, file string, size int) string {
		return id + "\t" + file + "\tmd5\t" + strconv.Itoa(size) + "\treleased\n"
	}
	head := "id\tfilename\tmd5\tsize\tstate\n"
	cart := `[{"file_name": "` + name("a") + `", "associated_entities": [{"entity_submitter_id": "TCGA-02-0001-01A-01R-0001-07", "entity_type": "aliquot"}]},
		{"file_name": "` + name("c") + `", "associated_entities": [{"entity_submitter_id": "TCGA-02-0001-01A-01R-0009-07", "entity_type": "aliquot"}]}]`
	dir := files(t, map[string]string{"metadata.cart.2024.json": cart, "f1/" + name("a"): a, "f3/" + name("c"): starFile("9"), "sheet.tsv": sheet,
		"good.txt": head + row("f1", name("a"), len(a)), "short.txt": head + row("f1", name("a"), len(a)+1) + row("f3", name("c"), len(a)) + row("f4", name("d"), 1),
		"other.txt": "a\tb\n1\t2\n", "bad.txt": head + row("f1", "../"+name("a"), 1) + row("f1", name("a"), 1), "broken.json": `[{"file_name": "x"}]`})
	m, notes, err := ReadSTAR(dir, STAROptions{})
	if err != nil || !slices.Equal(m.Samples, []string{"TCGA-02-0001"}) || m.Values[0] != 9 || !strings.Contains(strings.Join(notes, " "), "1 further aliquot") {
		t.Errorf("the later plate counts: %+v %v %v", m, notes, err)
	}
	m, _, err = ReadSTAR(dir, STAROptions{Manifest: filepath.Join(dir, "good.txt")})
	if err != nil || m.Values[0] != 7 {
		t.Errorf("only what the manifest lists is read: %+v %v", m, err)
	}
	for file, want := range map[string][]string{"short.txt": {"line 2, column \"size\"", "download it again", "line 4, column \"filename\"", "does not say whose file d."},
		"other.txt": {"a GDC manifest has the columns"}, "bad.txt": {"is no name of a file", "line 3", "on line 2 already"}} {
		_, _, err := ReadSTAR(dir, STAROptions{Manifest: filepath.Join(dir, file)})
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v\nlacks %q", file, err, w)
			}
		}
	}
	if _, _, err := ReadSTAR(dir, STAROptions{SampleSheet: filepath.Join(dir, "broken.json")}); err == nil || !strings.Contains(err.Error(), "nobody knows whose") {
		t.Error(err)
	}
}

package train_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/train"
)

// The words of the report of a run: every section, table, caption, checklist and label of a figure. Numbers, which have tests of their
// own, times, versions and hashes are masked.
func TestReportRegression(t *testing.T) {
	file := cohort(t, 90, "conformal: {level: 0.8}\nstudy: {aim: to look at a report}\n")
	out := filepath.Join(filepath.Dir(file), "out")
	if err := trainFile(file, out, train.Options{}); err != nil {
		t.Fatal(err)
	}
	page := string(read(t, out, train.ReportFile))
	links := regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1)
	for _, m := range links {
		if !strings.Contains(page, ` id="`+m[1]+`"`) {
			t.Errorf("a link leads to %q, which is not there", m[1])
		}
	}
	got := outline(page)
	golden := filepath.Join("testdata", "report.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		a, b := strings.Split(got, "\n"), strings.Split(string(want), "\n")
		for i := range a {
			if i >= len(b) || a[i] != b[i] {
				t.Fatalf("%s: line %d differs: %q; look at the page and rewrite with -update", golden, i+1, a[i])
			}
		}
		t.Fatalf("%s: the page is shorter", golden)
	}
}

// outline is the text of a page, a line an element, without what changes from run to run.
func outline(page string) string {
	for _, mask := range []struct{ what, with string }{
		{`(?s)<style>.*?</style>`, ""},
		{`(?s)<dl class="versions">.*?</dl>`, "\nversions\n"},
		{`<path [^>]*>`, ""},
		{`(?s)<[^>]*>`, "\n"},
		{`\d+ January|\d+ February|\d+ March|\d+ April|\d+ May|\d+ June|\d+ July|\d+ August|\d+ September|\d+ October|\d+ November|\d+ December`, "# MONTH"},
		{`[0-9a-f]{64}`, "HASH"},
		{`voxgene [^\s]+ go[^\s]+ [a-z0-9]+/[a-z0-9]+`, "VERSION"},
		{`Libraries \(\d+\)`, "Libraries"},
		{`(&lt;|<) 0\.001`, "#"},
		{`(lr|tree|cox) \(max_depth=\d\)|\b(lr|tree)\b( \(max_depth=\d\))?`, "MODEL"},
		{`−?\d+(\.\d+)?(e[-+]\d+)?`, "#"},
		{`# (ms|s|min|h)\b`, "TIME"},
		{`\n\s*\n+`, "\n"},
		{`(\n#)+\n`, "\n#\n"},
	} {
		page = regexp.MustCompile(mask.what).ReplaceAllString(page, mask.with)
	}
	return page
}

package report_test

import (
	"bytes"
	"flag"
	"html/template"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/train/report"
)

var update = flag.Bool("update", false, "rewrite golden files")

// example is a report with every part.
func example() report.Report {
	estimate := func(title string) report.Estimate {
		return report.Estimate{Title: title, Value: 0.8125, Low: 0.75, High: 0.875}
	}
	none := report.Estimate{Title: "AUC", Value: math.NaN(), Low: math.NaN(), High: math.NaN()}
	table := report.Table{Title: "Folds", Caption: "The first repeat.", Head: []string{"fold", "train"}, Rows: [][]string{{"1", "a: 40, b <i>: 60"}}}
	return report.Report{Kind: "training", Whole: true, Name: "example", Made: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Seconds: 61.5, Level: 0.95,
		Audit:    []report.Finding{{Level: "warning", Text: "x & y alone give the outcome."}, {Level: "note", Text: "Something to know."}},
		Flow:     []report.Count{{Text: "Patients listed", Patients: 120}, {Text: "withdrew consent", Patients: 3, Out: true}, {Text: "In the feature table", Patients: 117}},
		Sources:  []report.Source{{Name: "ct", Kind: "table", Group: "imaging", Patients: 110, Columns: 107, Missing: 0.0123, Without: []string{"7 not in the file"}}},
		Pipeline: []string{`impute {"method":"median"}`}, Plan: []string{"120 fits for the estimate"},
		Outcomes: []report.Outcome{{Name: "idh", Kind: "class", Description: "117 patients.", Verdict: "Kept: lr.", Warnings: []string{"Few events."}, Interval: "corrected resampled t",
			Headline: []report.Estimate{estimate("AUC"), none},
			Comparisons: []report.Comparison{{Title: "Model by model", Caption: "The same folds.", Rows: []report.Row{
				{Name: "lr", Note: "chosen in 5 of 5 folds", Estimates: []report.Estimate{estimate("AUC")}, P: math.NaN()}, {Name: "forest", Estimates: []report.Estimate{none}, P: 0.0004}}}},
			Figures: []report.Figure{{Title: "ROC, out of fold", Caption: "Averaged over repeats.", SVG: template.HTML(`<svg role="img"></svg>`)}, {Title: "Bars", SVG: "<svg></svg>", Wide: true}},
			Tables:  []report.Table{table}, Notes: []string{"A note."}}},
		Tables: []report.Table{{Title: "Table one: idh", Head: []string{"column", "a"}, Rows: [][]string{{"age", "61 (50 to 70)"}}}},
		Card:   []report.Pair{{Name: "Intended use", Value: "Research only."}},
		Checklists: []report.Checklist{report.METRICS(map[int]report.Evidence{1: {Text: "CLEAR.", Anchor: "checklists"}, 17: {Text: "no network", Outside: true},
			18: {Text: "5 folds.", Anchor: report.Anchor(0, "Folds")}, 22: {Text: "A slope.", Anchor: report.Anchor(0, "not on the page")}})},
		Study: []report.Pair{{Name: "aim", Value: "to show"}}, Config: "name: example\n", Versions: []report.Pair{{Name: "program", Value: "voxgene"}},
		Modules: []report.Pair{{Name: "gonum.org/v1/gonum", Value: "v0"}}, Inputs: []report.Pair{{Name: "patients", Value: "ab"}}, Hashes: []report.Pair{{Name: "metrics.json", Value: "cd"}}}
}

// The page of a report with every part is the one that was looked at.
func TestPageRegression(t *testing.T) {
	var b bytes.Buffer
	if err := example().Write(&b); err != nil {
		t.Fatal(err)
	}
	page := regexp.MustCompile(`(?s)<style>.*</style>`).ReplaceAll(b.Bytes(), []byte("<style/>"))
	golden := filepath.Join("testdata", "page.html")
	if *update {
		if err := os.WriteFile(golden, page, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(page, want) {
		t.Errorf("%s: the page differs (%v); look at it and rewrite with -update", golden, err)
	}
}

// A page asks for nothing from elsewhere, its anchors are unique, and every link of it leads to one.
func TestPageStandsAlone(t *testing.T) {
	var b bytes.Buffer
	if err := example().Write(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, foreign := range []string{"<script", "<link", "<iframe", "@import", "url(", "src=", "http://", "https://"} {
		if strings.Contains(strings.ReplaceAll(page, `xmlns="http://www.w3.org/2000/svg"`, ""), foreign) {
			t.Errorf("the page contains %q", foreign)
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("two parts have the anchor %q", m[1])
		}
		ids[m[1]] = true
	}
	links := regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1)
	if len(links) < 8 {
		t.Errorf("%d links", len(links))
	}
	for _, m := range links {
		if !ids[m[1]] {
			t.Errorf("a link leads to %q, which is not there", m[1])
		}
	}
	if !strings.Contains(page, "x &amp; y alone") || !strings.Contains(page, "b &lt;i&gt;") {
		t.Error("text is not escaped")
	}
}

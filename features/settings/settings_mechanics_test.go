package settings_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/settings"
)

type learner struct {
	Kind  string                    `yaml:"kind,required"`
	Trees int                       `yaml:"trees"`
	Rest  map[string]*settings.Node `yaml:",rest"`
}

type experiment struct {
	Name    string             `yaml:"name"`
	Seed    uint64             `yaml:"seed"`
	Columns []string           `yaml:"columns"`
	Weights map[string]float64 `yaml:"weights"`
	Models  []learner          `yaml:"models"`
}

func TestDecode(t *testing.T) {
	t.Setenv("COLUMN", "Age")
	n, err := settings.Parse("a.yaml", []byte("name: Glioma\nseed: 3\ncolumns: ${COLUMN}\nweights: {A: 1, b: 0.5}\nmodels:\n  - {kind: logistic, penalty: lasso}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"models.0.trees=100", "weights.c=2"} {
		if err := n.Set(s); err != nil {
			t.Fatal(err)
		}
	}
	var e experiment
	var p settings.Problems
	settings.Decode(n, &e, &p)
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(e.Name, e.Seed, e.Columns, e.Weights, e.Models[0].Kind, e.Models[0].Trees, e.Models[0].Rest["penalty"].Any())
	if want := "Glioma 3 [Age] map[A:1 b:0.5 c:2] logistic 100 lasso\n"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// All problems come in one answer, each with its place, in file order.
func TestDecodeBadInput(t *testing.T) {
	n, err := settings.Parse("a.yaml", []byte("nme: x\nseed: -1\nmodels:\n  - {trees: many}\nweights: 3\n"))
	if err != nil {
		t.Fatal(err)
	}
	var e experiment
	var p settings.Problems
	settings.Decode(n, &e, &p)
	want := `a.yaml:1:1: nme: unknown key; did you mean "name"?
a.yaml:2:7: seed: want a whole number of 0 or more, not -1
a.yaml:4:5: models.0: "kind" is missing
a.yaml:4:13: models.0.trees: want a whole number, not many
a.yaml:5:10: weights: want a mapping (name: value)`
	if got := p.Err(); got == nil || got.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", got, want)
	}
}

// What --set brings in is named as such, for it has no place in the file.
func TestSetProblem(t *testing.T) {
	n, _ := settings.Parse("a.yaml", []byte("models: [{kind: a}]"))
	for _, s := range []string{"models.0.trees=many", "honest.x=1"} {
		if err := n.Set(s); err != nil {
			t.Fatal(err)
		}
	}
	var e experiment
	var p settings.Problems
	settings.Decode(n, &e, &p)
	want := "--set models.0.trees: want a whole number, not many\n--set honest: unknown key; known here: columns, models, name, seed, weights"
	if got := p.Err(); got == nil || got.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", got, want)
	}
}

func TestParseBadInput(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "a.yaml: the file is empty",
		"a: 1\nb: 2\na: 3\n":       `a.yaml:3:1: "a" is there twice; first on line 1`,
		"a: ${VOXGENE_NOT_SET_X}":  "a.yaml:1:4: a: environment variable VOXGENE_NOT_SET_X is not set",
		"a: &x 1\nb: *x":           "a.yaml:2:4: b: aliases (*name) are not supported; write the value out",
		"a: 1\n---\nb: 2":          "a.yaml: a second YAML document follows; one is expected",
		"a: [1":                    "a.yaml: line 1: did not find expected ',' or ']'",
		strings.Repeat(" ", 5<<20): "a.yaml: more than 4194304 bytes; a configuration is smaller",
	} {
		if _, err := settings.Parse("a.yaml", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%.20q: got %v, want %s", text, err, want)
		}
	}
}

func TestSetBadInput(t *testing.T) {
	n, _ := settings.Parse("a.yaml", []byte("name: x\nmodels: [{kind: a}]"))
	for _, s := range []string{"models", "models.3.kind=b", "models.x=1", "name.first=y"} {
		if err := n.Set(s); err == nil {
			t.Errorf("%s was taken", s)
		}
	}
}

// No input makes the parser or the decoder panic.
func FuzzParse(f *testing.F) {
	f.Add("a: 1\nmodels: [{kind: b, trees: 3}]")
	f.Add("? {a: b}\n: c")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := settings.Parse("f", []byte(text))
		if err != nil {
			return
		}
		var e experiment
		var p settings.Problems
		settings.Decode(n, &e, &p)
		n.Any()
	})
}

func ExampleDecode() {
	n, _ := settings.Parse("run.yaml", []byte("name: glioma\nmodels: [{kind: cox, treees: 3}]"))
	var run struct {
		Name   string `yaml:"name"`
		Models []struct {
			Kind  string `yaml:"kind"`
			Trees int    `yaml:"trees"`
		} `yaml:"models"`
	}
	var p settings.Problems
	settings.Decode(n, &run, &p)
	fmt.Println(p.Err())
	// Output: run.yaml:2:22: models.0.treees: unknown key; did you mean "trees"?
}

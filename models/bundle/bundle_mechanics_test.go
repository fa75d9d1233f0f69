package bundle_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// saved returns the bytes of the test bundle.
func saved(t testing.TB) []byte {
	t.Helper()
	b, _ := bundletest.New(t)
	file, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := b.Encode(); err != nil || !bytes.Equal(file, again) {
		t.Fatalf("the same bundle gives other bytes (%v)", err)
	}
	return file
}

// repack rewrites a bundle's parts.
func repack(t testing.TB, file []byte, edit func(name string, content []byte) (string, []byte), method uint16) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name, content := edit(f.Name, content)
		if name == "" {
			continue
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestReadBadInput(t *testing.T) {
	file := saved(t)
	keep := func(n string, c []byte) (string, []byte) { return n, c }
	for want, bad := range map[string][]byte{
		"this is not a Voxgene bundle": []byte("hello"),
		"it has no manifest.json":      repack(t, file, func(n string, c []byte) (string, []byte) { return strings.Replace(n, "manifest", "x", 1), c }, zip.Store),
		"is compressed":                repack(t, file, keep, zip.Deflate),
		`part "outcomes/0/pipeline.json" was altered`: repack(t, file, func(n string, c []byte) (string, []byte) {
			return n, bytes.ReplaceAll(c, []byte(`"spread":[1`), []byte(`"spread":[2`))
		}, zip.Store),
		`part "outcomes/1/model/weights.json" is missing`: repack(t, file, func(n string, c []byte) (string, []byte) {
			if n == "outcomes/1/model/weights.json" {
				return "", nil
			}
			return n, c
		}, zip.Store),
		"the bundle has format 3 (written by voxgene test) and this program reads up to format 2": repack(t, file, func(n string, c []byte) (string, []byte) {
			return n, bytes.Replace(c, []byte(`"format": 1`), []byte(`"format": 3, "later": true`), 1)
		}, zip.Store),
		`this build has no model of kind "test_klass"`: repack(t, file, func(n string, c []byte) (string, []byte) {
			return n, bytes.Replace(c, []byte(`"test_class"`), []byte(`"test_klass"`), 1)
		}, zip.Store),
		"is there twice, or is not a name": repack(t, file, func(n string, c []byte) (string, []byte) {
			return strings.Replace(n, "config.yaml", "../config.yaml", 1), c
		}, zip.Store),
	} {
		if _, err := bundle.Read(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want …%s…", err, want)
		}
	}
	for _, n := range []int{0, 1, len(file) / 2, len(file) - 1} {
		if _, err := bundle.Read(file[:n]); err == nil {
			t.Errorf("%d of %d bytes were taken for a bundle", n, len(file))
		}
	}
	path := filepath.Join(t.TempDir(), "b")
	if err := os.WriteFile(path, file[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Open(path); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
		t.Errorf("the error does not name the file: %v", err)
	}
	if _, err := bundle.Open(t.TempDir()); err == nil {
		t.Error("a folder was taken for a bundle")
	}
}

func TestInspect(t *testing.T) {
	b, _ := bundletest.New(t)
	path := filepath.Join(t.TempDir(), "model.voxgene")
	if err := b.Save(path); err != nil {
		t.Fatal(err)
	}
	m, err := bundle.Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	if m.Format != 1 || m.Name != "glioma" || m.IntendedUse != bundle.Research || len(m.Inputs) != 5 || m.Outcomes[1].FollowUp.Limit != 3100 {
		t.Errorf("got %+v", m)
	}
}

// What is answered, word for word: the weights are known, so the numbers can be worked out. Times come in any unit.
func TestPredict(t *testing.T) {
	b, x := bundletest.New(t)
	row := x.Select([]int{0})
	copy(row.Values, []float64{80, table.Unseen, 1000, math.NaN(), math.NaN()})
	got := predict(t, b, row, bundle.Request{Outcomes: []string{"os"}, Times: []bundle.Time{{Value: 1, Unit: "a"}, {Value: 2, Unit: "wk"}, {Value: 120, Unit: "mo"}}})
	var p []struct {
		Outcomes map[string]struct {
			Unit            string
			Risk, Median    float64
			RiskGroup       string `json:"risk_group"`
			Times, Survival []*float64
		}
		Warnings []map[string]string
	}
	if err := json.Unmarshal(got, &p); err != nil {
		t.Fatal(err)
	}
	os := p[0].Outcomes["os"]
	if len(p[0].Outcomes) != 1 || *os.Times[0] != 365.25 || *os.Times[1] != 14 || *os.Times[2] != 3652.5 || os.Unit != "d" || os.RiskGroup != "high" {
		t.Errorf("got %s", got)
	}
	for k := range 2 {
		want := math.Exp(-*os.Times[k] / 1000 * math.Exp(os.Risk))
		if math.Abs(*os.Survival[k]-want) > 1e-12 {
			t.Errorf("survival at %v: %v, want %v", *os.Times[k], *os.Survival[k], want)
		}
	}
	if os.Survival[2] != nil {
		t.Errorf("survival beyond the follow-up: %v, want null", *os.Survival[2])
	}
	codes := map[string]string{}
	for _, w := range p[0].Warnings {
		codes[w["code"]] = w["feature"] + w["source"] + w["outcome"]
		if w["message"] == "" {
			t.Errorf("no message: %v", w)
		}
	}
	if codes["unseen_level"] != "clinical.sex" || codes["missing_source"] != "rna" || codes["beyond_follow_up"] != "os" || codes["out_of_range"] != "" || len(p[0].Warnings) != 3 {
		t.Errorf("warnings %v", p[0].Warnings)
	}
	row.Values[0], row.Values[3] = 81, 0
	if got := string(predict(t, b, row, bundle.Request{})); !strings.Contains(got, `{"code":"out_of_range","feature":"clinical.age","message":"clinical.age is 81; training values lie between 20 and 80"}`) ||
		!strings.Contains(got, `{"code":"missing","feature":"rna.TP53","message":"rna.TP53 is missing"}`) || !strings.Contains(got, `"set":[`) {
		t.Errorf("got %s", got)
	}
}

// The envelope: a patient far from the cohort, a source of which little was given; and abstaining, by each part of the policy.
func TestAbstain(t *testing.T) {
	b, x := bundletest.New(t)
	z, err := b.Outcomes[0].Chain.Apply(x)
	if err != nil {
		t.Fatal(err)
	}
	space, err := bundle.NewSpace(z)
	if err != nil {
		t.Fatal(err)
	}
	row := x.Select([]int{0})
	ask := func(values []float64, a *bundle.Abstain) (bundle.Prediction, string) {
		t.Helper()
		fresh, _ := bundletest.New(t)
		fresh.Outcomes[0].Space, fresh.Abstain = space, a
		file, err := fresh.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if fresh, err = bundle.Read(file); err != nil {
			t.Fatal(err)
		}
		copy(row.Values, values)
		p, err := fresh.Predict(context.Background(), row, bundle.Request{Explain: &bundle.Explain{}})
		if err != nil {
			t.Fatal(err)
		}
		var codes []string
		for _, w := range p[0].Warnings {
			codes = append(codes, w.Code)
		}
		return p[0], strings.Join(codes, " ")
	}
	inside := []float64{50, 0, 1000, 0, 0}
	far := []float64{50, 0, 1e5, 0, 0}
	imaging := []float64{50, 0, 1000, math.NaN(), math.NaN()}
	thin := []float64{50, 0, 1000, 0, math.NaN()}
	for _, c := range []struct {
		values           []float64
		policy           *bundle.Abstain
		codes, abstained string
	}{
		{inside, &bundle.Abstain{Missing: 0.1, OutOfRange: 0.1, Far: true}, "", "[]"},
		{far, nil, "out_of_range far_from_training", "[]"},
		{far, &bundle.Abstain{Far: true}, "out_of_range far_from_training", "[the patient is further from the training cohort than any in it]"},
		{far, &bundle.Abstain{OutOfRange: 0.1}, "out_of_range far_from_training", "[1 of 5 inputs are outside what training saw]"},
		{far, &bundle.Abstain{OutOfRange: 0.2}, "out_of_range far_from_training", "[]"},
		{thin, &bundle.Abstain{Missing: 0.1}, "missing low_coverage", "[1 of 5 inputs are missing]"},
		{imaging, &bundle.Abstain{MissingSource: true}, "missing_source", "[a whole source was not given]"},
	} {
		p, codes := ask(c.values, c.policy)
		if codes != c.codes || fmt.Sprint(p.Abstained) != c.abstained {
			t.Errorf("%v %+v: warnings %s, abstained %v; want %s and %s", c.values, c.policy, codes, p.Abstained, c.codes, c.abstained)
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		withheld := strings.Contains(string(text), `"label":null,"probabilities":{"0":null,"1":null},"explanations":[]`) && strings.Contains(string(text), `"risk":null`) && strings.Contains(string(text), `"abstained":["`)
		if withheld != (c.abstained != "[]") {
			t.Errorf("%v %+v: %s", c.values, c.policy, text)
		}
	}
	b.Abstain = &bundle.Abstain{Missing: 2}
	if _, err := b.Encode(); err == nil {
		t.Error("a fraction of 2 was taken")
	}
}

func TestPredictBadInput(t *testing.T) {
	b, x := bundletest.New(t)
	for want, r := range map[string]bundle.Request{
		`outcomes[0]: glioma does not predict "idhh"; it predicts [idh os]`: {Outcomes: []string{"idhh"}},
		`outcomes[1]: "os" is asked for twice`:                              {Outcomes: []string{"os", "os"}},
		`times[0].unit: "y" is not a unit of time: d, wk, mo or a`:          {Times: []bundle.Time{{Value: 1, Unit: "y"}}},
		`times[0].value: -1 is not a time from 0 to 1000000000`:             {Times: []bundle.Time{{Value: -1, Unit: "a"}}},
	} {
		_, err := b.Predict(context.Background(), x, r)
		var wrong *bundle.RequestError
		if !errors.As(err, &wrong) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	x.Column(2)[0] = math.Inf(1)
	if _, err := b.Predict(context.Background(), x, bundle.Request{}); err == nil {
		t.Error("an infinite value was taken")
	}
}

// Ten patients are at risk at the tenth largest time; with late entry, only those who had entered.
func TestFollowUp(t *testing.T) {
	y := clinical.Outcome{Kind: clinical.Survival}
	for i := range 12 {
		y.Time = append(y.Time, float64(i+1))
		y.Event = append(y.Event, 1)
	}
	if f := bundle.NewFollowUp(y); f.Limit != 3 || f.AtRisk[0] != 12 || f.AtRisk[10] != 10 {
		t.Errorf("got %+v", f)
	}
	y.Time = append(y.Time, math.NaN(), 20)
	y.Event = append(y.Event, 0, 0)
	y.Entry = make([]float64, 14)
	y.Entry[13] = 3.5
	if f := bundle.NewFollowUp(y); f.Limit != 4 {
		t.Errorf("with late entry: %+v", f)
	}
	y = y.Select([]int{0, 1, 2})
	if f := bundle.NewFollowUp(y); f.Limit != 0 || f.Times != nil {
		t.Errorf("three patients: %+v", f)
	}
}

// A table's columns are found in any order and by bare name; one that is absent is named, a whole source may be.
func TestAlign(t *testing.T) {
	b, _ := bundletest.New(t)
	u := table.New([]table.Key{{Patient: "a"}, {Patient: "b"}})
	add := func(c table.Column, values ...float64) {
		t.Helper()
		if err := u.Add(c, values); err != nil {
			t.Fatal(err)
		}
	}
	add(table.Column{Name: "volume"}, 900, 1100)
	add(table.Column{Name: "comment", Kind: table.Categorical, Levels: []string{"x"}}, 0, 0)
	add(table.Column{Name: "clinical.sex", Kind: table.Categorical, Levels: []string{"M", "other"}}, 0, 1)
	_, err := b.Align(u)
	if want := "the table lacks 1 of the 5 columns that glioma reads: clinical.age; leave cells blank where a value is not known"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	add(table.Column{Name: "age"}, 50, math.NaN())
	x, err := b.Align(u)
	if err != nil {
		t.Fatal(err)
	}
	for j, want := range [][]float64{{50, math.NaN()}, {1, table.Unseen}, {900, 1100}, {math.NaN(), math.NaN()}, {math.NaN(), math.NaN()}} {
		for i, v := range x.Column(j) {
			if v != want[i] && !(math.IsNaN(v) && math.IsNaN(want[i])) {
				t.Errorf("%s: got %v, want %v", x.Columns[j].Name, x.Column(j), want)
			}
		}
	}
	u.Columns[3].Kind, u.Columns[3].Levels, u.Values[3] = table.Categorical, []string{"old"}, []float64{0, 0}
	if _, err := b.Align(u); err == nil || err.Error() != `row 1, column age: "old" is not a number` {
		t.Errorf("a text for a number: %v", err)
	}
}

// The hand-written JSON is JSON, whatever the texts and numbers.
func TestAppendJSON(t *testing.T) {
	p := bundle.Prediction{ID: "a\"b\\c\n<\xff>é\u2028", Outcomes: []bundle.Answer{{Name: "\x00", Kind: clinical.Class, Label: "&", Classes: []string{"x"},
		Probabilities: []float64{1e-9}, Explanations: []bundle.Explanation{{Time: math.NaN(), Base: math.Inf(1), Output: -1e300,
			Values: []bundle.Contribution{{Feature: "f", Value: 0.1, Amount: 1e21}, {Feature: "g", Text: "M", Value: math.NaN()}}}}}}}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		ID       string
		Outcomes map[string]struct {
			Probabilities map[string]float64
			Explanations  []struct {
				Output float64
				Values []struct{ Value any }
			}
		}
	}
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	e := back.Outcomes["\x00"].Explanations[0]
	if back.ID != "a\"b\\c\n<\ufffd>é\u2028" || back.Outcomes["\x00"].Probabilities["x"] != 1e-9 || e.Output != -1e300 || e.Values[1].Value != "M" {
		t.Errorf("got %+v from %s", back, text)
	}
}

func TestConvert(t *testing.T) {
	for _, c := range []struct {
		v        float64
		from, to string
		want     float64
	}{{1, "a", "d", 365.25}, {1, "mo", "d", 30.4375}, {12, "mo", "a", 1}, {2, "wk", "d", 14}, {0.1, "mo", "mo", 0.1}} {
		if got, err := bundle.Convert(c.v, c.from, c.to); err != nil || got != c.want {
			t.Errorf("%v %s in %s: %v, %v", c.v, c.from, c.to, got, err)
		}
	}
}

// How images were made is compared with training, source by source, and the policy may abstain for it.
func TestAcquired(t *testing.T) {
	b, x := bundletest.New(t)
	b.Sources = []extraction.Source{{Name: "t1", Seen: &extraction.Seen{Patients: 9, Least: []float64{0.5, 0.5, 1}, Most: []float64{1, 1, 3}, Manufacturers: []string{"SIEMENS"}, Volume: 100}}}
	b.Abstain = &bundle.Abstain{Acquisition: true}
	row := x.Select([]int{3, 3, 3})
	p, err := b.Predict(context.Background(), row, bundle.Request{Acquired: []map[string]extraction.Acquired{
		{"t1": {Spacing: []float64{1, 1, 3}, Manufacturer: "SIEMENS", Volume: 100}},
		{"t1": {Spacing: []float64{1, 1, 5}, Manufacturer: "GE", Volume: 99}},
		{"t1": {Spacing: []float64{1, 1, 3}, Volume: 99}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"[] []", "[unseen_spacing unseen_manufacturer small_mask] [an image was made as none in training was]", "[small_mask] []"} {
		var codes []string
		for _, w := range p[i].Warnings {
			codes = append(codes, w.Code)
			if w.Source != "t1" {
				t.Errorf("row %d: %+v names no source", i, w)
			}
		}
		if got := fmt.Sprint(codes, " ", p[i].Abstained); got != want {
			t.Errorf("row %d: %s, want %s", i, got, want)
		}
	}
	if _, err := b.Predict(context.Background(), row, bundle.Request{Acquired: make([]map[string]extraction.Acquired, 2)}); err == nil {
		t.Error("two acquisitions for three rows were taken")
	}
}

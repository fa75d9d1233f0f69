package serve_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
)

// warned is what an answer says of a patient beside the numbers.
type warned struct {
	Abstained []string
	Warnings  []struct{ Code, Feature, Source, Outcome, Message string }
	Outcomes  map[string]struct {
		Label         *string
		Probabilities map[string]*float64
		Set           []string
		Survival      []*float64
		Risk          *float64
	}
}

func (w warned) codes() []string {
	var out []string
	for _, x := range w.Warnings {
		out = append(out, x.Code)
	}
	return out
}

// envelope serves bundles and returns what answers a request.
func envelope(t *testing.T, bundles ...*bundle.Bundle) func(path, contentType, body string) warned {
	t.Helper()
	dir := t.TempDir()
	for i, b := range bundles {
		bundletest.Save(t, b, filepath.Join(dir, fmt.Sprintf("%d.voxgene", i)))
	}
	c, err := serve.ReadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	c.Models, c.Studies.Temp = []string{dir}, t.TempDir()
	s, err := serve.New(c, slog.New(slog.DiscardHandler), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return func(path, contentType, body string) warned {
		t.Helper()
		r := httptest.NewRequest("POST", path, strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		var got struct{ Predictions []warned }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || len(got.Predictions) != 1 {
			t.Fatalf("%d %.2000s", w.Code, w.Body)
		}
		return got.Predictions[0]
	}
}

// Each warning of the envelope of a table comes where it should, with what it is about, and alone.
func TestEnvelopeOfTables(t *testing.T) {
	b, x := bundletest.New(t)
	z, err := b.Outcomes[0].Chain.Apply(x)
	if err != nil {
		t.Fatal(err)
	}
	if b.Outcomes[0].Space, err = bundle.NewSpace(z); err != nil {
		t.Fatal(err)
	}
	panel, _ := bundletest.Wide(t, 10)
	ask := envelope(t, b, panel)
	whole := map[string]string{"clinical.age": "61", "clinical.sex": `"M"`, "t1.volume": "900.5", "rna.EGFR": "0.1", "rna.TP53": "0.2"}
	body := func(values map[string]string, more string) string {
		var parts []string
		for _, name := range []string{"clinical.age", "clinical.sex", "t1.volume", "rna.EGFR", "rna.TP53"} {
			if v := values[name]; v != "" {
				parts = append(parts, fmt.Sprintf("%q: %s", name, v))
			}
		}
		return `{"patients": [{"id": "p", "features": {` + strings.Join(parts, ", ") + `}}]` + more + `}`
	}
	with := func(edit ...string) map[string]string {
		m := map[string]string{}
		for k, v := range whole {
			m[k] = v
		}
		for i := 0; i < len(edit); i += 2 {
			m[edit[i]] = edit[i+1]
		}
		return m
	}
	for _, c := range []struct {
		body, codes, message string
	}{
		{body(whole, ""), "[]", ""},
		{body(with("clinical.age", "107"), ""), "[out_of_range]", "clinical.age is 107; training values lie between 20 and 80"},
		{body(with("clinical.sex", `"X"`), ""), "[unseen_level]", "clinical.sex has a level that training did not know"},
		{body(with("rna.TP53", "null"), ""), "[missing low_coverage]", "1 of the 2 inputs of rna were given"},
		{body(with("clinical.age", ""), ""), "[missing low_coverage]", "clinical.age is missing"},
		{body(with("rna.EGFR", "", "rna.TP53", ""), ""), "[missing_source]", "nothing of the source rna was given; what is usual in training stands in for it (impute)"},
		{body(with("t1.volume", ""), ""), "[missing]", "t1.volume is missing"},
		{body(with("clinical.age", "107", "t1.volume", "9000", "rna.EGFR", "-40", "rna.TP53", "40"), ""), "[out_of_range out_of_range out_of_range out_of_range far_from_training]", "Mahalanobis distance"},
		{body(whole, `, "outcomes": ["os"], "times": [{"value": 90, "unit": "a"}]`), "[beyond_follow_up]", "fewer than ten training patients"},
	} {
		w := ask("/v1/models/glioma/predict", "application/json", c.body)
		said := fmt.Sprint(w.Warnings)
		c.message = strings.Replace(c.message, "ten training", "10 training", 1)
		if got := fmt.Sprint(w.codes()); got != c.codes || !strings.Contains(said, c.message) || w.Abstained != nil {
			t.Errorf("%s\ngot  %s %s\nwant %s %s", c.body, got, said, c.codes, c.message)
		}
	}
	// A panel of which a third is there.
	w := ask("/v1/models/wide/predict", "application/json", `{"patients": [{"features": {"f.feature0": 0, "f.feature1": 0.1, "f.feature2": -0.1}}]}`)
	if !slices.Contains(w.codes(), bundle.LowCoverage) || !strings.Contains(fmt.Sprint(w.Warnings), "3 of the 10 inputs of f were given") {
		t.Errorf("%v", w.Warnings)
	}
	// The set at level 0.9: its limits are those of the bundle, .7 and .6.
	w = ask("/v1/models/glioma/predict", "application/json", body(whole, ""))
	var want []string
	for k, limit := range map[string]float64{"0": 0.7, "1": 0.6} {
		if 1-*w.Outcomes["idh"].Probabilities[k] <= limit {
			want = append(want, k)
		}
	}
	slices.Sort(want)
	if got := w.Outcomes["idh"].Set; !slices.Equal(got, want) {
		t.Errorf("set %v, want %v of %v", got, want, w.Outcomes["idh"].Probabilities)
	}
}

// A policy of a bundle makes it abstain where it says, with the reason, and without a number.
func TestAbstain(t *testing.T) {
	for name, c := range map[string]struct {
		policy         bundle.Abstain
		sound, trouble string
		reason         string
	}{
		"missing":        {bundle.Abstain{Missing: 0.3}, `"age": 61, "sex": "M", "volume": 900, "EGFR": 0`, `"age": 61, "sex": "M", "volume": 900`, "2 of 5 inputs are missing"},
		"out of range":   {bundle.Abstain{OutOfRange: 0.3}, `"age": 107, "sex": "M", "volume": 900, "EGFR": 0, "TP53": 0`, `"age": 107, "sex": "X", "volume": 900, "EGFR": 0, "TP53": 0`, "2 of 5 inputs are outside what training saw"},
		"far":            {bundle.Abstain{Far: true}, `"age": 61, "sex": "M", "volume": 900, "EGFR": 0, "TP53": 0`, `"age": 107, "sex": "M", "volume": 90000, "EGFR": -40, "TP53": 40`, "further from the training cohort than any in it"},
		"missing source": {bundle.Abstain{MissingSource: true}, `"age": 61, "sex": "M", "volume": 900, "EGFR": 0`, `"age": 61, "sex": "M", "volume": 900`, "a whole source was not given"},
	} {
		b, x := bundletest.New(t)
		z, err := b.Outcomes[0].Chain.Apply(x)
		if err != nil {
			t.Fatal(err)
		}
		if b.Outcomes[0].Space, err = bundle.NewSpace(z); err != nil {
			t.Fatal(err)
		}
		b.Abstain = &c.policy
		ask := envelope(t, b)
		send := func(features string) warned {
			return ask("/v1/models/glioma/predict", "application/json", `{"patients": [{"features": {`+features+`}}]}`)
		}
		if w := send(c.sound); w.Abstained != nil || w.Outcomes["idh"].Label == nil {
			t.Errorf("%s: abstains of %s: %v", name, c.sound, w.Abstained)
		}
		w := send(c.trouble)
		idh, os := w.Outcomes["idh"], w.Outcomes["os"]
		if len(w.Abstained) != 1 || !strings.Contains(w.Abstained[0], c.reason) || idh.Label != nil || idh.Probabilities["1"] != nil || idh.Set != nil || os.Risk != nil || os.Survival[0] != nil {
			t.Errorf("%s: %+v", name, w)
		}
	}
}

// A study is compared with how the images of training were made: each difference is one warning, and the policy abstains of it.
func TestEnvelopeOfScans(t *testing.T) {
	images, mask := planted(t)
	for i, b := range images { // a convolution kernel, which series of MR do not have
		at := bytes.Index(b, []byte("\x20\x00\x0d\x00UI"))
		images[i] = bytes.Join([][]byte{b[:at], []byte("\x18\x00\x10\x12SH\x02\x00B1"), b[at:]}, nil)
	}
	like := extraction.Seen{Patients: 30, Least: []float64{0.1, 0.1, 0.1}, Most: []float64{9, 9, 9}, Volume: 1}
	for name, c := range map[string]struct {
		edit   func(*extraction.Seen)
		code   string
		policy bundle.Abstain
	}{
		"alike":        {func(*extraction.Seen) {}, "", bundle.Abstain{Acquisition: true, SmallMask: true}},
		"spacing":      {func(s *extraction.Seen) { s.Most = []float64{9, 9, 1} }, bundle.UnseenSpacing, bundle.Abstain{Acquisition: true}},
		"manufacturer": {func(s *extraction.Seen) { s.Manufacturers = []string{"ACME"} }, bundle.UnseenManufacturer, bundle.Abstain{Acquisition: true}},
		"kernel":       {func(s *extraction.Seen) { s.Kernels = []string{"B30f"} }, bundle.UnseenKernel, bundle.Abstain{Acquisition: true}},
		"small mask":   {func(s *extraction.Seen) { s.Volume = 1e6 }, bundle.SmallMask, bundle.Abstain{SmallMask: true}},
	} {
		for _, abstains := range []bool{false, true} {
			b, seen := bundletest.Images(t), like
			c.edit(&seen)
			b.Sources[0].Seen = &seen
			if abstains {
				b.Abstain = &c.policy
			}
			var form bytes.Buffer
			m := multipart.NewWriter(&form)
			for i, content := range append(images, mask) {
				w, err := m.CreateFormFile(map[bool]string{true: "mask", false: "image"}[i == len(images)], "x.dcm")
				if err != nil {
					t.Fatal(err)
				}
				w.Write(content)
			}
			m.WriteField("features", `{"clinical.age": 61}`)
			m.Close()
			w := envelope(t, b)("/v1/models/prostate/studies", m.FormDataContentType(), form.String())
			codes := slices.DeleteFunc(w.codes(), func(c string) bool { return c == bundle.OutOfRange })
			if got := strings.Join(codes, " "); got != c.code {
				t.Errorf("%s: warnings %q, want %q", name, got, c.code)
			}
			if want := abstains && c.code != ""; (w.Abstained != nil) != want || (w.Outcomes["grade"].Label == nil) != want {
				t.Errorf("%s: abstained %v, want %v", name, w.Abstained, want)
			}
		}
	}
}

package object_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
)

// result is a result of a study with a region and two outcomes.
func result() results.Result {
	volume, mean := 174.999667591, 812.5
	return results.Result{ID: "0123456789abcdef0123456789abcdef", Changed: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Model: "prostate", Version: "sha256:" + strings.Repeat("ab", 32),
		Use: "research", State: results.Preliminary, Content: results.Content{
			Identity: results.Identity{Patient: "P1", Issuer: "HOSPITAL", Name: "Müller^Änne", Birth: "19500102", Sex: "F", Study: "1.2.3", StudyDate: "20260101", StudyTime: "101500.25", Series: []string{"1.2.3.1"}, Mask: "1.2.3.9"},
			Prediction: []byte(`{"id":"P1","outcomes":{"grade":{"kind":"class","label":"high","probabilities":{"low":0.2,"high":0.8}},
				"os":{"kind":"survival","unit":"d","risk":0.7,"risk_group":"high","times":[365.25,730.5],"survival":[0.9,null]}},"warnings":[{"code":"out_of_range","message":"a feature is outside"}]}`),
			Features: []results.Feature{{Name: "adc.original_shape_VoxelVolume", Unit: "mm3", Value: &volume}, {Name: "adc.original_firstorder_Mean", Value: &mean}, {Name: "clinical.sex", Text: "F"}},
			Evidence: []results.Instance{{Class: "1.2.840.10008.5.1.4.1.1.4", Instance: "1.2.3.1.1", Series: "1.2.3.1"}, {Class: "1.2.840.10008.5.1.4.1.1.66.4", Instance: "1.2.3.9", Series: "1.2.3.8", Segment: 3}},
		}}
}

// The same result gives the same bytes; a retraction is another object, which names the first and why.
func TestEncode(t *testing.T) {
	r := result()
	a, err := object.Report(&r, "1.0")
	if err != nil {
		t.Fatal(err)
	}
	b, err := object.Report(&r, "1.0")
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("two reports of one result differ (%v)", err)
	}
	for _, want := range []string{"DICM", object.ReportUID(&r), "UNVERIFIED", "PRELIMINARY", "M\xfcller^\xc4nne", "ISO_IR 100", "research use only", "out_of_range", "1411", "1501", r.Version} {
		if !bytes.Contains(a, []byte(want)) {
			t.Errorf("the report has no %q", want)
		}
	}
	first := object.ReportUID(&r)
	r.State, r.Reason = results.EnteredInError, "mask of another lesion"
	c, err := object.Report(&r, "1.0")
	if err != nil || object.ReportUID(&r) == first || !bytes.Contains(c, []byte(first)) || !bytes.Contains(c, []byte("mask of another lesion")) || bytes.Contains(c, []byte("Probability of grade")) {
		t.Errorf("retraction: %v", err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for want, edit := range map[string]func(*results.Result){
		"erased":            func(r *results.Result) { r.Erased = true },
		"not made from a":   func(r *results.Result) { r.Identity.Study = "" },
		"not made from":     func(r *results.Result) { r.Evidence = nil },
		"not an identifier": func(r *results.Result) { r.Evidence[0].Instance = "1.02" },
		"the prediction of": func(r *results.Result) { r.Prediction = []byte("[") },
	} {
		r := result()
		edit(&r)
		if _, err := object.Report(&r, "1.0"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	r := result() // what comes from elsewhere is cut to what the types hold
	r.Identity.Name, r.Identity.StudyTime, r.Identity.Sex, r.Identity.Accession = strings.Repeat("x\\y\n", 500), "9999", "unknown", strings.Repeat("1", 99)
	if _, err := object.Report(&r, strings.Repeat("v", 100)); err != nil {
		t.Error(err)
	}
}

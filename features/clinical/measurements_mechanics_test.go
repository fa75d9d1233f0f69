package clinical

import (
	"bytes"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image/dicom"
	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
)

// What stands about a group is read with it, and a measurement without a value is missing.
func TestMeasurementGroups(t *testing.T) {
	r, err := ReadMeasurementReport("testdata/one.dcm")
	if err != nil {
		t.Fatal(err)
	}
	if r.Patient != "P1" || len(r.Groups) != 4 {
		t.Fatalf("%+v", r)
	}
	g := r.Groups[0]
	if g.Tracking != "Lesion 1" || g.TrackingUID != "1.2.826.0.1.3680043.8.498.1" || g.Finding != "Nodule" || g.Site != "Lung (Left)" || g.At != "1.2.1" {
		t.Errorf("%+v", g)
	}
	if m := g.Measurements[0]; m.Value != 1234.56789012345 || m.Unit != "mm3" || m.At != "1.2.1.7" {
		t.Errorf("%+v", m)
	}
	if m := g.Measurements[1]; m.Label != "Attenuation Coefficient (Mean)" || m.Value != -12.5 {
		t.Errorf("%+v", m)
	}
	if m := g.Measurements[3]; m.Code.Value != "SPHERICITYLONGCODEVALUE" || !math.IsNaN(m.Value) {
		t.Errorf("%+v", m)
	}
	if len(g.Evaluations) != 3 {
		t.Errorf("a comment is an evaluation: %v", g.Evaluations)
	}
	if r.Groups[1].Finding != "Lymph node" || r.Groups[1].Site != "Mediastinum" {
		t.Errorf("%+v", r.Groups[1])
	}
}

// report is a file with one group of one number.
func report(t *testing.T, patient, title, value, meaning string) []byte {
	t.Helper()
	contains := func(kind string, name p10.Code) *p10.Set {
		return (&p10.Set{}).Text(p10.RelationshipType, "CONTAINS").Text(p10.ValueType, kind).Items(p10.ConceptNameCodeSequence, name.Item())
	}
	measured := (&p10.Set{}).Text(p10.NumericValue, value)
	number := contains("NUM", p10.Code{Value: "1", Scheme: "99TEST", Meaning: meaning}).Items(p10.MeasuredValueSequence, measured)
	group := contains("CONTAINER", p10.Code{Value: "125007", Scheme: "DCM", Meaning: "Measurement Group"}).Items(p10.ContentSequence, number)
	all := contains("CONTAINER", p10.Code{Value: "126010", Scheme: "DCM", Meaning: "Imaging Measurements"}).Items(p10.ContentSequence, group)
	root := (&p10.Set{}).Text(p10.ValueType, "CONTAINER").Text(p10.Modality, "SR").Text(p10.PatientID, patient)
	root.Text(p10.SOPClassUID, "1.2.840.10008.5.1.4.1.1.88.33").Text(p10.SOPInstanceUID, "1.2.3")
	root.Items(p10.ConceptNameCodeSequence, p10.Code{Value: title, Scheme: "DCM", Meaning: "Title"}.Item()).Items(p10.ContentSequence, all)
	b, err := p10.Encode(root)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMeasurementReportRefuses(t *testing.T) {
	if r, err := DecodeMeasurementReport(bytes.NewReader(report(t, "P", "126000", "2.5", "Length"))); err != nil || r.Groups[0].Measurements[0].Value != 2.5 {
		t.Errorf("%+v %v", r, err)
	}
	for want, b := range map[string][]byte{
		"want an Imaging Measurement Report": report(t, "P", "126001", "2", "Length"),
		"names no patient":                   report(t, "", "126000", "2", "Length"),
		"1.1.1.1 (NUM) has no concept name":  report(t, "P", "126000", "2", ""),
		"content item 1.1.1.1 (Length)":      bytes.Replace(report(t, "P", "126000", "123456", "Length"), []byte("123456"), []byte("12x456"), 1),
		"cut off":                            report(t, "P", "126000", "2", "Length")[:400],
	} {
		if _, err := DecodeMeasurementReport(bytes.NewReader(b)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := ReadMeasurementReport("../image/dicom/testdata/plain.dcm"); !errors.Is(err, dicom.ErrNotReport) || !strings.Contains(err.Error(), "plain.dcm") {
		t.Errorf("an image: %v", err)
	}
	if _, err := ReadMeasurementReport("testdata/make.py"); !errors.Is(err, dicom.ErrNotDICOM) {
		t.Errorf("a script: %v", err)
	}
}

// No report makes the reader panic, and what it accepts has a patient, names and finite numbers.
func FuzzDecodeMeasurementReport(f *testing.F) {
	for _, name := range []string{"one", "two"} {
		b, err := os.ReadFile("testdata/" + name + ".dcm")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeMeasurementReport(bytes.NewReader(b))
		if err != nil {
			return
		}
		if r.Patient == "" {
			t.Error("a report of nobody")
		}
		for _, g := range r.Groups {
			for _, m := range g.Measurements {
				if m.Label == "" || math.IsInf(m.Value, 0) {
					t.Errorf("%+v", m)
				}
			}
		}
	})
}

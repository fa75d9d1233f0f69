package object_test

import (
	"bytes"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
)

// What a report says is what a cohort reads from it: features, probabilities and the class.
func TestReportIsReadAsMeasurements(t *testing.T) {
	r := result()
	b, err := object.Report(&r, object.Document{Program: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := clinical.DecodeMeasurementReport(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if m.Patient != "P1" || len(m.Groups) != 3 { // the region and two outcomes; what else is said are comments
		t.Fatalf("%+v", m)
	}
	region, grade := m.Groups[0], m.Groups[1]
	if v := region.Measurements[0]; region.Tracking != "region" || v.Label != "Volume" || v.Value != *r.Features[0].Value || v.Unit != "mm3" {
		t.Errorf("%+v", region)
	}
	if len(grade.Evaluations) != 1 || grade.Evaluations[0].Meaning != "high" || len(grade.Measurements) != 2 || grade.Measurements[0].Value != 0.8 {
		t.Errorf("%+v", grade)
	}
}

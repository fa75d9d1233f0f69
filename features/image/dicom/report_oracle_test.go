package dicom_test

import (
	"testing"

	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/oracle"
)

// The numbers of OFFIS's test document, which is of no template, are those that DCMTK's dsrdump prints: two diameters of 3 cm.
func TestReportOracle(t *testing.T) {
	r, err := dicom.ReadReport(oracle.Data(t, "dicom", "pydicom_testfiles", "test-SR.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	c := oracle.Absolute(t, "numbers of a structured report", "comprehensive SR of OFFIS", "DCMTK dsrdump", 0)
	var walk func(*dicom.Content)
	walk = func(i *dicom.Content) {
		if i.Type == "NUM" {
			c.Near(i.At, i.Number, 3)
			if i.Name.Meaning != "Diameter" || i.Unit.Value != "cm" {
				t.Errorf("%+v", i)
			}
		}
		for _, below := range i.Items {
			walk(below)
		}
	}
	walk(r.Root)
}

package dicom_test

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/image/dicom"
)

// pet is a slice of 18F PET with 100 + i Bq/ml in pixel i: 370 MBq injected at 10:00, scanned at 11:00, 70 kg, 1.75 m.
func pet() set {
	return slice(1).with(set{
		0x00080016: "1.2.840.10008.5.1.4.1.1.128", 0x00080021: "20200102", 0x00080031: "110000.00", 0x00080022: "20200102", 0x00080032: "110500",
		0x00080060: "PT", 0x00100040: "M", 0x00101020: "1.75", 0x00101030: "70", 0x00280051: "NORM\\ATTN\\DECY", 0x00541001: "BQML", 0x00541102: "START",
		0x00281052: "0", 0x00281053: "1",
		0x00540016: []set{{0x00181072: "100000.000000", 0x00181074: "370000000", 0x00181075: "6586.2"}},
	})
}

func read(t *testing.T, s set, kind dicom.SUV) (float64, error) {
	t.Helper()
	f, err := dicom.OpenFolder(folder(t, s))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := f.Series[0].Read(dicom.Options{SUV: kind})
	if err != nil {
		return 0, err
	}
	return r.Volume.Values[0], nil
}

// The formulas of the normalisations, worked by hand from the attributes of pet.
func TestSUV(t *testing.T) {
	decayed := 370e6 * math.Exp2(-3600/6586.2)
	drug := func(change set) set { return set{0x00540016: []set{pet()[0x00540016].([]set)[0].with(change)}} }
	for name, c := range map[string]struct {
		file set
		kind dicom.SUV
		want float64
	}{
		"body weight":       {pet(), "", 100 * 70000 / decayed},
		"lean, James":       {pet(), dicom.SUVLeanBodyMass, 100 * 1000 * (1.10*70 - 128*0.4*0.4) / decayed},
		"lean, James, F":    {pet().with(set{0x00100040: "F"}), dicom.SUVLeanBodyMass, 100 * 1000 * (1.07*70 - 148*0.4*0.4) / decayed},
		"lean, Janma":       {pet(), dicom.SUVLeanBodyMassJanmahasatian, 100 * 1000 * 9270 * 70 / (6680 + 216*70/1.75/1.75) / decayed},
		"body surface":      {pet(), dicom.SUVBodySurface, 100 * 1e4 * 0.007184 * math.Pow(70, 0.425) * math.Pow(175, 0.725) / decayed},
		"none":              {pet(), dicom.SUVNone, 100},
		"corrected to dose": {pet().with(set{0x00541102: "ADMIN"}), "", 100 * 70000 / 370e6},
		"date and time":     {pet().with(drug(set{0x00181078: "20200102100000.000", 0x00181072: nil})), "", 100 * 70000 / decayed},
		"before midnight":   {pet().with(set{0x00080031: "003000", 0x00080032: "003000"}).with(drug(set{0x00181072: "233000"})), "", 100 * 70000 / decayed},
		"made later":        {pet().with(set{0x00080031: "150000", 0x00080032: "110000", 0x00541300: "0", 0x00181242: "1"}), "", 100 * 70000 / decayed},
		"SUV already":       {pet().with(set{0x00541001: "GML"}), "", 100},
		"Philips, SUV":      {pet().with(set{0x00541001: "CNTS", 0x70531000: "0.00025"}), "", 100 * 0.00025},
		"Philips, Bq":       {pet().with(set{0x00541001: "CNTS", 0x70531009: "1.5"}), "", 150 * 70000 / decayed},
	} {
		got, err := read(t, c.file, c.kind)
		if err != nil || math.Abs(got-c.want) > 1e-6*c.want {
			t.Errorf("%s: got %g (%v), want %g", name, got, err, c.want)
		}
	}
}

// Without weight, dose or time there is no SUV, and all that is missing is said at once.
func TestSUVRefuses(t *testing.T) {
	drug := func(change set) set { return set{0x00540016: []set{pet()[0x00540016].([]set)[0].with(change)}} }
	for name, c := range map[string]struct {
		change set
		kind   dicom.SUV
		want   []string
	}{
		"weight":          {set{0x00101030: nil}, "", []string{"PatientWeight, kg is missing", ".dcm"}},
		"zero weight":     {set{0x00101030: "0"}, "", []string{"PatientWeight, kg is missing"}},
		"height":          {set{0x00101020: nil}, dicom.SUVBodySurface, []string{"PatientSize, m is missing"}},
		"sex":             {set{0x00100040: "O"}, dicom.SUVLeanBodyMass, []string{`PatientSex is "O"`}},
		"dose":            {drug(set{0x00181074: nil}), "", []string{"RadionuclideTotalDose, Bq is missing"}},
		"half-life":       {drug(set{0x00181075: nil}), "", []string{"RadionuclideHalfLife, s is missing"}},
		"time":            {drug(set{0x00181072: nil}), "", []string{"RadiopharmaceuticalStartTime is missing"}},
		"drug":            {set{0x00540016: nil}, "", []string{"dose and time"}},
		"scan":            {set{0x00080031: nil, 0x00080032: nil}, "", []string{"SeriesDate, SeriesTime"}},
		"no correction":   {set{0x00280051: "NORM"}, "", []string{"CorrectedImage"}},
		"decay":           {set{0x00541102: "NONE"}, "", []string{"DecayCorrection is \"NONE\""}},
		"counts":          {set{0x00541001: "CNTS"}, "", []string{"neither of Philips' factors"}},
		"kind":            {nil, "lbw", []string{`no normalisation "lbw"`}},
		"SUV already":     {set{0x00541001: "GML"}, dicom.SUVBodySurface, []string{"SUV by body weight already"}},
		"several at once": {set{0x00540016: drug(set{0x00181074: nil})[0x00540016], 0x00101030: nil}, "", []string{"PatientWeight", "RadionuclideTotalDose"}},
		"made later":      {set{0x00080031: "150000"}, "", []string{"FrameReferenceTime"}},
	} {
		_, err := read(t, pet().with(c.change), c.kind)
		says(t, name, err, c.want...)
	}
}

package dicom_test

import (
	"testing"

	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/settings"
)

// study is a folder of four series: an axial FLAIR, a T1 with contrast, a diffusion series of two b-values, a derived ADC.
func study(t *testing.T) *dicom.Folder {
	t.Helper()
	mr := func(z float64, uid, number, description string, change set) set {
		return slice(z).with(set{0x00080060: "MR", 0x0020000E: uid, 0x00200011: number, 0x0008103E: description}).with(change)
	}
	var files []set
	for _, z := range []float64{0, 3} {
		files = append(files,
			mr(z, "1.21", "1", "AX T2 FLAIR / 3mm", set{0x00180081: "120", 0x00180080: "9000", 0x00180082: "2500", 0x00180050: "3"}),
			mr(z, "1.22", "2", "T1 post", set{0x00180010: "Gadovist", 0x00180081: "3", 0x00180050: "1"}),
			mr(z, "1.23", "3", "DWI", set{0x00189087: 0.0}), mr(z, "1.23", "3", "DWI", set{0x00189087: 1000.0, 0x00080018: "1.8.8"}),
			mr(z, "1.24", "4", "ADC", set{0x00080008: "DERIVED\\SECONDARY\\ADC"}))
	}
	f, err := dicom.OpenFolder(folder(t, files...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// rules reads a block of a configuration.
func rules(t *testing.T, text string) (dicom.Rules, error) {
	t.Helper()
	n, err := settings.Parse("study.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var r dicom.Rules
	var p settings.Problems
	settings.Decode(n, &r, &p)
	return r, p.Err()
}

func TestSelect(t *testing.T) {
	f := study(t)
	for text, number := range map[string]string{
		`series_description: "*flair*"`: "1", `series_description: "ax t2 flair / 3mm"`: "1", "inversion_time: [2000, 3000]": "1", "echo_time: 120": "1",
		"contrast: true": "2", "slice_thickness: {}": "", "slice_thickness: 1": "2", "b_value: 1000": "3", "b_value: 0": "3",
		"image_type: [ADC]": "4", `{image_type: ["!ADC"], contrast: false, echo_time: [100, 200]}`: "1", "image_type: derived": "4", "repetition_time: 9000": "1",
	} {
		r, err := rules(t, text)
		if number == "" {
			says(t, text, err, "study.yaml:1:")
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		s, err := f.Select(r)
		if err != nil || s.Number != number {
			t.Errorf("%s: %v (%v), want series %s", text, s, err, number)
			continue
		}
		if g, err := s.Grid(); err != nil || g.Size[2] != 2 {
			t.Errorf("%s: %+v (%v)", text, g, err)
		}
	}
}

// None or several: refused, with every candidate and the rule that it failed.
func TestSelectRefuses(t *testing.T) {
	f := study(t)
	for text, want := range map[string][]string{
		"modality: CT":            {"none of 4 series fits", `"T1 post"`, `modality is "MR", want "CT"`, f.Path},
		"modality: MR":            {"4 of 4 series fit the rules; add one", `"DWI"`, "fits"},
		"contrast: false":         {"3 of 4 series fit", `contrast agent is "Gadovist", want contrast: false`},
		"b_value: [400, 600]":     {"b_value is 0, want 400 to 600; b_value is 1000", "b_value is not in the file"},
		`series_description: "x"`: {`series_description is "ADC", want "x"`},
		`kernel: "B*"`:            {`kernel is "", want "B*"`},
		`image_type: [LOCALIZER]`: {`image_type is DERIVED\SECONDARY\ADC, want LOCALIZER`},
	} {
		r, err := rules(t, text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Select(r)
		says(t, text, err, want...)
	}
	_, err := rules(t, `{series_description: "[a", echo_time: [3, 1], echo: 4}`)
	says(t, "bad rules", err, "not a pattern", "want a number, or [least, most]", "echo")
}

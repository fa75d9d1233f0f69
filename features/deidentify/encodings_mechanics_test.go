package deidentify

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// object is a CT image with more attributes.
func object(more ...element) dataSet {
	d := dataSet{{tag: 0x00080016, vr: "UI", value: []byte("1.2.840.10008.5.1.4.1.1.2")}, {tag: 0x00080018, vr: "UI", value: []byte("1.2.3")}, {tag: patientID, vr: "LO", value: []byte("MRN4711")},
		{tag: 0x0020000D, vr: "UI", value: []byte("1.3")}, {tag: 0x0020000E, vr: "UI", value: []byte("1.4")}}
	for _, e := range more {
		d.put(e)
	}
	return d
}

func cleaned(t *testing.T, b []byte) (dataSet, []byte) {
	t.Helper()
	made, err := Key(bytes.Repeat([]byte{7}, 32)).Identify(b)
	if err != nil {
		t.Fatal(err)
	}
	_, _, out, err := read(made.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return out, made.Bytes
}

// A name in Japanese (PS3.5, H.3.1: ISO 2022 IR 87), whose bytes hold a backslash, goes; the character set stays.
func TestJapanese(t *testing.T) {
	name := []byte("Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B")
	out, b := cleaned(t, file(object(element{tag: characterSet, vr: "CS", value: []byte(`\ISO 2022 IR 87`)}, element{tag: patientName, vr: "PN", value: name},
		element{tag: 0x0008103E, vr: "LO", value: []byte("CHEST \x1b$B;3ED\x1b(B")}, element{tag: 0x00080070, vr: "LO", value: []byte("Yamada Medical")}), false))
	for _, left := range []string{"Yamada", "Tarou", ";3ED", "B@O:"} {
		if bytes.Contains(b, []byte(left)) {
			t.Errorf("%q is left", left)
		}
	}
	if out.text(characterSet) != `\ISO 2022 IR 87` || out.text(0x0008103E) != "CHEST" {
		t.Errorf("character set %q, description %q", out.text(characterSet), out.text(0x0008103E))
	}
}

// An attribute of VR UN, a sequence of defined length within UN, and a value whose VR is not the attribute's are seen through.
func TestUnknownVR(t *testing.T) {
	inner := dataSet{{tag: 0x00081155, vr: "UI", value: []byte("1.2.3.9")}, {tag: 0x00080080, vr: "LO", value: []byte("HOSPITAL")}}.append(nil, true)
	sequence := header(nil, item, "", uint32(len(inner)), true)
	sequence = append(sequence, inner...)
	out, b := cleaned(t, file(object(element{tag: 0x00081115, vr: "UN", value: sequence}, element{tag: 0x00100040, vr: "UN", value: []byte("F ")},
		element{tag: patientName, vr: "UN", value: []byte("DOE^JANE")}, element{tag: 0x00181030, vr: "UN", value: []byte("JANE")},
		element{tag: 0x00181050, vr: "US", value: []byte("JANEDOE ")}, element{tag: 0x00101030, vr: "LO", value: []byte("JANE")}, element{tag: 0x7771000A, vr: "UN", value: []byte("JANE")},
		element{tag: 0x00189999, vr: "CS", value: []byte("JANE")}), false))
	for _, left := range []string{"JANE", "DOE", "HOSPITAL"} {
		if bytes.Contains(b, []byte(left)) {
			t.Errorf("%s is left", left)
		}
	}
	key := Key(bytes.Repeat([]byte{7}, 32))
	if s := out.find(0x00081115); s == nil || s.vr != "SQ" || len(s.items) != 1 || s.items[0].text(0x00081155) != key.UID("1.2.3.9") {
		t.Errorf("the sequence is %+v", s)
	}
	if out.text(0x00100040) != "F" {
		t.Error("the sex is lost")
	}
}

// A word of the patient's name is left nowhere: not in a code's meaning, in a code string, in a maker's text, nor in a description, even if it is a
// word of the field.
func TestNamesInOtherTexts(t *testing.T) {
	_, b := cleaned(t, file(object(element{tag: patientName, vr: "PN", value: []byte("Mustermann^Lung")}, element{tag: 0x00080070, vr: "LO", value: []byte("Mustermann AG")},
		element{tag: 0x00180015, vr: "CS", value: []byte("MUSTERMANN")}, element{tag: 0x00180024, vr: "SH", value: []byte("mustermann_se")}, element{tag: 0x0008103E, vr: "LO", value: []byte("CHEST mustermann lung mrn4711")},
		element{tag: 0x00082218, vr: "SQ", items: []dataSet{{{tag: 0x00080104, vr: "LO", value: []byte("Herr Mustermann")}}}}), false))
	for _, left := range []string{"mustermann", "4711", "lung"} {
		if bytes.Contains(bytes.ToLower(b), []byte(left)) {
			t.Errorf("%s is left", left)
		}
	}
	if !bytes.Contains(b, []byte("CHEST")) {
		t.Error("the description is lost")
	}
}

// Descriptions keep the words of the field.
func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"Ax T2 FLAIR 3mm": "Ax T2 FLAIR 3mm", "CHEST/ABD w CONTRAST": "CHEST ABD CONTRAST", "GTV_Mass_CT": "GTV_Mass_CT", "PROSTATE for Dr. Huber": "PROSTATE", "Müller": "", "born 3/2/1961": "",
		"CT 3/2/61": "CT", "Head 12": "Head 12", "b1000 ADC": "b1000 ADC", "Isocenter 2": "Isocenter 2", "4711": "", "12": "", "": "", "ep2d_diff_3scan_trace": "trace", "T1W\\JANE": "T1W", "CT 20200101": "CT",
	} {
		if got, _ := clean(text, nil); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Two regions whose names differ in what may not stay do not become one.
func TestRegionNames(t *testing.T) {
	roi := func(n, name string) dataSet {
		return dataSet{{tag: roiNumber, vr: "IS", value: []byte(n)}, {tag: roiName, vr: "LO", value: []byte(name)}}
	}
	out, _ := cleaned(t, file(object(element{tag: 0x30060020, vr: "SQ", items: []dataSet{roi("1", "PTV Huber"), roi("2", "PTV Maier"), roi("3", "Maier"), roi("4", "GTV")}}), false))
	var got []string
	for _, it := range out.find(0x30060020).items {
		got = append(got, it.text(roiName))
	}
	if strings.Join(got, ",") != "PTV 1,PTV 2,ROI 3,GTV" {
		t.Errorf("%q", got)
	}
}

// Dates that are rough stay as rough, and move; what is no date goes.
func TestShift(t *testing.T) {
	for value, want := range map[string]string{
		"20200301": "20190302", "20200301101112.25+0100": "20190302101112.25+0100", "2020": "2019", "202003": "201903", "2020.03.01": "2019.03.02", "": "", "JANE": "", "2020JANE": "", "20201301": "", "20200301x": "", "2020030110": "2019030210",
	} {
		if got := shift(value, 365); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

// Safe private attributes stay where they hold numbers, and nowhere else; others go, whatever their creator is called.
func TestSafePrivate(t *testing.T) {
	doubles := binary.LittleEndian.AppendUint64(nil, 0x3FE0000000000000) // 0.5
	d := object(element{tag: 0x00190010, vr: "LO", value: []byte("SIEMENS MR HEADER")}, element{tag: 0x0019100C, vr: "IS", value: []byte("800")}, element{tag: 0x0019100E, vr: "UN", value: bytes.Repeat(doubles, 3)},
		element{tag: 0x0019100D, vr: "CS", value: []byte("JANE")}, element{tag: 0x00191008, vr: "CS", value: []byte("IMAGE NUM 4")},
		element{tag: 0x00430011, vr: "LO", value: []byte("GEMS_PARM_01")}, element{tag: 0x00431139, vr: "IS", value: []byte(`1000000800\8\0\0`)}, element{tag: 0x00431127, vr: "SH", value: []byte("1.375:1")},
		element{tag: 0x20050010, vr: "LO", value: []byte("Philips MR Imaging DD 001")}, element{tag: 0x2005100E, vr: "FL", value: []byte{0, 0, 0x80, 0x3F}}, element{tag: 0x2005100D, vr: "UN", value: []byte("JANEDOE ")},
		element{tag: 0x70530010, vr: "LO", value: []byte("Philips PET Private Group")}, element{tag: 0x70531000, vr: "DS", value: []byte("0.00038")}, element{tag: 0x70531009, vr: "DS", value: []byte("1.2 JANE")})
	for _, implicit := range []bool{false, true} {
		out, b := cleaned(t, file(d, implicit))
		for _, want := range []uint32{0x00190010, 0x0019100C, 0x0019100E, 0x00430011, 0x00431139, 0x00431127, 0x20050010, 0x70530010, 0x70531000} {
			if out.find(want) == nil {
				t.Errorf("implicit %v: %08X is gone", implicit, want)
			}
		}
		for _, never := range []uint32{0x0019100D, 0x00191008, 0x2005100D, 0x70531009} {
			if out.find(never) != nil {
				t.Errorf("implicit %v: %08X is left", implicit, never)
			}
		}
		if bytes.Contains(b, []byte("JANE")) {
			t.Errorf("implicit %v: the name is left", implicit)
		}
	}
}

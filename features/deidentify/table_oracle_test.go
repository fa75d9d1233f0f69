package deidentify

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/oracle"
)

// classes are objects whose attributes differ in type: PS3.3 2025c, Tables A.3-1, A.36-1, A.51-1, A.19-1 and A.20-1.
var classes = map[string]string{
	"CT": "1.2.840.10008.5.1.4.1.1.2", "Enhanced MR": "1.2.840.10008.5.1.4.1.1.4.1", "Segmentation": "1.2.840.10008.5.1.4.1.1.66.4",
	"RT Structure Set": "1.2.840.10008.5.1.4.1.1.481.3", "RT Plan": "1.2.840.10008.5.1.4.1.1.481.5",
}

// types are those of attributes with a compound code that are of type 1 or 2 (1C, 2C) in an object; elsewhere they are of type 3, or not in the
// object. PS3.3: DeviceSerialNumber C.7.5.2; ReferencedPerformedProcedureStepSequence C.8.13.6 and C.8.20.1; AcquisitionContextSequence C.7.6.14;
// ContentCreatorName Table 10-12; OperatorsName C.8.8.1; ReviewerName C.8.8.16; TreatmentMachineName C.8.8.14; SourceSerialNumber C.8.8.21;
// ContrastBolusAgent C.7.6.4.
var types = map[string]map[string]int{
	"00181000": {"Enhanced MR": 1, "Segmentation": 1},
	"00081111": {"Enhanced MR": 1, "Segmentation": 1},
	"00400555": {"Enhanced MR": 2},
	"00081070": {"RT Structure Set": 2, "RT Plan": 2},
	"300E0008": {"RT Structure Set": 2, "RT Plan": 2},
	"300A00B2": {"RT Structure Set": 2, "RT Plan": 2},
	"30080105": {"RT Structure Set": 2, "RT Plan": 2},
	"00700084": {"CT": 2, "Enhanced MR": 2, "Segmentation": 2, "RT Structure Set": 2, "RT Plan": 2},
	"00180010": {"CT": 2, "Enhanced MR": 2, "Segmentation": 2, "RT Structure Set": 2, "RT Plan": 2},
}

// ofEquipment are dates that the option would let be modified, and that are treated by the basic profile: see equipmentDates.
var ofEquipment = map[string]bool{"00080106": true, "00080107": true, "0014407C": true, "0014407E": true, "00181200": true, "00181201": true, "00181202": true, "00181203": true,
	"00181204": true, "00181205": true, "0018700C": true, "0018700E": true, "0040DB06": true, "0040DB07": true, "0044000B": true, "0072000A": true}

// code is the action that the table and the options demand: one letter; S is a date that is moved.
func code(r *Row, object string, p *Profile) string {
	tag := strings.ToUpper(r.Tag)
	if tag == "00080201" { // without the offset, times of day would not say how long a tracer decayed
		return "K"
	}
	dates := r.ModifiedDates == "C" && !ofEquipment[tag] && (r.VR == "DA" || r.VR == "DT" || r.VR == "TM")
	switch {
	case r.Patient == "K":
		return "K"
	case p.Institutions && r.Institution == "K":
		return "K"
	case p.Devices && r.Device == "K" && !dates:
		return "K"
	case dates && r.VR == "TM":
		return "K"
	case dates:
		return "S"
	}
	if len(r.Basic) == 1 {
		return r.Basic
	}
	if r.Basic == "X/Z/U*" {
		return "U"
	}
	switch types[tag][object] {
	case 1:
		return "D"
	case 2:
		return "Z"
	}
	return r.Basic[:1]
}

// Every attribute of Table E.1-1 of PS3.15, with a value, in a sequence and empty, in five kinds of object and with each option, comes out as
// the profile and the options demand: gone (X), empty (Z), another value (D), as it was (K), with its UIDs replaced (U), or a date moved by the
// patient's shift.
func TestTable(t *testing.T) {
	key := Key(bytes.Repeat([]byte{7}, 32))
	check := oracle.Absolute(t, "attributes as the profile demands", "basic profile; clean descriptors, modified dates, patient characteristics, device and institution identity", "DICOM PS3.15 2025c, Table E.1-1", 0)
	if n := len(Table()); n != 647 {
		t.Errorf("%d rows", n)
	}
	for object, class := range classes {
		for _, p := range []*Profile{{Key: key}, {Key: key, Devices: true}, {Key: key, Institutions: true}} {
			if object != "CT" && (p.Devices || p.Institutions) {
				continue
			}
			for i := range Table() {
				r := &Table()[i]
				if r.Tag == "00020003" || r.Tag == "00080018" || r.Tag == "0020000d" || r.Tag == "0020000e" || r.Tag == "00100020" || r.Tag == "00100010" {
					continue // of the file itself: TestFileMeta and TestCanary
				}
				for _, e := range samples(r) {
					for _, nested := range []bool{false, true} {
						if nested && (e.tag>>16 == 4 || object != "CT") {
							continue
						}
						got := through(t, p, class, e, nested)
						why := differs(r, code(r, object, p), &e, got, key.Days("P", ""), key)
						bad := 0.0
						if why != "" {
							bad = 1
						}
						check.Near(fmt.Sprintf("%s %s (%s) in %s, devices %v, institutions %v, nested %v: %s", r.Tag, r.Name, r.Basic, object, p.Devices, p.Institutions, nested, why), bad, 0)
					}
				}
			}
		}
	}
}

// samples are elements of an attribute, or of a pattern of them: with a value and without.
func samples(r *Row) []element {
	value := func(t uint32, vr string) []element {
		e := element{tag: t, vr: vr, value: map[string][]byte{"DA": []byte("19610203"), "DT": []byte("19610203101112.5+0100"), "TM": []byte("101112.5"), "UI": []byte("1.2.3.4"), "AS": []byte("045Y"),
			"DS": []byte("70.5"), "IS": []byte("12"), "CS": []byte("F"), "US": {3, 1}, "OB": []byte("JANE"), "UN": []byte("JANE"), "UR": []byte("urn:x")}[vr]}
		if e.value == nil && vr != "SQ" {
			e.value = []byte("JANE^DOE")
		}
		if vr == "SQ" {
			e.items = []dataSet{{{tag: 0x00080080, vr: "LO", value: []byte("HOSPITAL JANE")}, {tag: 0x00081155, vr: "UI", value: []byte("1.2.3.5")}}}
		}
		if t == timezoneUTC {
			e.value = []byte("+0100")
		}
		return []element{e, {tag: t, vr: vr}}
	}
	switch r.Tag {
	case "50xxxxxx":
		return slices.Concat(value(0x50003000, "OW"), value(0x501E0010, "US"), value(0x50020022, "LO"))
	case "60xx3000":
		return slices.Concat(value(0x60003000, "OW"), value(0x601E3000, "OW"))
	case "60xx4000":
		return slices.Concat(value(0x60004000, "LT"), value(0x60024000, "LT"))
	case "ggggeeee":
		return slices.Concat(value(0x00091001, "LO"), value(0x00091002, "SQ"), value(0x00091003, "UN"))
	}
	t, err := strconv.ParseUint(r.Tag, 16, 32)
	if err != nil {
		panic(err)
	}
	return value(uint32(t), r.VR)
}

// through takes a file of one attribute through the profile and returns what became of it.
func through(t *testing.T, p *Profile, class string, e element, nested bool) *element {
	t.Helper()
	d := dataSet{}
	for _, x := range []element{{tag: 0x00080016, vr: "UI", value: []byte(class)}, {tag: 0x00080018, vr: "UI", value: []byte("1.2")}, {tag: patientID, vr: "LO", value: []byte("P")},
		{tag: 0x0020000D, vr: "UI", value: []byte("1.3")}, {tag: 0x0020000E, vr: "UI", value: []byte("1.4")}, {tag: 0x00090010, vr: "LO", value: []byte("JANE")}} {
		d.put(x)
	}
	const around = 0x00540016 // a sequence that stays
	if nested {
		d.put(element{tag: around, vr: "SQ", items: []dataSet{{e}}})
	} else {
		d.put(e)
	}
	made, err := p.Identify(d.append(newMeta(class, "1.2", explicitLittle), false))
	if err != nil {
		t.Fatalf("%08X: %v", e.tag, err)
	}
	_, _, out, err := read(made.Bytes)
	if err != nil {
		t.Fatalf("%08X: %v", e.tag, err)
	}
	if nested {
		out = out.find(around).items[0]
	}
	return out.find(e.tag)
}

// differs says how an attribute is not what a code demands; "" where it is.
func differs(r *Row, code string, was, got *element, days int, key Key) string {
	full := len(was.value) > 0 || len(was.items) > 0
	switch {
	case code == "X":
		if got != nil {
			return fmt.Sprintf("it is there: %q", got.value)
		}
		return ""
	case got == nil:
		return "it is gone"
	}
	is, value := trim(was.value), trim(got.value)
	switch code {
	case "Z":
		if value != "" || len(got.items) > 0 {
			return fmt.Sprintf("it is not empty: %q", got.value)
		}
	case "D":
		if full && value == is && was.vr != "SQ" || len(got.value) == 0 && len(got.items) == 0 && (full || was.vr != "UI" && was.vr != "SQ" || was.vr == "SQ" && r.Basic == "D") {
			return fmt.Sprintf("no dummy: %q", got.value)
		}
		if was.vr == "SQ" && bytes.Contains(dataSet{*got}.append(nil, false), []byte("JANE")) {
			return "a name is in its items"
		}
	case "K":
		if value != is || len(got.items) != len(was.items) {
			return fmt.Sprintf("it was changed to %q", got.value)
		}
	case "U":
		if was.vr == "SQ" {
			if len(was.items) > 0 && (len(got.items) != 1 || got.items[0].text(0x00081155) != key.UID("1.2.3.5")) {
				return "its UIDs are not replaced"
			}
		} else if value != key.UID(is) {
			return fmt.Sprintf("%q is not the new UID", got.value)
		}
	case "S":
		want := ""
		if full {
			day, err := time.Parse("20060102", is[:8])
			if err != nil {
				return err.Error()
			}
			want = day.AddDate(0, 0, -days).Format("20060102") + is[8:]
		}
		if value != want {
			return fmt.Sprintf("%q, want %q", value, want)
		}
	}
	return ""
}

// The file meta information of what comes out has the new UID and nothing of where the file was; the preamble and trailing padding are empty.
func TestFileMeta(t *testing.T) {
	d := dataSet{{tag: 0x00080016, vr: "UI", value: []byte(classes["CT"])}, {tag: 0x00080018, vr: "UI", value: []byte("1.2.3")}, {tag: patientID, vr: "LO", value: []byte("P")},
		{tag: 0x0020000D, vr: "UI", value: []byte("1.3")}, {tag: 0x0020000E, vr: "UI", value: []byte("1.4")}, {tag: 0xFFFCFFFC, vr: "OB", value: []byte("JANE")}}
	meta := dataSet{{tag: 0x00020001, vr: "OB", value: []byte{0, 1}}, {tag: 0x00020002, vr: "UI", value: []byte(classes["CT"])}, {tag: 0x00020003, vr: "UI", value: []byte("1.2.3")}, {tag: 0x00020010, vr: "UI", value: []byte(explicitLittle)},
		{tag: 0x00020012, vr: "UI", value: []byte("1.2.99")}, {tag: 0x00020013, vr: "SH", value: []byte("JANE")}, {tag: 0x00020016, vr: "AE", value: []byte("JANE")}, {tag: 0x00020017, vr: "AE", value: []byte("JANE")},
		{tag: 0x00020100, vr: "UI", value: []byte("1.2.99")}, {tag: 0x00020102, vr: "OB", value: []byte("JANE")}}
	b := append(bytes.Repeat([]byte("JANE"), 32), "DICM"...)
	b = d.append(meta.append(b, false), false)
	key := Key(bytes.Repeat([]byte{7}, 32))
	made, err := key.Identify(b)
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := fileMeta(made.Bytes[132:])
	if err != nil {
		t.Fatal(err)
	}
	if out.text(0x00020003) != key.UID("1.2.3") || made.UID != key.UID("1.2.3") || bytes.Contains(made.Bytes, []byte("JANE")) || bytes.Contains(made.Bytes, []byte("1.2.99")) {
		t.Errorf("%q", made.Bytes)
	}
	if _, err := key.Identify(dataSet{}.append(newMeta(mediaDirectory, "1.2", explicitLittle), false)); err != ErrDirectory {
		t.Errorf("a DICOMDIR: %v", err)
	}
}

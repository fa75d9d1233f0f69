package deidentify

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"
)

const canary = "CANARY"

// groups are those of PS3.6 that hold attributes of objects.
var groups = []int{0x0008, 0x0010, 0x0012, 0x0014, 0x0016, 0x0018, 0x0020, 0x0022, 0x0024, 0x0028, 0x0032, 0x0038, 0x003A, 0x0040, 0x0042, 0x0044, 0x0046, 0x0048, 0x0050,
	0x0052, 0x0054, 0x0060, 0x0062, 0x0064, 0x0066, 0x0068, 0x0070, 0x0072, 0x0074, 0x0076, 0x0078, 0x0080, 0x0088, 0x0100, 0x0400, 0x2000, 0x2010, 0x2020, 0x2030, 0x2040,
	0x2050, 0x2100, 0x2110, 0x2120, 0x2130, 0x2200, 0x3002, 0x3004, 0x3006, 0x3008, 0x300A, 0x300C, 0x300E, 0x4000, 0x4008, 0x4010, 0x4FFE, 0x5200, 0x5400, 0x5600, 0x6000}

// planted is a data set that has every attribute of PS3.6 of a text, date, name or number VR, with the canary, or a birthday, in it.
var planted = sync.OnceValue(func() dataSet {
	var d dataSet
	for _, group := range groups {
		for e := range 0x10000 {
			t := uint32(group)<<16 | uint32(e)
			if t == 0x00280301 || e == 0 {
				continue
			}
			info, err := tag.Find(tag.Tag{Group: uint16(group), Element: uint16(e)})
			if err != nil {
				continue
			}
			v := element{tag: t, vr: info.VRs[0], value: []byte(canary + "^JANE")}
			switch v.vr {
			case "SQ":
				v.value, v.items = nil, []dataSet{{{tag: 0x00080080, vr: "LO", value: []byte(canary)}, {tag: 0x00104000, vr: "LT", value: []byte(canary)}}}
			case "DA":
				v.value = []byte("19610203")
			case "DT":
				v.value = []byte("19610203101112")
			case "UI":
				v.value = []byte("1.2.3.1961.0203.4")
			case "OB", "OW", "OF", "OD", "OV", "US or SS":
				if special[t] == keep { // pixels and their tables
					v.value = []byte{1, 0}
				}
			case "US", "SS":
				v.value = []byte{1, 0}
			case "UL", "SL", "FL", "AT":
				v.value = []byte{1, 0, 0, 0}
			case "FD", "SV", "UV":
				v.value = make([]byte, 8)
			}
			d = append(d, v)
		}
	}
	d.put(element{tag: 0x00080016, vr: "UI", value: []byte("1.2.840.10008.5.1.4.1.1.2")})
	d.put(element{tag: 0x00080060, vr: "CS", value: []byte("CT")})
	d.put(element{tag: 0x00090010, vr: "LO", value: []byte(canary)})
	d.put(element{tag: 0x00091001, vr: "LO", value: []byte(canary)})
	d.put(element{tag: 0x00190010, vr: "LO", value: []byte("SIEMENS MR HEADER")})
	d.put(element{tag: 0x0019100C, vr: "IS", value: []byte("800")})
	d.put(element{tag: 0x00191001, vr: "UN", value: []byte(canary)})
	d.put(element{tag: pixelData, vr: "OW", value: []byte{1, 2, 3, 4}})
	return d
})

func file(d dataSet, implicit bool) []byte {
	syntax := explicitLittle
	if implicit {
		syntax = implicitLittle
	}
	return d.append(newMeta("1.2.840.10008.5.1.4.1.1.2", "1.2.3.1961.0203.4", syntax), implicit)
}

// A canary in every attribute that the standard has, in sequences and in private attributes, is in none of the file that comes out but in
// the texts that are documented as harmless; birthday, dates and UIDs are gone; pixels, the b-value and the order of attributes stay.
func TestCanary(t *testing.T) {
	key := Key(bytes.Repeat([]byte{7}, 32))
	d := slices.Clone(planted())
	if len(d) < 2000 {
		t.Fatalf("only %d attributes are planted", len(d))
	}
	for i := range d {
		if harmless[d[i].tag] || d[i].tag == 0x00080005 {
			d[i].value = []byte("LUNG")
		}
	}
	for _, implicit := range []bool{false, true} {
		made, err := key.Identify(file(d, implicit))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{canary, "JANE", "19610203", "1961.0203"} {
			if at := bytes.Index(made.Bytes, []byte(word)); at >= 0 {
				t.Errorf("implicit %v: %q is left at …%q…", implicit, word, made.Bytes[max(0, at-20):at+20])
			}
		}
		_, rest, err := fileMeta(made.Bytes[132:])
		if err != nil {
			t.Fatal(err)
		}
		r := &reader{b: rest, implicit: implicit}
		out, err := r.set(0)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSortedFunc(out, func(a, b element) int { return int(int64(a.tag) - int64(b.tag)) }) {
			t.Error("attributes are out of order")
		}
		if b := out.find(0x0019100C); b == nil || trim(b.value) != "800" || out.text(0x00190010) != "SIEMENS MR HEADER" {
			t.Error("the b-value of a safe private attribute is gone")
		}
		if p := out.find(pixelData); p == nil || !bytes.Equal(p.value, []byte{1, 2, 3, 4}) {
			t.Error("the pixels changed")
		}
		if out.text(0x00100020) != made.Patient || out.text(0x00120062) != "YES" || out.text(0x00280303) != "MODIFIED" {
			t.Error("the file does not say what was done to it")
		}
	}
}

// Dates of a patient keep their distance, UIDs their identity, ages under ninety and the body its measures; another patient moves otherwise.
func TestConsistent(t *testing.T) {
	key := Key(bytes.Repeat([]byte{9}, 32))
	make := func(patient, study, scan, inject string) dataSet {
		d := dataSet{{tag: 0x00080016, vr: "UI", value: []byte("1.2.840.10008.5.1.4.1.1.128")}, {tag: 0x00080018, vr: "UI", value: []byte("1.2.3." + study + ".1")}, {tag: 0x00080020, vr: "DA", value: []byte(study)},
			{tag: 0x00080022, vr: "DA", value: []byte(scan)}, {tag: 0x00080060, vr: "CS", value: []byte("PT")}, {tag: 0x00100020, vr: "LO", value: []byte(patient)}, {tag: 0x00101010, vr: "AS", value: []byte("093Y")},
			{tag: 0x00101030, vr: "DS", value: []byte("71.5")}, {tag: 0x0020000D, vr: "UI", value: []byte("1.2.3.4")}, {tag: 0x0020000E, vr: "UI", value: []byte("1.2.3.5")},
			{tag: 0x00540016, vr: "SQ", items: []dataSet{{{tag: 0x00181078, vr: "DT", value: []byte(inject + "101112.5")}}}}}
		made, err := key.Identify(file(d, false))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := fileMeta(made.Bytes[132:])
		out, err := (&reader{b: rest}).set(0)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	a, b, c := make("P1", "20200228", "20200301", "20200301"), make("P1", "20210228", "20210301", "20210301"), make("P2", "20200228", "20200301", "20200301")
	if got := shift(a.text(0x00080022), -key.Days("P1", "")); got != "20200301" {
		t.Errorf("moved back it is %s", got)
	}
	if inject := a.find(0x00540016).items[0].text(0x00181078); inject != a.text(0x00080022)+"101112.5" {
		t.Errorf("injected %s, scanned %s: want the same day and the time as it was", inject, a.text(0x00080022))
	}
	if a.text(0x00100020) != b.text(0x00100020) || a.text(0x0020000D) != b.text(0x0020000D) || a.text(0x00080018) == b.text(0x00080018) {
		t.Error("one patient and study became two, or two instances one")
	}
	if c.text(0x00080022) == a.text(0x00080022) || c.text(0x00100020) == a.text(0x00100020) {
		t.Error("two patients are moved alike, or have one name")
	}
	if a.text(0x00101010) != "090Y" || a.text(0x00101030) != "71.5" {
		t.Errorf("age %s, weight %s", a.text(0x00101010), a.text(0x00101030))
	}
}

// What may show a name is quarantined; a head is flagged.
func TestQuarantine(t *testing.T) {
	key := Key(bytes.Repeat([]byte{1}, 32))
	for _, c := range []struct{ class, modality, annotation, kind, where, want string }{
		{"1.2.840.10008.5.1.4.1.1.2", "CT", "", "ORIGINAL", "CHEST", ""},
		{"1.2.840.10008.5.1.4.1.1.4", "MR", "", "ORIGINAL", "BRAIN", "face"},
		{"1.2.840.10008.5.1.4.1.1.2", "CT", "YES", "ORIGINAL", "", "burned"},
		{"1.2.840.10008.5.1.4.1.1.7", "CT", "", "DERIVED", "", "secondary capture"},
		{"1.2.840.10008.5.1.4.1.1.7", "CT", "NO", "DERIVED", "", ""},
		{"1.2.840.10008.5.1.4.1.1.6.1", "US", "", "ORIGINAL", "", "modality US"},
		{"1.2.840.10008.5.1.4.1.1.88.33", "SR", "", "", "", "document"}, // without a tree
		{"1.2.840.10008.5.1.4.1.1.104.1", "DOC", "NO", "", "", "document"},
		{"1.2.840.10008.5.1.4.1.1.2", "CT", "", `DERIVED\SCREEN SAVE`, "", "screen"},
	} {
		d := dataSet{{tag: 0x00080008, vr: "CS", value: []byte(c.kind)}, {tag: 0x00080016, vr: "UI", value: []byte(c.class)}, {tag: 0x00080018, vr: "UI", value: []byte("1.2")}, {tag: 0x00080060, vr: "CS", value: []byte(c.modality)},
			{tag: 0x00100020, vr: "LO", value: []byte("P")}, {tag: 0x00180015, vr: "CS", value: []byte(c.where)}, {tag: 0x0020000D, vr: "UI", value: []byte("1.3")}, {tag: 0x0020000E, vr: "UI", value: []byte("1.4")}, {tag: 0x00280301, vr: "CS", value: []byte(c.annotation)}}
		made, err := key.Identify(file(d, false))
		got := fmt.Sprint(err)
		if err == nil {
			got = map[bool]string{true: "face", false: ""}[made.Face]
			if marked := bytes.Contains(made.Bytes, []byte("\x28\x00\x02\x03CS\x04\x00YES ")); marked != made.Face {
				t.Errorf("%+v: RecognizableVisualFeatures says %v", c, marked)
			}
		}
		if got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if _, err := key.Identify([]byte("x")); err != ErrNotDICOM {
		t.Error(err)
	}
}

// Whatever the bytes are, they are refused or come out as a file that reads.
func FuzzIdentify(f *testing.F) {
	key := Key(bytes.Repeat([]byte{3}, 32))
	d := planted()
	f.Add(file(d[:40], false))
	f.Add(file(append(slices.Clone(d[:20]), d[len(d)-1]), true))
	f.Add(file(document("1.2.840.10008.5.1.4.1.1.88.34", "SR"), false))
	f.Fuzz(func(t *testing.T, b []byte) {
		made, err := key.Identify(b)
		if err != nil {
			return
		}
		if _, err := key.Identify(made.Bytes); err != nil {
			t.Errorf("what came out is refused: %v", err)
		}
		if binary.LittleEndian.Uint16(made.Bytes[132:]) != 2 {
			t.Error("no file meta information")
		}
	})
}

package deidentify

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image/dicom"
)

// coded is a sequence of one code.
func coded(t uint32, value, scheme, meaning string) element {
	return element{tag: t, vr: "SQ", items: []dataSet{{{tag: codeValue, vr: "SH", value: []byte(value)}, {tag: codingScheme, vr: "SH", value: []byte(scheme)}, {tag: codeMeaning, vr: "LO", value: []byte(meaning)}}}}
}

// itemOf is a content item of a type.
func itemOf(relationship, kind string, name element, rest ...element) dataSet {
	d := dataSet{}
	for _, e := range append([]element{{tag: 0x0040A010, vr: "CS", value: []byte(relationship)}, {tag: valueType, vr: "CS", value: []byte(kind)}, name}, rest...) {
		d.put(e)
	}
	return d
}

func named(value, meaning string) element { return coded(conceptName, value, "DCM", meaning) }

// measured is a number with its unit, and the same number to all digits.
func measured(value, unit string, x float64) element {
	return element{tag: measuredValue, vr: "SQ", items: []dataSet{{coded(unitCodes, unit, "UCUM", unit), {tag: floatingValue, vr: "FD", value: binary.LittleEndian.AppendUint64(nil, math.Float64bits(x))}, {tag: numericValue, vr: "DS", value: []byte(value)}}}}
}

// document is a report with an item of each type, in which the patient, physicians and places are named wherever a text can be.
func document(class, modality string) dataSet {
	of := func(t uint32, vr, value string) element { return element{tag: t, vr: vr, value: []byte(value)} }
	refer := element{tag: 0x00081199, vr: "SQ", items: []dataSet{{of(0x00081150, "UI", "1.2.840.10008.5.1.4.1.1.2"), of(0x00081155, "UI", "1.2.3.1961.0203.7")}}}
	inner := []dataSet{
		itemOf("HAS OBS CONTEXT", "TEXT", named("112039", "Tracking Identifier"), of(textValue, "UT", "CANARY nodule A")),
		itemOf("HAS OBS CONTEXT", "UIDREF", named("112040", "Tracking Unique Identifier"), of(uidValue, "UI", "1.2.3.1961.0203.8")),
		itemOf("CONTAINS", "CODE", named("121071", "Finding"), coded(conceptCode, "27925004", "SCT", "Nodule")),
		itemOf("HAS CONCEPT MOD", "CODE", named("363698007", "Finding Site"), coded(conceptCode, "39607008", "SCT", "Lung")),
		itemOf("CONTAINS", "CODE", named("121200", "Ward"), coded(conceptCode, "CANARY7", "99HOSP", "Ward of Dr HUBER")),
		itemOf("CONTAINS", "NUM", coded(conceptName, "118565006", "SCT", "Volume"), measured("812.5", "mm3", 812.5)),
		itemOf("CONTAINS", "IMAGE", named("121191", "Referenced Segment"), refer),
		itemOf("CONTAINS", "SCOORD", named("111030", "Image Region"), of(0x00700022, "FL", "\x00\x00\x80\x3f\x00\x00\x00\x40"), of(0x00700023, "CS", "POINT")),
	}
	tree := []dataSet{
		itemOf("HAS OBS CONTEXT", "PNAME", named("121008", "Person Observer Name"), of(personName, "PN", "HUBER^HANS^TEXT^Point")), // whose names are words of the standard
		itemOf("HAS OBS CONTEXT", "PNAME", named("121029", "Subject Name"), of(personName, "PN", "CANARY^JANE")),
		itemOf("HAS OBS CONTEXT", "TEXT", named("121030", "Subject ID"), of(textValue, "UT", "CANARY-17")),
		itemOf("HAS OBS CONTEXT", "DATE", named(subjectBirth, "Subject Birth Date"), of(contentDate, "DA", "19610203")),
		itemOf("HAS OBS CONTEXT", "NUM", named(subjectAge, "Subject Age"), measured("93", "a", 93)),
		itemOf("HAS OBS CONTEXT", "DATETIME", named("111526", "DateTime Started"), of(contentDateTime, "DT", "20200301101112")),
		itemOf("HAS OBS CONTEXT", "TIME", named("122104", "Study Time"), of(contentTime, "TM", "101112")),
		itemOf("HAS OBS CONTEXT", "NUM", named("121000", "Number"), measured("CANARY", "1", 0)),
		itemOf("CONTAINS", "TEXT", named("121106", "Comment"), of(textValue, "UT", "Nodule in left lung of CANARY, seen by Dr Huber on 3.2.1961 in Bern"), of(0x0040A032, "DT", "20200301")),
		itemOf("CONTAINS", "CONTAINER", named("125007", "Measurement Group"), of(0x0040A050, "CS", "SEPARATE"), element{tag: contentSequence, vr: "SQ", items: inner}),
	}
	d := dataSet{}
	for _, e := range []element{of(0x00080005, "CS", "ISO_IR 100"), of(0x00080016, "UI", class), of(0x00080018, "UI", "1.2.3.1961.0203.4"), of(0x00080020, "DA", "20200301"), of(0x00080023, "DA", "20200301"), of(0x00080033, "TM", "101112"),
		of(0x00080060, "CS", modality), {tag: 0x00081111, vr: "SQ", items: []dataSet{{of(0x00081155, "UI", "1.2.3.1961.0203.9")}}}, of(0x00081030, "LO", "CHEST CT of CANARY"), of(patientName, "PN", "CANARY^JANE"), of(patientID, "LO", "CANARY-17"), of(0x00100030, "DA", "19610203"),
		of(0x0020000D, "UI", "1.2.3.1961.0203.2"), of(0x0020000E, "UI", "1.2.3.1961.0203.3"), of(0x00200013, "IS", "1"), of(valueType, "CS", "CONTAINER"), named("126000", "Imaging Measurement Report"), of(0x0040A050, "CS", "SEPARATE"),
		{tag: verifying, vr: "SQ", items: []dataSet{{of(0x0040A027, "LO", "CANARY HOSPITAL"), of(0x0040A030, "DT", "20200302101112"), of(0x0040A075, "PN", "HUBER^HANS"), coded(0x0040A088, "17", "99HOSP", "Huber")}}},
		of(0x0040A491, "CS", "COMPLETE"), of(0x0040A493, "CS", "VERIFIED"), {tag: contentSequence, vr: "SQ", items: tree}} {
		d.put(e)
	}
	return d
}

// Of a structured report, and of a key object selection, every item stays in its place, with what it means; nothing of it names a person, a place or a day.
func TestStructuredContent(t *testing.T) {
	key := Key(bytes.Repeat([]byte{7}, 32))
	for class, modality := range map[string]string{"1.2.840.10008.5.1.4.1.1.88.34": "SR", "1.2.840.10008.5.1.4.1.1.88.59": "KO", "1.2.840.10008.5.1.4.1.1.88.11": "SR"} {
		for _, implicit := range []bool{false, true} {
			d := document(class, modality)
			was := file(d, implicit)
			made, err := key.Identify(was)
			if err != nil {
				t.Fatal(modality, err)
			}
			for _, word := range []string{"CANARY", "JANE", "HUBER", "HANS", "Huber", "Bern", "HOSP", "1961", "20200301"} {
				if at := bytes.Index(made.Bytes, []byte(word)); at >= 0 {
					t.Errorf("%s, implicit %v: %q is left at …%q…", modality, implicit, word, made.Bytes[max(0, at-20):at+20])
				}
			}
			if !bytes.Contains(made.Bytes, []byte("113104")) {
				t.Error("the file does not say that its content was cleaned")
			}
			if class != "1.2.840.10008.5.1.4.1.1.88.34" {
				continue
			}
			before, err := dicom.DecodeReport(bytes.NewReader(was))
			if err != nil {
				t.Fatal(err)
			}
			after, err := dicom.DecodeReport(bytes.NewReader(made.Bytes))
			if err != nil {
				t.Fatal(err)
			}
			a, b := flat(before.Root), flat(after.Root)
			if len(a) != len(b) {
				t.Fatalf("%d items became %d", len(a), len(b))
			}
			said := map[string]*dicom.Content{}
			for i := range a {
				if a[i].At != b[i].At || a[i].Type != b[i].Type || a[i].Relationship != b[i].Relationship || a[i].Name != b[i].Name {
					t.Errorf("%+v became %+v", a[i], b[i])
				}
				said[b[i].Name.Meaning] = b[i]
			}
			day := shift("20200301", key.Days("CANARY-17", ""))
			for name, want := range map[string]string{
				"Volume": "812.5", "Subject Age": "90", "Finding": "27925004 SCT Nodule", "Finding Site": "39607008 SCT Lung", "Tracking Unique Identifier": key.UID("1.2.3.1961.0203.8"),
				"Comment": "Nodule in left lung of", "Subject ID": "DEIDENTIFIED", "Number": "NaN",
			} {
				got := said[name].Text
				switch said[name].Type {
				case "NUM":
					got = fmt.Sprint(said[name].Number)
				case "CODE":
					got = said[name].Code.Value + " " + said[name].Code.Scheme + " " + said[name].Code.Meaning
				}
				if !strings.HasPrefix(got, want) {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if ward := said["Ward"].Code; ward.Value == "" || ward.Scheme != "99VOXGENE" || ward.Meaning != "DEIDENTIFIED" {
				t.Errorf("a code of the hospital's own became %+v", ward)
			}
			if tracked := said["Tracking Identifier"].Text; !strings.HasPrefix(tracked, "tracked ") || tracked == "tracked " {
				t.Errorf("the lesion is called %q", tracked)
			}
			_, rest, _ := fileMeta(made.Bytes[132:])
			out, err := (&reader{b: rest, implicit: implicit}).set(0)
			if err != nil {
				t.Fatal(err)
			}
			tree := out.find(contentSequence).items
			if tree[1].text(personName) != made.Patient || tree[5].text(contentDateTime) != day+"101112" || tree[8].text(0x0040A032) != day || tree[3].text(contentDate) != "19000101" {
				t.Errorf("the subject is %s, started %s, observed %s, born %s; want %s", tree[1].text(personName), tree[5].text(contentDateTime), tree[8].text(0x0040A032), tree[3].text(contentDate), day)
			}
			if p := out.find(0x00081111); p == nil || len(p.items) != 0 {
				t.Error("ReferencedPerformedProcedureStepSequence, of type 2 in a document, is gone or full")
			}
			if v := out.find(verifying); v == nil || len(v.items) != 1 || v.items[0].text(0x0040A030) != shift("20200302101112", key.Days("CANARY-17", "")) || v.items[0].text(0x0040A027) == "" || v.items[0].text(0x0040A075) == "" {
				t.Errorf("a report that is VERIFIED has the observers %+v", v)
			}
			inner := tree[9].find(contentSequence).items
			if got := inner[7].find(0x00700022); got == nil || !bytes.Equal(got.value, []byte("\x00\x00\x80\x3f\x00\x00\x00\x40")) {
				t.Error("coordinates changed")
			}
			if again, err := key.Identify(was); err != nil || !slices.Equal(again.Bytes, made.Bytes) {
				t.Error("the same report gives another")
			}
		}
	}
}

// flat are the items of a tree, each before those below it.
func flat(c *dicom.Content) []*dicom.Content {
	out := []*dicom.Content{c}
	for _, i := range c.Items {
		out = append(out, flat(i)...)
	}
	return out
}

// Reports that are damaged in some bytes are refused or come out as ones that go through again, without the name.
func TestMutatedStructured(t *testing.T) {
	key := Key(bytes.Repeat([]byte{3}, 32))
	sound := file(document("1.2.840.10008.5.1.4.1.1.88.34", "SR"), false)
	r := rand.New(rand.NewPCG(5, 6))
	taken := 0
	for n := range 1500 {
		b := slices.Clone(sound)
		for range 1 + r.IntN(3) {
			switch at := 132 + r.IntN(len(b)-132); r.IntN(3) {
			case 0:
				b[at] = byte(r.UintN(256))
			case 1:
				b[at] ^= 1 << r.UintN(8)
			default:
				copy(b[at:], []byte{0xFF, 0xFF, 0xFF, 0xFF})
			}
		}
		made, err := key.Identify(b)
		if err != nil {
			continue
		}
		if taken++; bytes.Contains(made.Bytes, []byte("CANARY")) {
			t.Fatalf("file %d: the name is left", n)
		}
		if _, err := key.Identify(made.Bytes); err != nil {
			t.Fatalf("file %d: what came out is refused: %v", n, err)
		}
	}
	if taken < 300 {
		t.Errorf("only %d of 1500 files were read", taken)
	}
}

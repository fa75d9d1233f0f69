package deidentify

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Instance is one file without what named its patient.
type Instance struct {
	Patient, Study, Series, UID string // as they are now
	Bytes                       []byte
	Face                        bool           // the head may be in it, from which a face can be made
	Done                        map[string]int // attributes by what was done with them
	Removed                     map[string]int // by tag, of those removed, emptied or replaced

	was string // PatientID of the file
}

// WasOf reports whether the file named a patient by this identifier.
func (i *Instance) WasOf(id string) bool { return i.was == id }

// Quarantine is why a file is not passed on.
type Quarantine struct{ Reason string }

// Error returns the reason.
func (q *Quarantine) Error() string { return q.Reason }

// ErrNotDICOM says that a file is none.
var ErrNotDICOM = errors.New("this is no DICOM file")

const (
	explicitLittle = "1.2.840.10008.1.2.1"
	implicitLittle = "1.2.840.10008.1.2"
	deflated       = "1.2.840.10008.1.2.1.99"
	explicitBig    = "1.2.840.10008.1.2.2"
)

// Identify reads a file of PS3.10 and returns it de-identified. A *Quarantine is a file that may show a name in its pixels or in a text that
// cannot be cleaned; ErrNotDICOM is another kind of file.
func (k Key) Identify(b []byte) (*Instance, error) {
	if len(b) < 132 || string(b[128:132]) != "DICM" {
		return nil, ErrNotDICOM
	}
	meta, rest, err := fileMeta(b[132:])
	if err != nil {
		return nil, &Quarantine{"it cannot be read: " + err.Error()}
	}
	syntax := meta.text(0x00020010)
	if syntax == deflated || syntax == explicitBig || syntax == "" {
		return nil, &Quarantine{"its transfer syntax is deflated or big-endian; transcode it, as by dcmconv +te"}
	}
	implicit := syntax == implicitLittle
	r := &reader{b: rest, implicit: implicit}
	d, err := r.set(0)
	if err != nil {
		return nil, &Quarantine{"it cannot be read: " + err.Error()}
	}
	if why := burned(d); why != "" {
		return nil, &Quarantine{why}
	}
	id, issuer := d.text(0x00100020), d.text(0x00100021)
	if id == "" {
		return nil, &Quarantine{"it has no PatientID, so that it cannot be told whose it is"}
	}
	c := &cleaner{key: k, days: k.Days(id, issuer), name: k.Pseudonym(id, issuer), done: map[string]int{}, removed: map[string]int{}}
	out := c.set(d)
	c.mark(&out)
	uid := out.text(0x00080018)
	if uid == "" || out.text(0x0020000D) == "" || out.text(0x0020000E) == "" {
		return nil, &Quarantine{"it lacks a UID of study, series or instance"}
	}
	return &Instance{was: id, Patient: c.name, Study: out.text(0x0020000D), Series: out.text(0x0020000E), UID: uid, Face: face(d), Done: c.done, Removed: c.removed,
		Bytes: out.append(newMeta(meta.text(0x00020002), uid, syntax), implicit)}, nil
}

// fileMeta reads the group 0002.
func fileMeta(b []byte) (dataSet, []byte, error) {
	r := &reader{b: b}
	var meta dataSet
	for r.at+8 <= len(b) && binary.LittleEndian.Uint16(b[r.at:]) == 2 {
		t, vr, length, err := r.header()
		if err != nil {
			return nil, nil, err
		}
		value, err := r.take(int(length))
		if err != nil {
			return nil, nil, err
		}
		meta = append(meta, element{tag: t, vr: vr, value: value})
	}
	return meta, b[r.at:], nil
}

// newMeta is the preamble and a group 0002 that says nothing of where the file was.
func newMeta(class, uid, syntax string) []byte {
	meta := dataSet{{tag: 0x00020001, vr: "OB", value: []byte{0, 1}}, {tag: 0x00020002, vr: "UI", value: []byte(class)}, {tag: 0x00020003, vr: "UI", value: []byte(uid)},
		{tag: 0x00020010, vr: "UI", value: []byte(syntax)}, {tag: 0x00020012, vr: "UI", value: []byte("2.25.329800735698586629295641978511506172918")},
		{tag: 0x00020013, vr: "SH", value: []byte("VOXGENE")}}.append(nil, false)
	b := append(make([]byte, 128), "DICM"...)
	b = dataSet{{tag: 0x00020000, vr: "UL", value: binary.LittleEndian.AppendUint32(nil, uint32(len(meta)))}}.append(b, false)
	return append(b, meta...)
}

// burned says why an image may show a name; "" where it does not seem to.
func burned(d dataSet) string {
	class, modality, annotation := d.text(0x00080016), d.text(0x00080060), d.text(0x00280301)
	switch {
	case annotation == "YES":
		return "text is burned into its pixels (BurnedInAnnotation)"
	case strings.HasPrefix(class, "1.2.840.10008.5.1.4.1.1.88."), modality == "SR", modality == "DOC", modality == "KO", modality == "PR",
		strings.HasPrefix(class, "1.2.840.10008.5.1.4.1.1.104."):
		return "it is a document, whose text cannot be cleaned"
	case annotation == "NO":
		return ""
	case strings.HasPrefix(class, "1.2.840.10008.5.1.4.1.1.7"):
		return "it is a secondary capture, which may show text"
	case modality == "US", modality == "ES", modality == "XC", modality == "OT", modality == "GM":
		return "images of modality " + modality + " often show text, and nothing says that this one does not (BurnedInAnnotation)"
	}
	for _, word := range []string{"SCREEN SAVE", "SCREENSHOT", "DOSE_INFO", "DOSE REPORT"} {
		if strings.Contains(strings.ToUpper(d.text(0x00080008)+"\\"+d.text(0x0008103E)), word) {
			return "it is a picture of a screen or a report"
		}
	}
	return ""
}

// face reports whether the head may be in an image of planes.
func face(d dataSet) bool {
	switch d.text(0x00080060) {
	case "CT", "MR", "PT":
	default:
		return false
	}
	if d.text(0x00280302) == "YES" {
		return true
	}
	where := strings.ToUpper(d.text(0x00180015) + " " + d.text(0x00081030) + " " + d.text(0x0008103E) + " " + d.text(0x00181030))
	for _, word := range []string{"HEAD", "BRAIN", "SKULL", "FACE", "NECK", "SINUS", "ORBIT", "WHOLEBODY", "WHOLE BODY", "HIRN", "KOPF", "SCHAEDEL", "CEREBR", "CRANI", "TETE"} {
		if strings.Contains(where, word) {
			return true
		}
	}
	return false
}

// cleaner takes one file through the profile.
type cleaner struct {
	key           Key
	days          int
	name          string
	done, removed map[string]int
}

func (c *cleaner) set(d dataSet) dataSet {
	safe := d.private()
	out := make(dataSet, 0, len(d))
	for i := range d {
		e, a := c.element(d[i], safe)
		c.done[string(a)]++
		if a != keep && a != remap && a != moveDate {
			c.removed[fmt.Sprintf("(%04X,%04X)", e.tag>>16, e.tag&0xFFFF)]++
		}
		if a != remove {
			out = append(out, e)
		}
	}
	return out
}

// element returns an attribute as it may stay and what was done with it.
func (c *cleaner) element(e element, safe map[uint32]bool) (element, action) {
	if e.tag>>16&1 == 1 {
		if safe[e.tag] {
			return e, keep
		}
		return e, remove
	}
	a := rule(e.tag, e.vr)
	text := trim(e.value)
	switch a {
	case keep:
		if e.tag == 0x00080201 && !timezone.MatchString(text) {
			return e, remove
		}
		if form := forms[e.vr]; form != nil && !form.MatchString(text) {
			return e, remove
		}
		if e.vr == "SQ" {
			items := make([]dataSet, len(e.items))
			for i, it := range e.items {
				items[i] = c.set(it)
			}
			e.items = items
		}
	case empty:
		e.value = nil
	case replace:
		e.value = []byte(c.name)
		if e.tag == 0x30060002 {
			e.value = []byte("STRUCTURES")
		}
	case remap:
		e.value = c.each(text, c.key.UID)
	case moveDate:
		e.value = c.each(text, func(v string) string { return shift(strings.TrimSpace(v), c.days) })
	case cap89:
		if !forms["AS"].MatchString(text) {
			return e, remove
		}
		if a = keep; strings.HasSuffix(text, "Y") && text >= "090Y" {
			e.value, a = []byte("090Y"), replace
		}
	}
	return e, a
}

// each maps the values of an attribute that may have several.
func (c *cleaner) each(text string, to func(string) string) []byte {
	values := strings.Split(text, `\`)
	for i := range values {
		values[i] = to(values[i])
	}
	return []byte(strings.Join(values, `\`))
}

// mark says in the file what was done to it (PS3.15, E.1.1; codes of PS3.16, CID 7050).
func (c *cleaner) mark(d *dataSet) {
	d.put(element{tag: 0x00120062, vr: "CS", value: []byte("YES")})
	d.put(element{tag: 0x00120063, vr: "LO", value: []byte("Voxgene: PS3.15 Annex E, basic profile with options")})
	codes := element{tag: 0x00120064, vr: "SQ"}
	for _, code := range [][2]string{{"113100", "Basic Application Confidentiality Profile"}, {"113107", "Retain Longitudinal Temporal Information Modified Dates Option"},
		{"113108", "Retain Patient Characteristics Option"}, {"113111", "Retain Safe Private Option"}} {
		codes.items = append(codes.items, dataSet{{tag: 0x00080100, vr: "SH", value: []byte(code[0])}, {tag: 0x00080102, vr: "SH", value: []byte("DCM")}, {tag: 0x00080104, vr: "LO", value: []byte(code[1])}})
	}
	d.put(codes)
	d.put(element{tag: 0x00280303, vr: "CS", value: []byte("MODIFIED")})
	for _, t := range []uint32{0x00100010, 0x00100020} { // a file that lacked its name has one now
		vr := map[bool]string{true: "PN", false: "LO"}[t == 0x00100010]
		d.put(element{tag: t, vr: vr, value: []byte(c.name)})
	}
}

// same reports whether two files that were made hold the same.
func (i *Instance) same(b []byte) bool { return bytes.Equal(i.Bytes, b) }

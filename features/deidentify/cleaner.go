package deidentify

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// identity are the words, in capitals, of every name of a person, identifier and institution that a file gives.
type identity map[string]bool

// identifiers are attributes, beside those of VR PN, whose words name someone or somewhere.
var identifiers = map[uint32]bool{
	0x00080050: true, patientID: true, 0x00101000: true, 0x00101040: true, 0x00101090: true, 0x00102154: true, 0x00200010: true, 0x00380010: true,
	0x00080080: true, 0x00080081: true, 0x00081040: true, 0x00080092: true, 0x00120040: true,
}

// of adds the words of a data set and of what lies in it; an institution that may be named names nobody.
func (n identity) of(d dataSet, institutions bool) {
	for i := range d {
		e := &d[i]
		if r := listed()[e.tag]; institutions && r != nil && r.Institution == "K" {
			continue
		}
		if e.vr == "PN" || identifiers[e.tag] || vrOf(e.tag) == "PN" {
			for _, t := range tokens(string(e.value)) {
				if w := strings.ToUpper(t.word); len(w) > 1 && strings.IndexFunc(w, unicode.IsLetter) >= 0 || len(w) > 3 {
					n[w] = true
				}
			}
		}
		for _, it := range e.items {
			n.of(it, institutions)
		}
	}
}

// in reports whether a text has one of the words in it; one of five letters and more also within another word. Words of the field are no reason to
// take a maker's name away.
func (n identity) in(text string) bool {
	upper := strings.ToUpper(text)
	for w := range n {
		if len(w) > 4 && !vocabulary[w] && strings.Contains(upper, w) {
			return true
		}
	}
	for _, t := range tokens(text) {
		if w := strings.ToUpper(t.word); n[w] && !vocabulary[w] {
			return true
		}
	}
	return false
}

// inBytes reports whether one of the words, of four characters and more, stands in what should be numbers.
func (n identity) inBytes(b []byte) bool {
	if len(b) < 4 || len(b) > 1<<16 { // pixels and their tables are longer
		return false
	}
	upper := bytes.ToUpper(b)
	for w := range n {
		if len(w) > 3 && bytes.Contains(upper, []byte(w)) {
			return true
		}
	}
	return false
}

// cleaner takes one file through the profile.
type cleaner struct {
	profile       *Profile
	class         string
	days          int
	name          string
	names         identity
	done, removed map[string]int
	structured    bool // the object is a tree of content
}

func (c *cleaner) set(d dataSet) dataSet {
	safe := d.private()
	out := make(dataSet, 0, len(d))
	for i := range d {
		e, a := c.element(d[i], safe)
		c.count(e, a)
		if a != remove {
			out = append(out, e)
		}
	}
	number(d, out, roiNumber, roiName, "ROI")
	number(d, out, segmentNumber, segmentLabel, "Segment")
	return out
}

// count notes what was done with an attribute.
func (c *cleaner) count(e element, a action) {
	c.done[string(a)]++
	if a != keep && a != remap && a != moveDate {
		c.removed[fmt.Sprintf("(%04X,%04X)", e.tag>>16, e.tag&0xFFFF)]++
	}
}

// number gives a region whose name was not left whole one that is its own, so that two do not become one.
func number(was, is dataSet, number, name uint32, kind string) {
	e := is.find(name)
	n := was.text(number)
	if number == segmentNumber {
		if b := was.find(number); b != nil && len(b.value) == 2 {
			n = fmt.Sprint(int(b.value[0]) | int(b.value[1])<<8)
		}
	}
	if e == nil || n == "" || strings.Trim(n, "0123456789") != "" || bytes.Equal(e.value, was.find(name).value) || trim(was.find(name).value) == "" {
		return
	}
	if text := trim(e.value); text != "" {
		kind = text
	}
	e.value = fmt.Appendf(nil, "%.50s %.9s", kind, n)
}

// element returns an attribute as it may stay and what was done with it.
func (c *cleaner) element(e element, safe map[uint32]bool) (element, action) {
	if e.tag>>16&1 == 1 {
		if safe[e.tag] && !c.names.in(trim(e.value)) {
			return e, keep
		}
		return e, remove
	}
	if known := vrOf(e.tag); !alike(known, e.vr) {
		e = element{tag: e.tag, vr: known} // what stands there is no value of the attribute; a dummy may be needed
		if a := c.profile.action(e.tag, known, c.class); a != dummy && a != empty && a != replace || known == "SQ" {
			return e, remove
		}
	}
	a := c.profile.action(e.tag, e.vr, c.class)
	text := trim(e.value)
	switch a {
	case keep:
		return c.keep(e, text)
	case remap:
		if text != "" && !uidForm.MatchString(text) {
			return c.otherwise(e)
		}
		e.value = c.each(text, c.profile.Key.UID)
	case moveDate:
		e.value = c.each(text, func(v string) string { return shift(strings.TrimSpace(v), c.days) })
		if text != "" && strings.Trim(string(e.value), `\`) == "" {
			return c.otherwise(e)
		}
	case tidy:
		left, whole := clean(text, c.names)
		switch {
		case whole:
			return e, keep
		case left == "":
			return c.otherwise(e)
		}
		e.value = []byte(left)
	case cap89:
		if !forms["AS"].MatchString(text) {
			return e, remove
		}
		if a = keep; strings.HasSuffix(text, "Y") && text >= "090Y" {
			e.value, a = []byte("090Y"), replace
		}
	default:
		return c.put(e, a)
	}
	return e, a
}

// keep keeps a value that has the form of its VR and no word of a name; a sequence keeps what may stay of its items.
func (c *cleaner) keep(e element, text string) (element, action) {
	form := specialForms[e.tag]
	if form == nil {
		form = forms[e.vr]
	}
	if form != nil && !form.MatchString(text) || (texts[e.vr] || e.vr == "CS" || e.vr == "UR") && c.names.in(text) || binaryVR[e.vr] && e.tag != pixelData && c.names.inBytes(e.value) {
		return c.otherwise(e)
	}
	if e.vr == "SQ" {
		items := make([]dataSet, len(e.items))
		for i, it := range e.items {
			items[i] = c.set(it)
		}
		e.items = items
	}
	return e, keep
}

// otherwise does with a value that cannot be kept as the options have it what the basic profile says.
func (c *cleaner) otherwise(e element) (element, action) {
	switch r := listed()[e.tag]; {
	case r != nil:
		if a := r.otherwise(e.vr, c.class); a != keep && a != remap {
			return c.put(e, a)
		}
	case e.tag == segmentLabel:
		return c.put(e, dummy)
	}
	if e.vr == "DA" || e.vr == "DT" {
		return c.put(e, empty)
	}
	return c.put(e, remove)
}

// put empties an attribute, or gives it a value of no meaning.
func (c *cleaner) put(e element, a action) (element, action) {
	switch {
	case a == empty:
		e.value, e.items, e.raw = nil, nil, false
	case a == replace && e.tag == structureSet:
		e.value = []byte("STRUCTURES")
	case a == replace:
		e.value = []byte(c.name)
	case a == dummy:
		e.value, e.items, e.raw = dummyValue(e.vr), nil, false
		if e.vr == "SQ" {
			e.items = []dataSet{{{tag: 0x00080100, vr: "SH", value: []byte("DEIDENTIFIED")}, {tag: 0x00080102, vr: "SH", value: []byte("99VOXGENE")},
				{tag: 0x00080104, vr: "LO", value: []byte("DEIDENTIFIED")}}}
		}
	}
	return e, a
}

// dummyValue is a value of a VR that says nothing.
func dummyValue(vr string) []byte {
	switch vr {
	case "SQ":
		return nil
	case "DA", "DT":
		return []byte("19000101")
	case "TM":
		return []byte("000000")
	case "AS":
		return []byte("000Y")
	case "DS", "IS":
		return []byte("0")
	case "UI":
		return []byte("2.25.0")
	case "UR":
		return []byte("urn:deidentified")
	case "OB", "OW", "UN", "US", "SS":
		return []byte{0, 0}
	case "UL", "SL", "FL", "OF", "OL", "AT":
		return make([]byte, 4)
	case "FD", "OD", "OV", "SV", "UV":
		return make([]byte, 8)
	}
	return []byte("DEIDENTIFIED")
}

// alike reports whether a file may give an attribute a VR other than the standard's first: numbers and bytes have several, and a VR that the
// standard does not know is not judged.
func alike(known, vr string) bool {
	return known == vr || known == "UN" || binaryVR[known] && binaryVR[vr] || texts[known] && texts[vr]
}

var binaryVR = map[string]bool{"US": true, "SS": true, "UL": true, "SL": true, "OB": true, "OW": true, "OF": true, "OD": true, "OL": true, "OV": true, "FL": true, "FD": true, "SV": true, "UV": true, "AT": true}

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
	list := c.profile.codes()
	if c.structured {
		list = slices.Insert(list, 1, [2]string{"113104", "Clean Structured Content Option"})
	}
	for _, code := range list {
		codes.items = append(codes.items, dataSet{{tag: 0x00080100, vr: "SH", value: []byte(code[0])}, {tag: 0x00080102, vr: "SH", value: []byte("DCM")}, {tag: 0x00080104, vr: "LO", value: []byte(code[1])}})
	}
	d.put(codes)
	d.put(element{tag: 0x00280303, vr: "CS", value: []byte("MODIFIED")})
	for _, t := range []uint32{patientName, patientID} { // a file that lacked its name has one now
		d.put(element{tag: t, vr: vrOf(t), value: []byte(c.name)})
	}
}

// codes are what the profile claims.
func (p *Profile) codes() [][2]string {
	codes := [][2]string{{"113100", "Basic Application Confidentiality Profile"}, {"113105", "Clean Descriptors Option"},
		{"113107", "Retain Longitudinal Temporal Information Modified Dates Option"}, {"113108", "Retain Patient Characteristics Option"}}
	if p.Devices {
		codes = append(codes, [2]string{"113109", "Retain Device Identity Option"})
	}
	codes = append(codes, [2]string{"113111", "Retain Safe Private Option"})
	if p.Institutions {
		codes = append(codes, [2]string{"113112", "Retain Institution Identity Option"})
	}
	return codes
}

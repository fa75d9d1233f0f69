package deidentify

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// Structured reports and key object selections go through the option Clean Structured Content of PS3.15 (113104): every item of the tree stays, so that what
// has to be there is there and references to items by their place hold; values that say nothing of a person stay (codes of public schemes, numbers with
// their units, coordinates), UIDs, dates and names are replaced as everywhere in the file, and texts are cleaned as descriptions are. An item of which
// nothing may stay holds a value of no meaning.

const (
	contentSequence = 0x0040A730
	valueType       = 0x0040A040
	conceptName     = 0x0040A043
	conceptCode     = 0x0040A168
	textValue       = 0x0040A160
	uidValue        = 0x0040A124
	personName      = 0x0040A123
	contentDate     = 0x0040A121
	contentDateTime = 0x0040A120
	contentTime     = 0x0040A122
	referencedTimes = 0x0040A13A
	measuredValue   = 0x0040A300
	numericValue    = 0x0040A30A
	floatingValue   = 0x0040A161
	rationalAbove   = 0x0040A162
	rationalBelow   = 0x0040A163
	unitCodes       = 0x004008EA
	verifying       = 0x0040A073
	codeValue       = 0x00080100
	codingScheme    = 0x00080102
	codingVersion   = 0x00080103
	codeMeaning     = 0x00080104
	longCodeValue   = 0x00080119
	urnCodeValue    = 0x00080120
)

// structured reports whether an object is a tree of content: a structured report or a key object selection.
func structured(d dataSet) bool {
	class, root := d.find(0x00080016), d.find(valueType)
	return class != nil && class.vr == "UI" && strings.HasPrefix(trim(class.value), reports) && root != nil && root.vr == "CS" && trim(root.value) == "CONTAINER"
}

// reports is how the classes of structured reports and of key object selections begin.
const reports = "1.2.840.10008.5.1.4.1.1.88."

// public are the coding schemes of which codes name nobody: those of standards, and of programs that measure (PS3.16, 8). In another one a code may be a
// physician or a ward.
var public = words(`DCM SCT SRT SNM3 SNM LN UCUM UMLS RADLEX FMA NCIT MA MSH NEU ITIS_TSN PUBCHEM_CID CAS RXNORM ICD10 I10 I10P I9 I9C I9CDX I9CSG ICDO3 ICD11 C4 CPT BI IBSI RFC5646 RFC3066
	ISO3166_1 ISO639_1 ISO639_2 HPC HGNC NDC ACR ASTM-SIGPURPOSE DCMUID UCUMUID 99VOXGENE 99PYRADIOMICS 99DCMQI 99QIICR 99HIGHDICOM`)

// keywords are values that the standard enumerates for attributes of a tree (PS3.3, C.17.3, C.18). They stay also where someone is called by one of them.
var keywords = map[uint32]map[string]bool{
	valueType:  words("CONTAINER TEXT NUM CODE DATETIME DATE TIME UIDREF PNAME COMPOSITE IMAGE WAVEFORM SCOORD SCOORD3D TCOORD TABLE"),
	0x0040A010: {"CONTAINS": true, "HAS OBS CONTEXT": true, "HAS CONCEPT MOD": true, "HAS PROPERTIES": true, "HAS ACQ CONTEXT": true, "INFERRED FROM": true, "SELECTED FROM": true},
	0x0040A050: words("SEPARATE CONTINUOUS"),
	0x0040A130: words("POINT MULTIPOINT SEGMENT MULTISEGMENT BEGIN END"),
	0x0040A491: words("PARTIAL COMPLETE"),
	0x0040A493: words("UNVERIFIED VERIFIED"),
	0x0040A496: words("PRELIMINARY FINAL"),
	0x00700023: words("POINT MULTIPOINT POLYLINE POLYGON CIRCLE ELLIPSE ELLIPSOID"),
	0x00080105: words("DCMR"),
}

// concept is the code that names an item, of DICOM's own scheme; empty where it is of another.
func (d dataSet) concept() string {
	if e := d.find(conceptName); e != nil && len(e.items) > 0 && e.items[0].text(codingScheme) == "DCM" {
		return e.items[0].text(codeValue)
	}
	return ""
}

// The concepts of PS3.16 of which a value is treated otherwise than its type.
const (
	trackingIdentifier = "112039"
	subjectName        = "121029"
	subjectBirth       = "121031"
	subjectAge         = "121033"
)

// tree cleans a data set of a tree: the root's, an item's, or that of a sequence in one.
func (c *cleaner) tree(d dataSet) dataSet {
	safe := d.private()
	concept := d.concept()
	out := make(dataSet, 0, len(d))
	for i := range d {
		e, a := c.node(d[i], concept, safe)
		c.count(e, a)
		if a != remove {
			out = append(out, e)
		}
	}
	return out
}

// node is an attribute of a tree as it may stay, and what was done with it.
func (c *cleaner) node(e element, concept string, safe map[uint32]bool) (element, action) {
	if known := vrOf(e.tag); e.tag>>16&1 == 1 || !alike(known, e.vr) {
		return c.element(e, safe)
	}
	if keywords[e.tag][trim(e.value)] {
		return e, keep
	}
	switch e.tag {
	case contentSequence, verifying:
		return c.items(e, c.tree), keep
	case measuredValue:
		e = c.items(e, c.tree)
		e.items = slices.DeleteFunc(e.items, c.noNumber) // an item without a value says that it has none
		return e, keep
	case conceptName, conceptCode, unitCodes:
		return c.items(e, c.code), keep
	case textValue:
		return c.text(e, concept)
	case personName, 0x0040A075:
		a := replace
		if e.value = dummyValue(e.vr); concept == subjectName {
			e.value = []byte(c.name)
		}
		return e, a
	case contentDate, contentDateTime, contentTime, referencedTimes, 0x0040A030:
		if concept == subjectBirth {
			return c.put(e, dummy)
		}
		e, a := c.element(e, safe)
		if a == empty || a == remove || trim(e.value) == "" {
			return c.put(e, dummy)
		}
		return e, a
	case numericValue, floatingValue, rationalAbove, rationalBelow:
		return e, keep
	case uidValue:
		if e, a := c.element(e, safe); a == remap {
			return e, a
		}
		return c.put(e, dummy)
	}
	return c.element(e, safe)
}

// items cleans the items of a sequence.
func (c *cleaner) items(e element, clean func(dataSet) dataSet) element {
	items := make([]dataSet, len(e.items))
	for i, it := range e.items {
		items[i] = clean(it)
	}
	e.items = items
	return e
}

// text cleans a text of the tree. What an observer calls a lesion, to find it again, becomes a name that is the same in every report.
func (c *cleaner) text(e element, concept string) (element, action) {
	text := trim(e.value)
	left, whole := clean(text, c.names)
	switch {
	case whole:
		return e, keep
	case concept == trackingIdentifier:
		e.value = []byte("tracked " + hex.EncodeToString(c.profile.Key.hash("tracking", c.name+"\x00"+text)[:4]))
		return e, replace
	case left == "":
		return c.put(e, dummy)
	}
	e.value = []byte(left)
	return e, tidy
}

// noNumber reports whether a measured value is none, or is one of the patient's identifiers. Another number would be a false measurement.
func (c *cleaner) noNumber(d dataSet) bool {
	text := d.text(numericValue)
	above, below := d.find(rationalAbove), d.find(rationalBelow)
	float := d.find(floatingValue)
	return text == "" || !forms["DS"].MatchString(text) || c.names[text] || float != nil && len(float.value) != 8 || above != nil && len(above.value) != 4 || below != nil && len(below.value) != 4
}

// code cleans a code: one of a public scheme stays, with its meaning unless that has a name in it. Of another scheme it stays where its meaning is of words
// of the field alone, else it becomes a number under which the same code is found again.
func (c *cleaner) code(d dataSet) dataSet {
	scheme, meaning := d.text(codingScheme), d.text(codeMeaning)
	_, plain := clean(meaning, c.names)
	value := d.text(codeValue) + d.text(longCodeValue) + d.text(urnCodeValue)
	known := public[strings.ToUpper(scheme)] && !c.names.in(meaning) && !c.names.in(value) || plain && !c.names.in(value) && len(value) <= 16 && !c.names.in(scheme)
	out := dataSet{}
	for i := range d {
		e := d[i]
		switch e.tag {
		case codeValue, codingScheme, codeMeaning, longCodeValue, urnCodeValue:
			if known && alike(vrOf(e.tag), e.vr) {
				c.count(e, keep)
				out = append(out, e)
			}
			continue
		case codingVersion:
			if !known {
				continue
			}
		}
		made, a := c.element(e, nil)
		c.count(made, a)
		if a != remove {
			out = append(out, made)
		}
	}
	if !known {
		e := element{tag: codeMeaning, vr: "LO", value: []byte("DEIDENTIFIED")}
		c.count(e, dummy)
		out.put(e)
		out.put(element{tag: codeValue, vr: "SH", value: []byte("X" + strings.ToUpper(hex.EncodeToString(c.profile.Key.hash("code", scheme+"\x00"+value)[:5])))})
		out.put(element{tag: codingScheme, vr: "SH", value: []byte("99VOXGENE")})
	}
	return out
}

// oldest is the age from which on a patient could be known by it (PS3.15, 113108).
const oldest = 90

// aged brings ages of 90 years and more, of the tree, to 90.
func aged(d dataSet) {
	for i := range d {
		if d[i].tag == contentSequence {
			for _, it := range d[i].items {
				aged(it)
			}
		}
	}
	m := d.find(measuredValue)
	if d.concept() != subjectAge || m == nil {
		return
	}
	for k := range m.items {
		v := &m.items[k]
		unit := ""
		if u := v.find(unitCodes); u != nil && len(u.items) > 0 {
			unit = u.items[0].text(codeValue)
		}
		of := map[string]float64{"mo": 12, "wk": 365.25 / 7, "d": 365.25}[unit]
		if of == 0 { // years
			of = 1
		}
		n := v.find(numericValue)
		if n == nil {
			continue
		}
		if x, err := strconv.ParseFloat(trim(n.value), 64); err != nil || x < oldest*of {
			continue
		}
		n.value = strconv.AppendFloat(nil, oldest*of, 'f', 0, 64)
		*v = slices.DeleteFunc(*v, func(e element) bool {
			return e.tag == floatingValue || e.tag == rationalAbove || e.tag == rationalBelow
		})
	}
}

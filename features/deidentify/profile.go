// Package deidentify takes out of a cohort's files what names a patient, and leaves what features are made of.
//
// DICOM goes through the Basic Application Level Confidentiality Profile of PS3.15, Annex E, with the options Clean Descriptors, Clean Structured Content, Retain
// Longitudinal Temporal Information with Modified Dates (all dates of a patient go back by the same number of days, so that intervals, ages and
// the decay of a tracer stay), Retain Patient Characteristics and Retain Safe Private; where asked, Retain Device Identity and Retain Institution
// Identity. What Table E.1-1 lists is done by the table; it is stricter where the table says nothing: a text stays only if it is listed as
// harmless, so that an attribute that nobody thought of goes. Nothing that stays has a word of the patient's or another person's name in it. UIDs
// are replaced by the same UIDs in every file. Tables, NIfTI and NRRD of the cohort get the same pseudonyms and shifts.
package deidentify

import (
	"encoding/binary"
	"math"
	"regexp"
	"strings"
)

// Profile is what is done with a cohort's files: the key that replaces, and the options beyond those that are always in force.
type Profile struct {
	Key          Key
	Devices      bool // Retain Device Identity: stations and serial numbers stay
	Institutions bool // Retain Institution Identity: names and addresses of institutions stay

	ID   []string // columns of tables that hold identifiers of patients, whatever their case; nil for patient
	Keep []string // globs of columns of tables that stay as they are but for identifiers in them
}

// columns are those of identifiers.
func (p *Profile) columns() []string {
	if len(p.ID) == 0 {
		return []string{"patient"}
	}
	return p.ID
}

// action is what is done with an attribute.
type action string

const (
	keep     action = "kept"
	remove   action = "removed"
	empty    action = "emptied"
	replace  action = "replaced"
	dummy    action = "made a dummy"
	remap    action = "uid replaced"
	moveDate action = "date shifted"
	cap89    action = "age" // of 90 years and more is 90
	tidy     action = "text cleaned"
)

const (
	characterSet  = 0x00080005
	timezoneUTC   = 0x00080201
	patientName   = 0x00100010
	patientID     = 0x00100020
	structureSet  = 0x30060002 // StructureSetLabel
	roiNumber     = 0x30060022
	roiName       = 0x30060026
	segmentNumber = 0x00620004
	segmentLabel  = 0x00620005
)

// special are attributes for which the options leave a choice, or whose action is not that of their VR.
var special = map[uint32]action{
	characterSet: keep,
	0x00080016:   keep, // a private class is one still
	timezoneUTC:  keep, // decay needs it
	patientName:  replace, patientID: replace,
	0x00101010:   cap89,
	structureSet: replace,
	segmentLabel: tidy, 0x00620006: tidy,
	0x00280301: keep, pixelData: keep, 0x7FE00008: keep, 0x7FE00009: keep, 0x7FE00001: keep, 0x7FE00002: keep,
	0x00281201: keep, 0x00281202: keep, 0x00281203: keep, 0x00281221: keep, 0x00281222: keep, 0x00281223: keep, 0x00283006: keep,
}

// harmless are texts, of which Table E.1-1 says nothing, that say how an image was made or what a code is.
var harmless = map[uint32]bool{
	0x00080070: true, 0x00081090: true, 0x00080100: true, 0x00080102: true, 0x00080103: true, 0x00080104: true,
	0x00180024: true, 0x00180031: true, 0x00181020: true, 0x00181210: true, 0x00181250: true, 0x00181251: true, 0x00189005: true,
	0x00189016: true, 0x00541101: true, 0x00541103: true, 0x00541105: true, 0x00620009: true,
}

// gone are groups of which nothing is left but what the table makes a dummy: trials, visits, procedures, storage, printing, overlays, signatures.
func gone(group uint32) bool {
	switch {
	case group == 0x0012, group == 0x0032, group == 0x0038, group == 0x0088, group == 0x0400, group >= 0x2000 && group < 0x2300, group >= 0x4000 && group < 0x5200,
		group >= 0x6000 && group < 0x6100, group == 0xFFFA, group == 0xFFFC:
		return true
	}
	return false
}

// removedSequences name people, places or other patients, and are not in the table.
var removedSequences = map[uint32]bool{0x00081032: true, 0x00400260: true}

// action is what the profile, its options and this package do with an attribute that is not private, in an object of a class.
func (p *Profile) action(t uint32, vr, class string) action {
	if a, ok := special[t]; ok {
		return a
	}
	if group := t >> 16; group >= 0x5000 && group < 0x5100 || group >= 0x6000 && group < 0x6100 || t&0xFFFF == 0 { // group lengths are retired, and would be wrong
		return remove
	}
	r := listed()[t]
	switch {
	case r == nil:
		return unlisted(t, vr)
	case r.Patient == "K", p.Devices && r.Device == "K" && (r.ModifiedDates == "" || equipmentDates[t]), p.Institutions && r.Institution == "K":
		return keep
	case r.ModifiedDates != "" && !equipmentDates[t] && (vr == "DA" || vr == "DT"):
		return moveDate
	case r.ModifiedDates != "" && !equipmentDates[t] && vr == "TM":
		return keep
	case r.CleanDescriptors != "" && vr != "SQ" && texts[vr]:
		return tidy
	}
	return r.otherwise(vr, class)
}

// otherwise is the action of the basic profile.
func (r *Row) otherwise(vr, class string) action {
	switch r.basic(class) {
	case 'Z':
		return empty
	case 'D':
		if vr == "UI" {
			return remap
		}
		return dummy
	case 'U':
		if vr == "SQ" {
			return keep // its UIDs are replaced
		}
		return remap
	}
	return remove
}

var texts = map[string]bool{"LO": true, "SH": true, "ST": true, "LT": true, "UT": true, "UC": true}

// unlisted is what is done with an attribute that the table does not have.
func unlisted(t uint32, vr string) action {
	if gone(t>>16) || t>>16 == 0x0010 || removedSequences[t] || vrOf(t) == "UN" {
		return remove
	}
	switch {
	case vr == "UI":
		return remap
	case vr == "DA", vr == "DT":
		return moveDate
	case texts[vr] && !harmless[t]:
		return remove
	case texts[vr]:
		return keep
	}
	switch vr {
	case "SQ", "CS", "DS", "IS", "TM", "AS", "US", "SS", "UL", "SL", "FL", "FD", "AT", "SV", "UV":
		return keep
	}
	return remove // PN, AE, UR, UN, OB, OW, OF and what nobody knows
}

// forms are what a kept value of a VR may look like; another one is no such value and goes.
var forms = map[string]*regexp.Regexp{
	"CS": regexp.MustCompile(`^[A-Z0-9_ \\]*$`), "DS": regexp.MustCompile(`^[0-9+\-.eE \\]*$`), "IS": regexp.MustCompile(`^[0-9+\- \\]*$`),
	"TM": regexp.MustCompile(`^[0-9.: \\\-]*$`), "AS": regexp.MustCompile(`^([0-9]{3}[DWMY])?$`), "UI": uidForm,
}

// uidForm is what UIDs look like.
var uidForm = regexp.MustCompile(`^[0-9.\\]*$`)

// specialForms are those of single attributes.
var specialForms = map[uint32]*regexp.Regexp{
	timezoneUTC:  regexp.MustCompile(`^([+-][0-9]{4})?$`),
	characterSet: regexp.MustCompile(`^(\\|ISO_IR [0-9]+|ISO 2022 IR [0-9]+|GB18030|GBK|ISO_IR 192)*$`),
}

// safePrivate are attributes that PS3.15, Table E.3.10-1 calls safe and that hold numbers of CT, MR and PET: factors of SUV and of intensity,
// b-values, gradients, pitch and dose. Those of GE's gradient directions are from its conformance statements.
var safePrivate = map[string]map[uint32]bool{ // creator → group and the last two digits of the element
	"Philips PET Private Group": {0x70530000: true, 0x70530009: true},
	"Philips MR Imaging DD 001": {0x2005000D: true, 0x2005000E: true},
	"Philips Imaging DD 001":    {0x20010003: true, 0x20010004: true},
	"SIEMENS MR HEADER":         {0x0019000C: true, 0x0019000D: true, 0x0019000E: true, 0x00190027: true},
	"ELSCINT1":                  {0x00E10021: true, 0x01E10026: true, 0x01F10001: true, 0x01F10007: true, 0x01F10026: true, 0x01F10027: true},
	"GEMS_PARM_01":              {0x00430027: true, 0x00430039: true},
	"GEMS_ACQU_01":              {0x00190023: true, 0x00190024: true, 0x00190027: true, 0x001900BB: true, 0x001900BC: true, 0x001900BD: true},
	"GEMS_SERS_01":              {0x00250007: true},
	"GEMS_HELIOS_01":            {0x00450001: true, 0x00450002: true},
}

// gradientWords are the two private values that are words.
var gradientWords = regexp.MustCompile(`^(NONE|DIRECTIONAL|ISOTROPIC|[PR]|[+\-]?[AFHLPR]+|[0-9.]+:1)$`)

// numeric reports whether the value of a safe private attribute is numbers, or one of the words that these take: what an attribute should hold is
// no proof of what it does.
func (e *element) numeric() bool {
	text := trim(e.value)
	if forms["DS"].MatchString(text) || gradientWords.MatchString(text) {
		return true
	}
	switch e.vr {
	case "US", "SS":
		return len(e.value)%2 == 0 && len(e.value) <= 16
	case "UL", "SL", "FL":
		return len(e.value) == 4
	case "FD", "UN":
		if len(e.value) == 4 { // of a file that does not say the VR; no four letters or digits are such a number
			x := math.Abs(float64(math.Float32frombits(binary.LittleEndian.Uint32(e.value))))
			return x == 0 || x > 5e-4 && x < 8
		}
		for i := 0; i+8 <= len(e.value); i += 8 { // letters would be much greater numbers, digits much smaller ones
			x := math.Abs(math.Float64frombits(binary.LittleEndian.Uint64(e.value[i:])))
			if !(x == 0 || x > 1e-9 && x < 1e5) {
				return false
			}
		}
		return len(e.value)%8 == 0
	}
	return false
}

// private says which private attributes of a data set are safe: by tag, with the creators that they need.
func (d dataSet) private() map[uint32]bool {
	safe := map[uint32]bool{}
	creators := map[uint32]string{} // by group and block
	for i := range d {
		if t := d[i].tag; t>>16&1 == 1 && t&0xFFFF >= 0x10 && t&0xFFFF <= 0xFF {
			creators[t&0xFFFF0000|t&0xFF] = trim(d[i].value)
		}
	}
	for i := range d {
		t := d[i].tag
		creator := t&0xFFFF0000 | t>>8&0xFF
		if t>>16&1 == 1 && t&0xFFFF > 0xFF && d[i].vr != "SQ" && safePrivate[creators[creator]][t&0xFFFF00FF] && d[i].numeric() {
			safe[t], safe[creator] = true, true
		}
	}
	return safe
}

func trim(b []byte) string { return strings.Trim(string(b), " \x00") }

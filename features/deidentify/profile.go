// Package deidentify takes out of DICOM files what names a patient, and leaves what features are made of.
//
// It is the Basic Application Level Confidentiality Profile of PS3.15, Annex E, with the options Retain Patient Characteristics, Retain
// Longitudinal Temporal Information with Modified Dates (all dates of a patient go back by the same number of days, so that intervals, ages and
// the decay of a tracer stay) and Retain Safe Private. It is stricter than the profile where that lists what goes: here a text stays only
// if it is listed as harmless, so that an attribute that nobody thought of goes. UIDs are replaced by the same UIDs in every file.
package deidentify

import (
	"regexp"
	"strings"
)

// action is what is done with an attribute.
type action string

const (
	keep      action = "kept"
	remove    action = "removed"
	empty     action = "emptied"
	replace   action = "replaced"
	remap     action = "uid replaced"
	moveDate  action = "date shifted"
	cap89     action = "age" // of 90 years and more is 90
	undecided action = ""
)

// special are attributes whose action is not that of their VR.
var special = map[uint32]action{
	0x00080005: keep,  // SpecificCharacterSet
	0x00080050: empty, // AccessionNumber
	0x00080090: empty, // ReferringPhysicianName
	0x00080201: keep,  // TimezoneOffsetFromUTC: decay needs it
	0x00200010: empty, // StudyID
	0x00100010: replace, 0x00100020: replace,
	0x00100030: empty, // PatientBirthDate
	0x00100040: keep, 0x00101010: cap89, 0x00101020: keep, 0x00101030: keep, 0x001021A0: keep, 0x001021C0: keep,
	0x00700084: empty,   // ContentCreatorName
	0x30060002: replace, // StructureSetLabel
	0x00280301: keep, pixelData: keep, 0x7FE00008: keep, 0x7FE00009: keep, 0x7FE00001: keep, 0x7FE00002: keep,
	0x00281201: keep, 0x00281202: keep, 0x00281203: keep, 0x00281221: keep, 0x00281222: keep, 0x00281223: keep, 0x00283006: keep,
}

// harmless are texts that say how an image was made, or what a region or code is.
var harmless = map[uint32]bool{
	0x00080070: true, 0x00081090: true, 0x00080100: true, 0x00080102: true, 0x00080103: true, 0x00080104: true,
	0x00180010: true, 0x00180024: true, 0x00180031: true, 0x00181020: true, 0x00181210: true, 0x00181250: true, 0x00181251: true, 0x00189005: true,
	0x00189016: true, 0x00540400: true, 0x00541101: true, 0x00541103: true, 0x00541105: true, 0x00620005: true, 0x00620009: true, 0x30060026: true,
}

// gone are groups of which nothing is left: trials, visits, procedures, storage, printing, overlays, signatures, what was there before.
func gone(group uint32) bool {
	switch {
	case group == 0x0012, group == 0x0032, group == 0x0038, group == 0x0088, group == 0x0400, group >= 0x2000 && group < 0x2300, group >= 0x4000 && group < 0x5200,
		group >= 0x6000 && group < 0x6100, group == 0xFFFA, group == 0xFFFC:
		return true
	}
	return false
}

// removedSequences name people, places or other patients.
var removedSequences = map[uint32]bool{
	0x00081032: true, 0x00081049: true, 0x00081052: true, 0x00081062: true, 0x00081072: true, 0x00080096: true, 0x00080082: true, 0x00081084: true, 0x00081120: true,
	0x00400275: true, 0x00400260: true, 0x00400555: true, 0x0040A073: true, 0x0040A078: true, 0x0040A07A: true, 0x0040A07C: true, 0x00189346: false,
}

// rule is the action of PS3.15 and of this package for an attribute that is not private.
func rule(t uint32, vr string) action {
	if a, ok := special[t]; ok {
		return a
	}
	group := t >> 16
	if gone(group) || group == 0x0010 || t&0xFFFF == 0 { // group lengths are retired, and would be wrong
		return remove
	}
	switch vr {
	case "SQ":
		if removedSequences[t] {
			return remove
		}
		return keep
	case "UI":
		return remap
	case "DA", "DT":
		return moveDate
	case "LO", "SH", "ST", "LT", "UT", "UC":
		if harmless[t] {
			return keep
		}
		return remove
	case "CS", "DS", "IS", "TM", "AS", "US", "SS", "UL", "SL", "FL", "FD", "AT", "SV", "UV":
		return keep
	}
	return remove // PN, AE, UR, UN, OB, OW, OF and what nobody knows
}

// forms are what a kept value of a VR may look like; another one is no such value and goes.
var forms = map[string]*regexp.Regexp{
	"CS": regexp.MustCompile(`^[A-Z0-9_ \\]*$`), "DS": regexp.MustCompile(`^[0-9+\-.eE \\]*$`), "IS": regexp.MustCompile(`^[0-9+\- \\]*$`),
	"TM": regexp.MustCompile(`^[0-9.: \\\-]*$`), "AS": regexp.MustCompile(`^([0-9]{3}[DWMY])?$`),
}

// timezone is the form of TimezoneOffsetFromUTC, the one text that is kept and not of a list.
var timezone = regexp.MustCompile(`^[+-][0-9]{4}$`)

// safePrivate are private attributes that PS3.15, Table E.3.10-1 calls safe and that features need: factors of SUV, b-values and gradients.
var safePrivate = map[string]map[uint32]bool{ // creator → group and the last two digits of the element
	"Philips PET Private Group": {0x70530000: true, 0x70530009: true},
	"Philips Imaging DD 001":    {0x20010003: true, 0x20010004: true},
	"SIEMENS MR HEADER":         {0x0019000C: true, 0x0019000D: true, 0x0019000E: true, 0x00190027: true},
	"GEMS_PARM_01":              {0x00430039: true},
	"GEMS_ACQU_01":              {0x001900BB: true, 0x001900BC: true, 0x001900BD: true},
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
		if t>>16&1 == 1 && t&0xFFFF > 0xFF && d[i].vr != "SQ" && safePrivate[creators[creator]][t&0xFFFF00FF] {
			safe[t], safe[creator] = true, true
		}
	}
	return safe
}

func trim(b []byte) string { return strings.Trim(string(b), " \x00") }

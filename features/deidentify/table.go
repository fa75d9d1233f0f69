package deidentify

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// tableText is Table E.1-1 of DICOM PS3.15, edition 2025c, as facts: tag, name, VR (PS3.6), action code of the basic profile, and that of each option.
// Where a column is empty, the option says nothing of the attribute.
//
//go:embed table.tsv
var tableText string

// Row is an attribute of Table E.1-1 with its action codes: X remove, Z empty, D dummy, K keep, C clean, U replace a UID; X/Z/D and the like by the type
// of the attribute in the IOD.
type Row struct {
	Tag  string // of eight hexadecimal digits, or 50xxxxxx, 60xx3000, 60xx4000, ggggeeee (private)
	Name string
	VR   string // the first that PS3.6 gives; empty for a pattern

	Basic                                            string
	SafePrivate, UIDs, Device, Institution, Patient  string
	FullDates, ModifiedDates                         string
	CleanDescriptors, CleanStructured, CleanGraphics string
}

// Table returns the rows of Table E.1-1, by tag.
var Table = sync.OnceValue(func() []Row {
	var rows []Row
	for i, line := range strings.Split(strings.TrimSuffix(tableText, "\n"), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 14 {
			panic(fmt.Sprintf("deidentify: line %d of table.tsv has %d columns", i+1, len(f)))
		}
		if i > 0 {
			rows = append(rows, Row{f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], f[10], f[11], f[12], f[13]})
		}
	}
	return rows
})

// listed are the rows of single attributes, by tag.
var listed = sync.OnceValue(func() map[uint32]*Row {
	rows := Table()
	m := make(map[uint32]*Row, len(rows))
	for i := range rows {
		if t, err := strconv.ParseUint(rows[i].Tag, 16, 32); err == nil {
			m[uint32(t)] = &rows[i]
		}
	}
	return m
})

// enhanced are the classes of which PS3.3 demands the Enhanced General Equipment Module, in which DeviceSerialNumber is of type 1.
var enhanced = map[string]bool{
	"1.2.840.10008.5.1.4.1.1.2.1": true, "1.2.840.10008.5.1.4.1.1.2.2": true, "1.2.840.10008.5.1.4.1.1.4.1": true, "1.2.840.10008.5.1.4.1.1.4.2": true,
	"1.2.840.10008.5.1.4.1.1.4.3": true, "1.2.840.10008.5.1.4.1.1.4.4": true, "1.2.840.10008.5.1.4.1.1.130": true, "1.2.840.10008.5.1.4.1.1.128.1": true,
	"1.2.840.10008.5.1.4.1.1.66.4": true, "1.2.840.10008.5.1.4.1.1.66.5": true, "1.2.840.10008.5.1.4.1.1.66.6": true, "1.2.840.10008.5.1.4.1.1.66.7": true,
	"1.2.840.10008.5.1.4.1.1.88.34": true, "1.2.840.10008.5.1.4.1.1.88.35": true, "1.2.840.10008.5.1.4.1.1.30": true, "1.2.840.10008.5.1.4.1.1.12.1.1": true, "1.2.840.10008.5.1.4.1.1.12.2.1": true, "1.2.840.10008.5.1.4.1.1.13.1.1": true,
	"1.2.840.10008.5.1.4.1.1.13.1.2": true, "1.2.840.10008.5.1.4.1.1.13.1.3": true, "1.2.840.10008.5.1.4.1.1.77.1.5.4": true, "1.2.840.10008.5.1.4.1.1.77.1.6": true,
}

// radiotherapy reports whether a class is of the RT IODs, whose series and approval modules make names of type 2.
func radiotherapy(class string) bool { return strings.HasPrefix(class, "1.2.840.10008.5.1.4.1.1.481.") }

// microscopy is the whole-slide image, with its slide label.
const microscopy = "1.2.840.10008.5.1.4.1.1.77.1.6"

// basic is the action of the basic profile for an attribute in an object of a class: one letter. Where the code leaves a choice, it is that by
// the attribute's type in the class (PS3.3): type 1 takes a dummy, type 2 is emptied, type 3 is removed. References to images stay, with their UIDs
// replaced (U), since a segmentation finds its images by them.
func (r *Row) basic(class string) byte {
	if len(r.Basic) == 1 {
		return r.Basic[0]
	}
	switch r.Basic {
	case "X/Z/U*":
		return 'U'
	case "Z/D": // names of creators and contrast agents are of type 2, and dates are shifted; PatientID is replaced
		return 'Z'
	}
	switch r.Tag {
	case "00181000": // DeviceSerialNumber
		if enhanced[class] {
			return 'D'
		}
	case "00081111": // ReferencedPerformedProcedureStepSequence, 1C in the series of enhanced images, 2 in those of documents
		if strings.HasPrefix(class, reports) {
			return 'Z'
		}
		if enhanced[class] {
			return 'U'
		}
	case "00081070", "300e0008", "300a00b2", "30080105": // OperatorsName, ReviewerName, TreatmentMachineName, SourceSerialNumber
		if radiotherapy(class) {
			return 'Z'
		}
	case "00400555": // AcquisitionContextSequence, of images that were acquired and not derived
		if enhanced[class] && !strings.HasPrefix(class, "1.2.840.10008.5.1.4.1.1.66.") && class != "1.2.840.10008.5.1.4.1.1.30" || strings.HasPrefix(class, "1.2.840.10008.5.1.4.1.1.1.") {
			return 'Z'
		}
	case "22000005", "22000002": // BarcodeValue, LabelText
		if class == microscopy {
			return 'Z'
		}
	case "300a0006", "300a0007", "30080250", "30080251": // RTPlanDate and Time, TreatmentDate and Time
		if radiotherapy(class) {
			return 'Z'
		}
	}
	return 'X'
}

// equipmentDates are of devices and code tables, not of the patient's time line. Many files share them and some are public, so that one that was
// moved would tell by how many days the patient's dates were.
var equipmentDates = map[uint32]bool{
	0x00080106: true, 0x00080107: true, 0x0014407C: true, 0x0014407E: true, 0x00181200: true, 0x00181201: true, 0x00181202: true, 0x00181203: true, 0x00181204: true, 0x00181205: true,
	0x0018700C: true, 0x0018700E: true, 0x0040DB06: true, 0x0040DB07: true, 0x0044000B: true, 0x0072000A: true,
}

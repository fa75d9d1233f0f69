package deidentify

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/voxgene/voxgene/features/image"
)

// Instance is one file without what named its patient.
type Instance struct {
	Patient, Study, Series, UID string // as they are now
	Bytes                       []byte
	Face                        bool           // the head may be in it, from which a face can be made
	Done                        map[string]int // attributes by what was done with them
	Removed                     map[string]int // by tag, of those removed, emptied or replaced

	was, issuer string // PatientID of the file, and who gave it
}

// WasOf reports whether the file named a patient by this identifier.
func (i *Instance) WasOf(id string) bool { return i.was == id }

// Quarantine is why a file is not passed on.
type Quarantine struct{ Reason string }

// Error returns the reason.
func (q *Quarantine) Error() string { return q.Reason }

// ErrNotDICOM says that a file is none, or none of a patient's objects.
var ErrNotDICOM = errors.New("this is no DICOM file")

// ErrDirectory is a DICOMDIR: it lists patients by name, and its files under names that they no longer have.
var ErrDirectory = fmt.Errorf("%w of images, but a DICOMDIR, which names patients; dcmmkdir makes a new one of the files that were written", ErrNotDICOM)

// mediaDirectory is the class of a DICOMDIR.
const mediaDirectory = "1.2.840.10008.1.3.10"

const (
	explicitLittle = "1.2.840.10008.1.2.1"
	implicitLittle = "1.2.840.10008.1.2"
	deflated       = "1.2.840.10008.1.2.1.99"
	explicitBig    = "1.2.840.10008.1.2.2"
)

// Identify is what Profile{Key: k} does with a file.
func (k Key) Identify(b []byte) (*Instance, error) { return (&Profile{Key: k}).Identify(b) }

// Identify reads a file of PS3.10, or one that lacks its preamble, and returns it de-identified; one that was deflated or big-endian comes out
// neither. A *Quarantine is a file that may show a name in its pixels or in a text that cannot be cleaned; ErrNotDICOM is another kind of file.
func (p *Profile) Identify(b []byte) (*Instance, error) {
	class, syntax, d, err := read(b)
	if err != nil {
		return nil, err
	}
	if why := burned(d); why != "" {
		return nil, &Quarantine{why}
	}
	id, issuer := d.text(patientID), d.text(0x00100021)
	if id == "" {
		return nil, &Quarantine{"it has no PatientID, so that it cannot be told whose it is"}
	}
	c := &cleaner{profile: p, class: class, days: p.Key.Days(id, issuer), name: p.Key.Pseudonym(id, issuer), names: identity{}, done: map[string]int{}, removed: map[string]int{}}
	c.names.of(d, p.Institutions)
	c.structured = structured(d)
	var out dataSet
	if c.structured {
		out = c.tree(d)
		aged(out)
	} else {
		out = c.set(d)
	}
	c.mark(&out)
	recognisable := face(d)
	if recognisable { // the description that said so may be gone
		out.put(element{tag: 0x00280302, vr: "CS", value: []byte("YES")})
	}
	uid := out.text(0x00080018)
	if uid == "" || out.text(0x0020000D) == "" || out.text(0x0020000E) == "" {
		return nil, &Quarantine{"it lacks a UID of study, series or instance"}
	}
	return &Instance{was: id, issuer: issuer, Patient: c.name, Study: out.text(0x0020000D), Series: out.text(0x0020000E), UID: uid, Face: recognisable, Done: c.done, Removed: c.removed,
		Bytes: out.append(newMeta(class, uid, syntax), syntax == implicitLittle)}, nil
}

// read returns the attributes of a file, its class, and the transfer syntax that they are written in again.
func read(b []byte) (class, syntax string, d dataSet, err error) {
	fail := func(why string) (string, string, dataSet, error) { return "", "", nil, &Quarantine{why} }
	switch {
	case len(b) >= 132 && string(b[128:132]) == "DICM":
		b = b[132:]
	case !plausible(b):
		return "", "", nil, ErrNotDICOM
	}
	meta, rest, err := fileMeta(b)
	if err != nil {
		return fail("it cannot be read: " + err.Error())
	}
	class, syntax = meta.text(0x00020002), meta.text(0x00020010)
	r := &reader{b: rest}
	switch syntax {
	case "": // nothing says: two capital letters after the tag are a VR
		syntax = explicitLittle
		if r.implicit = len(rest) < 6 || !capital(rest[4]) || !capital(rest[5]); r.implicit {
			syntax = implicitLittle
		}
	case implicitLittle:
		r.implicit = true
	case explicitBig:
		r.big, syntax = true, explicitLittle
	case deflated:
		r.b, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(rest)), min(int64(len(rest))*image.DeflateRatio, largest)))
		if syntax = explicitLittle; err != nil {
			return fail("it cannot be inflated")
		}
	}
	if class == mediaDirectory {
		return "", "", nil, ErrDirectory
	}
	if d, err = r.set(0); err != nil {
		return fail("it cannot be read: " + err.Error())
	}
	if c := d.text(0x00080016); c != "" {
		class = c
	}
	if class == "" || !uidForm.MatchString(class) || !uidForm.MatchString(syntax) {
		return fail("its class or its transfer syntax is no UID")
	}
	return class, syntax, d, nil
}

// plausible reports whether a file without the preamble begins with attributes of group 2 or 8 anyway.
func plausible(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	group, element := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
	return (group == 2 || group == 8) && element <= 0x2000 && (capital(b[4]) && capital(b[5]) || binary.LittleEndian.Uint32(b[4:]) < 1<<16)
}

func capital(c byte) bool { return 'A' <= c && c <= 'Z' }

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
	case structured(d):
		return ""
	case strings.HasPrefix(class, reports), modality == "SR", modality == "DOC", modality == "KO", modality == "PR", strings.HasPrefix(class, "1.2.840.10008.5.1.4.1.1.104."):
		return "it is a document, or a report without a tree, whose text cannot be cleaned"
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
	return headWord(where)
}

// headWord reports whether a text in capitals speaks of the head.
func headWord(where string) bool {
	for _, word := range []string{"HEAD", "BRAIN", "SKULL", "FACE", "NECK", "SINUS", "ORBIT", "WHOLEBODY", "WHOLE BODY", "HIRN", "KOPF", "SCHAEDEL", "CEREBR", "CRANI", "TETE", "GLIOMA", "FLAIR", "PETROUS", "PITUITARY"} {
		if strings.Contains(where, word) {
			return true
		}
	}
	return false
}

// same reports whether two files that were made hold the same.
func (i *Instance) same(b []byte) bool { return bytes.Equal(i.Bytes, b) }

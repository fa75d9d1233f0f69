// Package object renders a prediction as DICOM objects of the study that it was made from: a Comprehensive 3D SR with the measurements of
// the region (TID 1411 within TID 1500) and the prediction (TID 1501), the mask as a SEG, a map as a Parametric Map, and a Secondary
// Capture with the words on use burned in.
//
// Identifiers follow from the result's, so that the same result gives the same objects and sending it twice stores it once. Every object
// carries the patient and study of its source, what it was made from, and which software and bundle made it.
package object

import (
	"math"
	"strings"
	"time"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/serve/results"
)

// The kinds of object that are written (PS3.4, B.5).
const (
	SRStorage            = "1.2.840.10008.5.1.4.1.1.88.34" // Comprehensive 3D SR
	SegmentationStorage  = "1.2.840.10008.5.1.4.1.1.66.4"
	ParametricMapStorage = "1.2.840.10008.5.1.4.1.1.30"
	CaptureStorage       = "1.2.840.10008.5.1.4.1.1.7" // Secondary Capture
)

// Manufacturer is written into every object; a poller knows our own objects by it.
const Manufacturer = "Voxgene"

// Source is what objects are made from.
type Source struct {
	Result  results.Result
	Program string // version of this program
	Words   string // on the use of the prediction

	// Of the series that the region lies in. Objects with pixels need all of it, an SR only the first two.
	Modality         string
	Series           string // SeriesInstanceUID
	FrameOfReference string
	Grid             image.Grid
	Planes           []dicom.Plane
}

// The numbers and parts of the series that a result makes; part is also the seed of their identifiers.
const (
	partSR      = "sr"
	partMask    = "seg"
	partMap     = "map"
	partCapture = "capture"
)

var seriesNumbers = map[string]float64{partSR: 9801, partMask: 9802, partMap: 9803, partCapture: 9804}

// uid is the identifier of a part of the result.
func (s *Source) uid(part ...string) string {
	return p10.UID(append([]string{"voxgene result", s.Result.ID}, part...)...)
}

// base is what all objects have: patient, study, series, equipment, and the object's own identity.
func (s *Source) base(part, class, modality, description string) *p10.Set {
	id := &s.Result.Identity
	at := s.Result.Changed.UTC()
	d, t := at.Format("20060102"), at.Format("150405")
	o := &p10.Set{}
	o.Text(p10.SpecificCharacterSet, "ISO_IR 192")
	o.Text(p10.InstanceCreationDate, d).Text(p10.InstanceCreationTime, t)
	o.Text(p10.SOPClassUID, class).Text(p10.SOPInstanceUID, s.uid(part, "instance"))
	o.Text(p10.StudyDate, date(id.StudyDate)).Text(p10.StudyTime, clock(id.StudyTime))
	o.Text(p10.SeriesDate, d).Text(p10.SeriesTime, t).Text(p10.ContentDate, d).Text(p10.ContentTime, t)
	o.Clip(p10.AccessionNumber, id.Accession).Text(p10.Modality, modality)
	o.Text(p10.Manufacturer, Manufacturer).Clip(p10.ManufacturerModelName, s.Result.Model)
	o.Clip(p10.DeviceSerialNumber, strings.TrimPrefix(s.Result.Version, "sha256:")).Clip(p10.SoftwareVersions, "voxgene "+s.Program, short(s.Result.Version))
	o.Clip(p10.ReferringPhysicianName, id.Referrer)
	o.Clip(p10.SeriesDescription, "Voxgene: "+description)
	name(o, id.Name)
	o.Clip(p10.PatientID, id.Patient)
	if id.Issuer != "" {
		o.Clip(p10.IssuerOfPatientID, id.Issuer)
	}
	o.Text(p10.PatientBirthDate, date(id.Birth))
	sex := id.Sex
	if sex != "M" && sex != "F" && sex != "O" {
		sex = ""
	}
	o.Text(p10.PatientSex, sex)
	o.Text(p10.StudyInstanceUID, id.Study).Text(p10.SeriesInstanceUID, s.uid(part, "series"))
	o.Clip(p10.StudyID, id.StudyID).Number(p10.SeriesNumber, seriesNumbers[part]).Number(p10.InstanceNumber, 1)
	return o
}

// name writes a patient's name, whose separators are kept.
func name(o *p10.Set, text string) {
	o.Clip(p10.PatientName, text)
}

// date is a text if it is a date of DICOM, else nothing.
func date(text string) string {
	if _, err := time.Parse("20060102", text); err != nil {
		return ""
	}
	return text
}

// clock is a text if it is a time of DICOM, else nothing.
func clock(text string) string {
	whole, fraction, _ := strings.Cut(text, ".")
	if _, err := time.Parse("150405"[:min(6, len(whole))], whole); err != nil || len(whole)%2 == 1 || len(fraction) > 6 {
		return ""
	}
	for _, r := range fraction {
		if r < '0' || r > '9' {
			return ""
		}
	}
	return text
}

// short is the beginning of a bundle's version.
func short(version string) string { return version[:min(len(version), len("sha256:")+12)] }

// reference is the reference to an object.
func reference(class, instance string) *p10.Set {
	return (&p10.Set{}).Text(p10.ReferencedSOPClassUID, class).Text(p10.ReferencedSOPInstanceUID, instance)
}

// evidence lists objects by study and series, in the order in which they were given.
func evidence(study string, list []results.Instance, instances, bySeries p10.Attribute) []*p10.Set {
	var order []string
	of := map[string][]*p10.Set{}
	for _, in := range list {
		if of[in.Series] == nil {
			order = append(order, in.Series)
		}
		of[in.Series] = append(of[in.Series], reference(in.Class, in.Instance))
	}
	var series []*p10.Set
	for _, uid := range order {
		series = append(series, (&p10.Set{}).Text(p10.SeriesInstanceUID, uid).Items(instances, of[uid]...))
	}
	if study == "" {
		return series
	}
	return []*p10.Set{(&p10.Set{}).Text(p10.StudyInstanceUID, study).Items(bySeries, series...)}
}

// numbers is v as values of an attribute.
func numbers(v ...float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		if out[i] = x; math.Abs(x) < 1e-12 {
			out[i] = 0 // also of −0
		}
	}
	return out
}

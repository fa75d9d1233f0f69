package object

import (
	"fmt"
	"strings"
	"time"

	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/results"
)

// kind is what tells one object of a result from the others.
type kind struct {
	class, uid, series    string
	number, instance      float64 // of the series and in it
	modality, description string
	at                    time.Time
}

// common is what all objects of a result share: the patient and the study of the source, and the equipment: the model, and this program, which
// applied it.
func common(r *results.Result, program string, k kind) *p10.Set {
	id := &r.Identity
	at := k.at.UTC()
	d, t := at.Format("20060102"), at.Format("150405")
	o := &p10.Set{}
	for _, a := range p10.Patient {
		if v := id.Module[fmt.Sprintf("%08X", uint32(a.Tag))]; v != "" {
			if several[a.VR] {
				o.Clip(a, strings.Split(v, `\`)...)
			} else {
				o.Clip(a, v)
			}
		}
	}
	o.Text(p10.InstanceCreationDate, d).Text(p10.InstanceCreationTime, t)
	o.Text(p10.SOPClassUID, k.class).Text(p10.SOPInstanceUID, k.uid)
	o.Text(p10.StudyDate, date(id.StudyDate)).Text(p10.StudyTime, clock(id.StudyTime)).Text(p10.SeriesDate, d).Text(p10.SeriesTime, t)
	o.Text(p10.ContentDate, d).Text(p10.ContentTime, t).Clip(p10.AccessionNumber, id.Accession).Text(p10.Modality, k.modality)
	o.Text(p10.Manufacturer, Manufacturer).Clip(p10.ManufacturerModelName, r.Model).Clip(p10.DeviceSerialNumber, strings.TrimPrefix(r.Version, "sha256:"))
	o.Clip(p10.SoftwareVersions, "voxgene "+program, short(r.Version))
	o.Clip(p10.ReferringPhysicianName, id.Referrer).Clip(p10.SeriesDescription, k.description)
	o.Clip(p10.PatientName, id.Name).Clip(p10.PatientID, id.Patient)
	if id.Issuer != "" {
		o.Clip(p10.IssuerOfPatientID, id.Issuer)
	}
	sex := id.Sex
	if sex != "M" && sex != "F" && sex != "O" {
		sex = ""
	}
	o.Text(p10.PatientBirthDate, date(id.Birth)).Text(p10.PatientSex, sex)
	o.Text(p10.StudyInstanceUID, id.Study).Text(p10.SeriesInstanceUID, k.series).Clip(p10.StudyID, id.StudyID)
	o.Number(p10.SeriesNumber, k.number).Number(p10.InstanceNumber, k.instance)
	o.Items(p10.ContributingEquipmentSequence, (&p10.Set{}).
		Items(p10.PurposeOfReferenceCodeSequence, code("109102", "DCM", "Processing Equipment").Item()).
		Text(p10.Manufacturer, Manufacturer).Clip(p10.ManufacturerModelName, r.Model).Clip(p10.DeviceSerialNumber, strings.TrimPrefix(r.Version, "sha256:")).
		Clip(p10.SoftwareVersions, "voxgene "+program, short(r.Version)).Text(p10.ContributionDateTime, at.Format("20060102150405.000000")+"+0000").
		Clip(p10.ContributionDescription, "Prediction. "+bundle.Words(r.Use)))
	return o
}

// several are the types of text that may hold a list.
var several = map[string]bool{"AS": true, "CS": true, "DS": true, "LO": true, "PN": true, "SH": true, "TM": true}

// short is how a bundle's version is named where there is little room.
func short(version string) string { return version[:min(len(version), len("sha256:")+12)] }

// Own reports whether an object was made by this program, by its manufacturer.
func Own(manufacturer string) bool { return strings.TrimSpace(manufacturer) == Manufacturer }

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
	if _, err := time.Parse("150405", whole); err != nil || len(fraction) > 6 || strings.Trim(fraction, "0123456789") != "" {
		return ""
	}
	return text
}

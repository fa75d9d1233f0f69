package clinical

import (
	"fmt"
	"io"
	"strings"

	"github.com/voxgene/voxgene/features/image/dicom"
)

// Measurement is one number of a group.
type Measurement struct {
	Label string // the meaning of its concept, with those of its modifiers: Attenuation Coefficient (Mean)
	Code  dicom.Code
	Value float64 // NaN where the report has none
	Unit  string  // UCUM, "" where the number has none
	At    string  // place in the report's tree
}

// MeasurementGroup is what was measured and said of one region of interest, or of the whole patient.
type MeasurementGroup struct {
	Tracking, TrackingUID string
	Finding, Site         string // in words; the site with its laterality: Lung (Left)
	Measurements          []Measurement
	Evaluations           []Finding
	At                    string // place in the report's tree: 1.5.2
}

// MeasurementReport is what one report says of its patient, in the order of the file.
type MeasurementReport struct {
	Patient string
	Groups  []MeasurementGroup
}

// ReadMeasurementReport reads a DICOM structured report of imaging measurements (PS3.16, TID 1500): its groups of planar and volumetric
// regions (TID 1410 and 1411) and of other measurements (TID 1501), and the qualitative evaluations of the whole. Comments, images and
// coordinates are passed over. Errors name the file and the content item; one of no structured report is dicom.ErrNotReport.
func ReadMeasurementReport(path string) (MeasurementReport, error) {
	r, err := dicom.ReadReport(path)
	if err != nil {
		return MeasurementReport{}, err
	}
	m, err := measurements(r)
	if err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// DecodeMeasurementReport reads a report from a stream. See ReadMeasurementReport.
func DecodeMeasurementReport(in io.Reader) (MeasurementReport, error) {
	r, err := dicom.DecodeReport(in)
	if err != nil {
		return MeasurementReport{}, err
	}
	return measurements(r)
}

func measurements(r *dicom.Report) (MeasurementReport, error) {
	m := MeasurementReport{Patient: r.Patient}
	if !is(r.Root.Name, measurementReport) {
		return m, fmt.Errorf("content item 1 is %q: want an Imaging Measurement Report (126000, DCM; TID 1500)", r.Root.Name.Meaning)
	}
	if m.Patient == "" {
		return m, fmt.Errorf("the report names no patient (PatientID)")
	}
	for _, part := range r.Root.Items {
		switch {
		case is(part.Name, imagingMeasurements) || is(part.Name, derivedMeasurements):
			for _, c := range part.Items {
				if !is(c.Name, measurementGroup) {
					continue
				}
				g, err := group(c)
				if err != nil {
					return m, err
				}
				m.Groups = append(m.Groups, g)
			}
		case is(part.Name, qualitativeEvaluations):
			g, err := group(part)
			if err != nil {
				return m, err
			}
			if len(g.Evaluations) > 0 {
				m.Groups = append(m.Groups, g)
			}
		}
	}
	return m, nil
}

// group reads one group. What only says how something was done or seen is not of kind CONTAINS, and is no evaluation.
func group(c *dicom.Content) (MeasurementGroup, error) {
	g := MeasurementGroup{At: c.At}
	for _, i := range c.Items {
		name := strings.TrimSpace(i.Name.Meaning)
		switch {
		case is(i.Name, trackingIdentifier):
			g.Tracking = i.Text
		case is(i.Name, trackingUID):
			g.TrackingUID = i.Text
		case is(i.Name, finding):
			g.Finding = i.Code.Meaning
		case is(i.Name, findingSite):
			g.Site = modified(i.Code.Meaning, i)
		case i.Type != "NUM" && (i.Relationship != "CONTAINS" || is(i.Name, comment)):
		case i.Type != "NUM" && i.Type != "CODE" && i.Type != "TEXT":
		case name == "":
			return g, fmt.Errorf("content item %s (%s) has no concept name with a meaning", i.At, i.Type)
		case i.Type == "NUM":
			unit := i.Unit.Value
			if unit == "1" || strings.HasPrefix(unit, "{") { // no units, and annotations such as {ratio}
				unit = ""
			}
			g.Measurements = append(g.Measurements, Measurement{modified(name, i), i.Name, i.Number, unit, i.At})
		case i.Type == "CODE" && i.Code.Meaning != "":
			g.Evaluations = append(g.Evaluations, Finding{name, i.Code.Value, i.Code.Meaning})
		case i.Type == "TEXT" && i.Text != "":
			g.Evaluations = append(g.Evaluations, Finding{name, "", i.Text})
		}
	}
	return g, nil
}

// modified is a name with the coded modifiers of an item: derivation, method, laterality.
func modified(name string, c *dicom.Content) string {
	var all []string
	for _, i := range c.Items {
		if i.Type == "CODE" && i.Relationship == "HAS CONCEPT MOD" && i.Code.Meaning != "" {
			all = append(all, i.Code.Meaning)
		}
	}
	if all == nil {
		return name
	}
	return name + " (" + strings.Join(all, ", ") + ")"
}

// The concepts that the templates are built of, by scheme and value. Older reports code some of them in the SNOMED identifiers of SRT.
var (
	measurementReport      = []string{"DCM 126000"}
	imagingMeasurements    = []string{"DCM 126010"}
	derivedMeasurements    = []string{"DCM 126011"}
	measurementGroup       = []string{"DCM 125007"}
	qualitativeEvaluations = []string{"UMLS C0034375"}
	trackingIdentifier     = []string{"DCM 112039"}
	trackingUID            = []string{"DCM 112040"}
	finding                = []string{"DCM 121071"}
	findingSite            = []string{"SCT 363698007", "SRT G-C0E3", "SNM3 G-C0E3", "99SDM G-C0E3"}
	comment                = []string{"DCM 121106"}
)

func is(c dicom.Code, concept []string) bool {
	for _, x := range concept {
		if scheme, value, _ := strings.Cut(x, " "); c.Scheme == scheme && c.Value == value {
			return true
		}
	}
	return false
}

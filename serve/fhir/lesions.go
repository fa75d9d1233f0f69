package fhir

import (
	"fmt"
	"strings"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/results"
)

// predicted is one prediction of a patient, or of one of their lesions.
type predicted struct {
	bundle.Prediction
	lesion *results.Lesion // nil where it is the patient's
}

// about is the lesion that is being rendered.
type about struct {
	name string
	body string // fullUrl of its BodyStructure
	site object // where in the body, nil where that is not known
}

// lesion is the BodyStructure of a lesion, which the resources that follow are about. Its identifiers are the result's and, where the study's segmentation
// follows it, the UID by which it is followed over studies.
func (r *rendering) lesion(l *results.Lesion) object {
	r.about = &about{name: l.Name}
	said := []string{"Lesion " + l.Name + " of the result"}
	o := object{"resourceType": "BodyStructure", "active": r.status != string(results.EnteredInError), "patient": r.subject}
	r.identified(o, "lesion."+l.Name)
	for _, at := range l.Regions {
		said = append(said, fmt.Sprintf("%.4g mm³ by source %s", at.Volume, at.Source))
		if at.Segment != nil {
			said = append(said, fmt.Sprintf("segment %d of the segmentation urn:oid:%s", at.Segment.Segment, at.Segment.Instance))
		}
		if ids, _ := o["identifier"].([]any); at.TrackingUID != "" && len(ids) < 2 {
			o["identifier"] = append(ids, object{"system": "urn:dicom:uid", "value": "urn:oid:" + at.TrackingUID})
		}
		if at.Type != nil && o["morphology"] == nil {
			o["morphology"] = inFHIR(at.Type)
		}
		if at.Site != nil && r.about.site == nil {
			r.about.site = inFHIR(at.Site)
			o["location"] = r.about.site
			if at.Side != nil {
				o["locationQualifier"] = []any{inFHIR(at.Side)}
			}
		}
	}
	description := strings.Join(said, ", ") + "."
	if r.remark != "" {
		description = r.remark + " " + description
	}
	o["description"] = description + " " + r.use
	made := r.entry(o, strings.Join(said, ", ")+".")
	r.about.body = made["fullUrl"].(string)
	return made
}

// systems are those of FHIR for DICOM's coding schemes (PS3.16, 8.2).
var systems = map[string]string{"SCT": "http://snomed.info/sct", "DCM": "http://dicom.nema.org/resources/ontology/DCM", "FMA": "http://purl.org/sig/ont/fma", "RADLEX": "http://radlex.org"}

// inFHIR is a code of DICOM as a concept; of a scheme that FHIR has no name for it is the words.
func inFHIR(c *results.Code) object {
	o := object{"text": c.Meaning}
	if system := systems[c.Scheme]; system != "" {
		o["coding"] = []any{object{"system": system, "code": c.Value, "display": c.Meaning}}
	}
	return o
}

// focus says in an observation which lesion it is of.
func (r *rendering) focus(o object) {
	if r.about == nil {
		return
	}
	o["focus"] = []any{object{"reference": r.about.body}}
	if r.about.site != nil {
		o["bodySite"] = r.about.site
	}
}

// of names the lesion after what is said of it.
func (r *rendering) of() string {
	if r.about == nil {
		return ""
	}
	return " of lesion " + r.about.name
}

// part is the name of an outcome among the identifiers of a result.
func (r *rendering) part(outcome string) string {
	if r.about == nil {
		return outcome
	}
	return "lesion." + r.about.name + "." + outcome
}

// sentence says an answer in words.
func (r *rendering) sentence(a *bundle.Answer) string {
	if r.about == nil {
		return sentence(a)
	}
	return "Lesion " + r.about.name + ": " + sentence(a)
}

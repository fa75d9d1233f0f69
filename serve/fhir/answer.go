package fhir

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"math"
	"strings"
	"time"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/registry"
)

// collection renders one prediction as the answer of the operation.
func (f *Front) collection(e *registry.Entry, q *request, p bundle.Prediction, body []byte) object {
	input := sha256.Sum256(body)
	now := f.Now().UTC().Format(time.RFC3339)
	r := rendering{model: e.Bundle.Name, version: e.Bundle.Version(), program: f.Version, use: bundle.Words(e.Bundle.IntendedUse), status: "preliminary",
		subject: q.whom(), origin: q.origin, originDate: q.originDate, now: now, seed: e.Bundle.Version() + hex.EncodeToString(input[:]),
		inputs: object{"system": "urn:voxgene:sha256", "value": hex.EncodeToString(input[:])}, activity: "prediction"}
	for _, ref := range q.basis {
		r.basis = append(r.basis, object{"reference": ref})
	}
	return object{"resourceType": "Bundle", "type": "collection", "timestamp": now, "entry": r.entries([]predicted{{Prediction: p}})}
}

// rendering is what the resources of one answer, or of one kept result, share.
type rendering struct {
	model, version string // of the bundle
	program        string // version of this program
	use            string // the words on what the prediction may be used for
	status         string // of a prediction's resources: preliminary, final, amended, entered-in-error
	subject        object // reference to the patient
	basis          []any  // references to what the prediction was made from
	study          []any  // references to the imaging study, where there is one
	origin         string // date of time zero, empty where it is not known
	originDate     time.Time
	inputs         object // identifier of what the prediction was made from
	previous       object // identifier of the result that this one replaces; nil where there is none
	activity       string // what the provenance is of
	remark         string // said first in every resource, such as that it was retracted
	result         string // identifier of the kept result, which makes one for each resource; empty where none is kept
	now            string
	seed           string // of the resources' identifiers: the same request to the same bundle gives the same
	maker          string // fullUrl of the device
	number         int
	about          *about // the lesion that is rendered, where each has a prediction
}

// entries are the resources of the predictions of one patient, as entries of a Bundle.
func (r *rendering) entries(predictions []predicted) []any {
	device := r.device(r.program)
	var results, targets []any
	entries := []any{device}
	var summary []string
	for _, p := range predictions {
		if p.lesion != nil {
			body := r.lesion(p.lesion)
			entries, targets = append(entries, body), append(targets, object{"reference": body["fullUrl"]})
		}
		for _, reason := range p.Abstained {
			p.Warnings = append(p.Warnings, bundle.Warning{Code: "abstained", Message: reason})
		}
		for i := range p.Outcomes {
			a := &p.Outcomes[i]
			var made object
			if a.Kind == clinical.Class {
				made = r.observation(a, p.Warnings)
				results = append(results, object{"reference": made["fullUrl"]})
			} else {
				made = r.risk(a, p.Warnings)
			}
			targets = append(targets, object{"reference": made["fullUrl"]})
			entries = append(entries, made)
			summary = append(summary, r.sentence(a))
		}
	}
	r.about = nil
	report := r.report(results, strings.Join(summary, " "))
	targets = append(targets, object{"reference": report["fullUrl"]})
	return append(entries, report, r.provenance(targets))
}

// identified gives a resource of a kept result its business identifier, by which another system finds it again.
func (r *rendering) identified(resource object, part string) object {
	if r.result != "" {
		resource["identifier"] = []any{object{"system": ResultSystem, "value": resultIdentifier(r.result, part)}}
	}
	return resource
}

// resultIdentifier is the identifier of a part of a result: of an outcome, or of the report where it is empty.
func resultIdentifier(result, part string) string {
	if part == "" {
		return result
	}
	return result + "." + part
}

// entry wraps a resource under an identifier of its own, with a narrative.
func (r *rendering) entry(resource object, narrative string) object {
	r.number++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", r.seed, r.number))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // RFC 9562, version 8
	id := fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	resource["id"] = id
	if r.remark != "" {
		narrative = r.remark + " " + narrative
	}
	resource["text"] = object{"status": "generated", "div": `<div xmlns="http://www.w3.org/1999/xhtml"><p>` + html.EscapeString(narrative) + `</p><p>` + html.EscapeString(r.use) + `</p></div>`}
	return object{"fullUrl": "urn:uuid:" + id, "resource": resource}
}

func (r *rendering) device(program string) object {
	d := r.entry(object{
		"resourceType": "Device", "status": "active",
		"identifier": []any{object{"system": BundleSystem, "value": r.version}},
		"deviceName": []any{object{"name": r.model, "type": "model-name"}},
		"type":       object{"text": "Software: trained prediction model"},
		"version":    []any{object{"type": object{"text": "bundle"}, "value": r.version}, object{"type": object{"text": "voxgene"}, "value": program}},
		"note":       []any{object{"text": r.use}},
	}, "Model "+r.model+", "+r.version)
	r.maker = d["fullUrl"].(string)
	return d
}

// notes are the words on use and the warnings that concern an outcome.
func (r *rendering) notes(outcome string, warnings []bundle.Warning) []any {
	var out []any
	if r.remark != "" {
		out = append(out, object{"text": r.remark})
	}
	out = append(out, object{"text": r.use})
	for _, w := range warnings {
		if w.Outcome == "" || w.Outcome == outcome {
			out = append(out, object{"text": w.Code + ": " + w.Message})
		}
	}
	return out
}

// percent is a probability for FHIR, which writes it from 0 to 100 (ras-2).
func percent(p float64) float64 { return min(100, max(0, math.Round(p*1e8)/1e6)) }

// observation renders a class outcome.
func (r *rendering) observation(a *bundle.Answer, warnings []bundle.Warning) object {
	var components []any
	for k, c := range a.Classes {
		if math.IsNaN(a.Probabilities[k]) {
			continue
		}
		components = append(components, object{
			"code":          object{"coding": []any{object{"system": OutcomeSystem, "code": a.Name + "=" + c}}, "text": "Probability of " + a.Name + " " + c},
			"valueQuantity": object{"value": percent(a.Probabilities[k]), "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
		})
	}
	notes := r.notes(a.Name, warnings)
	if a.Set != nil {
		notes = append(notes, object{"text": "Set of classes at the stated level: {" + strings.Join(a.Set, ", ") + "}"})
	}
	if why := rationale(a.Explanations); why != "" {
		notes = append(notes, object{"text": why})
	}
	o := object{
		"resourceType": "Observation", "status": r.status,
		"category": []any{object{"coding": []any{object{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "imaging", "display": "Imaging"}}}},
		"code":     object{"coding": []any{object{"system": OutcomeSystem, "code": a.Name}}, "text": "Predicted " + a.Name + r.of()},
		"subject":  r.subject, "issued": r.now,
		"method": object{"text": r.model + " " + r.version},
		"device": object{"reference": r.maker},
		"note":   notes,
	}
	if a.Label == "" {
		o["dataAbsentReason"] = object{"coding": []any{object{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "not-performed"}}, "text": "The model abstains"}
	} else {
		o["valueCodeableConcept"], o["component"] = object{"text": a.Label}, components
	}
	if from := append(r.study[:len(r.study):len(r.study)], r.basis...); from != nil {
		o["derivedFrom"] = from
	}
	r.focus(o)
	return r.entry(r.identified(o, r.part(a.Name)), r.sentence(a))
}

// qualities are the codes of risk groups in http://terminology.hl7.org/CodeSystem/risk-probability.
var qualities = map[string]string{"low": "low", "medium": "moderate", "high": "high"}

// risk renders a survival outcome: the probability of the event by each time. A horizon is a period from the date of time zero, or
// words where that is not known; whenRange would be read as the patient's age.
func (r *rendering) risk(a *bundle.Answer, warnings []bundle.Warning) object {
	var predictions []any
	why := rationale(a.Explanations)
	for k, t := range a.Times {
		p := object{}
		text := "Event of " + a.Name + r.of()
		days, err := bundle.Convert(t, a.Unit, "d")
		if r.origin != "" && err == nil && days < 200*366 {
			p["whenPeriod"] = object{"start": r.origin, "end": r.originDate.AddDate(0, 0, int(math.Round(days))).Format(time.DateOnly)}
		} else {
			text += fmt.Sprintf(" within %.6g %s", t, a.Unit)
		}
		p["outcome"] = object{"coding": []any{object{"system": OutcomeSystem, "code": a.Name}}, "text": text}
		if s := a.Survival[k]; !math.IsNaN(s) {
			p["probabilityDecimal"] = percent(1 - s)
		}
		if quality := qualities[a.RiskGroup]; quality != "" {
			p["qualitativeRisk"] = object{"coding": []any{object{"system": "http://terminology.hl7.org/CodeSystem/risk-probability", "code": quality}}, "text": a.RiskGroup}
		}
		for _, e := range a.Explanations {
			if e.Scale == "log-hazard" && math.IsNaN(e.Time) {
				if ratio := math.Exp(a.Risk); !math.IsInf(ratio, 0) {
					p["relativeRisk"] = ratio
				}
			}
		}
		if why != "" {
			p["rationale"] = why
		}
		predictions = append(predictions, p)
	}
	o := object{
		"resourceType": "RiskAssessment", "status": r.status,
		"subject": r.subject, "occurrenceDateTime": r.now,
		"code":      object{"coding": []any{object{"system": OutcomeSystem, "code": a.Name}}, "text": "Risk of " + a.Name + r.of()},
		"method":    object{"text": r.model + " " + r.version},
		"performer": object{"reference": r.maker},
		"note":      r.notes(a.Name, warnings),
	}
	if predictions != nil {
		o["prediction"] = predictions
	}
	if from := append(r.study[:len(r.study):len(r.study)], r.basis...); from != nil {
		o["basis"] = from
	}
	if r.about != nil { // R4 has no other place for what a risk is of
		from, _ := o["basis"].([]any)
		o["basis"] = append(from[:len(from):len(from)], object{"reference": r.about.body})
	}
	return r.entry(r.identified(o, r.part(a.Name)), r.sentence(a))
}

func (r *rendering) report(results []any, summary string) object {
	o := object{
		"resourceType": "DiagnosticReport", "status": r.status,
		"category": []any{object{"coding": []any{object{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "IMG", "display": "Diagnostic Imaging"}}}},
		"code":     object{"text": "Prediction by model " + r.model},
		"subject":  r.subject, "issued": r.now,
		"performer":  []any{object{"display": "Voxgene, " + r.model}},
		"conclusion": strings.TrimSpace(r.remark + " " + r.use + " " + summary),
	}
	if r.study != nil {
		o["imagingStudy"] = r.study
	}
	if results != nil {
		o["result"] = results
	}
	return r.entry(r.identified(o, ""), summary)
}

// provenance says which software, which bundle and which input made the others.
func (r *rendering) provenance(targets []any) object {
	entity := []any{
		object{"role": "source", "what": object{"identifier": r.inputs, "display": "the request"}},
		object{"role": "source", "what": object{"identifier": object{"system": BundleSystem, "value": r.version}, "display": "the bundle"}},
	}
	if r.previous != nil {
		entity = append(entity, object{"role": "revision", "what": object{"identifier": r.previous, "display": "the result that this one replaces"}})
	}
	return r.entry(object{
		"resourceType": "Provenance", "target": targets, "recorded": r.now,
		"activity": object{"text": r.activity},
		"agent":    []any{object{"type": object{"coding": []any{object{"system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type", "code": "assembler"}}}, "who": object{"reference": r.maker}}},
		"entity":   entity,
	}, "Made by "+r.model+" "+r.version)
}

// sentence says an answer in words.
func sentence(a *bundle.Answer) string {
	if a.Kind == clinical.Class {
		for k, c := range a.Classes {
			if c == a.Label {
				return fmt.Sprintf("Predicted %s: %s (probability %.3g).", a.Name, a.Label, a.Probabilities[k])
			}
		}
		return "No prediction of " + a.Name + "."
	}
	if math.IsNaN(a.Risk) {
		return "No prediction of " + a.Name + "."
	}
	text := "Risk of " + a.Name + ":"
	if a.RiskGroup != "" {
		text += " group " + a.RiskGroup + ";"
	}
	for k, t := range a.Times {
		if !math.IsNaN(a.Survival[k]) {
			text += fmt.Sprintf(" survival at %.6g %s %.3g;", t, a.Unit, a.Survival[k])
		}
	}
	return strings.TrimSuffix(text, ";") + "."
}

// rationale lists the largest contributions.
func rationale(list []bundle.Explanation) string {
	if len(list) == 0 {
		return ""
	}
	var parts []string
	for _, v := range list[0].Values {
		parts = append(parts, fmt.Sprintf("%s %+.3g", v.Feature, v.Amount))
	}
	if len(parts) == 0 {
		return ""
	}
	return "Largest contributions (" + list[0].Scale + "): " + strings.Join(parts, ", ")
}

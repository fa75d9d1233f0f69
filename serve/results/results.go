// Package results keeps predictions, so that they can be shown, answered again, verified and taken back.
//
// A result knows whose it is (patient and issuer), what it was made from (study, series, mask, a hash of the inputs) and by which bundle.
// The same inputs give the same result; a new mask, series or bundle gives a new version that is linked to the one before. A result is
// preliminary until a person verifies it, final from then on, amended when a later version replaces it, and entered-in-error once it
// was retracted, for good.
//
// What names a patient is encrypted under a key of the patient's own, as in the audit; beside it stand keyed hashes, by which a result
// is found and which logs may show. Erasing a patient destroys the key.
package results

import (
	"encoding/json"
	"errors"
	"time"
)

// State is where a result stands in its life: the status of a FHIR resource.
type State string

// The states.
const (
	Preliminary    State = "preliminary"      // made, and seen by nobody
	Final          State = "final"            // verified by a person
	Amended        State = "amended"          // was final, and a later version replaced it
	EnteredInError State = "entered-in-error" // retracted
)

// Rejection says what archives are told of the objects of a retracted result (IHE Radiology, Imaging Object Change Management).
type Rejection string

// The rejections.
const (
	PatientSafety Rejection = "patient_safety" // a mistake that could harm: archives neither show nor give out what was rejected
	Quality       Rejection = "quality"        // not good enough for clinical use: archives may still show it to those who look after quality
)

// Identity says whose result it is and what it was made from. It is encrypted in the store and is never logged.
type Identity struct {
	Patient   string   `json:"patient"`             // as the system that sent it names the patient
	Issuer    string   `json:"issuer,omitempty"`    // who gave that name: IssuerOfPatientID, or the base of a FHIR server
	Name      string   `json:"name,omitempty"`      // PatientName, for the objects that are written back
	Birth     string   `json:"birth,omitempty"`     // PatientBirthDate, YYYYMMDD
	Sex       string   `json:"sex,omitempty"`       // PatientSex
	Reference string   `json:"reference,omitempty"` // of FHIR: Patient/17
	Accession string   `json:"accession,omitempty"` // AccessionNumber
	StudyID   string   `json:"study_id,omitempty"`
	StudyDate string   `json:"study_date,omitempty"` // YYYYMMDD
	StudyTime string   `json:"study_time,omitempty"`
	Referrer  string   `json:"referrer,omitempty"` // ReferringPhysicianName
	Study     string   `json:"study,omitempty"`    // StudyInstanceUID
	Series    []string `json:"series,omitempty"`   // SeriesInstanceUIDs that were used, sorted
	Mask      string   `json:"mask,omitempty"`     // SOPInstanceUID of a SEG or RTSTRUCT, else sha256: and the hash of the file
	// Module is what else the source says of patient and study, by tag (eight hexadecimal digits), for the objects that are written back.
	Module map[string]string `json:"module,omitempty"`
}

// Content is what a result says.
type Content struct {
	Identity   Identity         `json:"identity"`
	Prediction json.RawMessage  `json:"prediction,omitempty"` // the patient's answer, as /v1 gives it, with explanations; empty where each lesion has one
	Features   []Feature        `json:"features,omitempty"`   // the inputs, by full name; of a lesion its own stand with it
	Curves     map[string]Curve `json:"curves,omitempty"`     // survival by outcome, for drawing
	Lesions    []Lesion         `json:"lesions,omitempty"`    // where each has a prediction, in the order of the first source's
	Evidence   []Instance       `json:"evidence,omitempty"`   // the DICOM objects that it was made from
	Origin     string           `json:"origin,omitempty"`     // date of time zero, YYYY-MM-DD, where it is known
}

// Feature is one input of a result. Exactly one of Value and Text is set; neither where it was missing.
type Feature struct {
	Name  string   `json:"name"`
	Unit  string   `json:"unit,omitempty"` // UCUM
	Value *float64 `json:"value,omitempty"`
	Text  string   `json:"text,omitempty"`
}

// Instance is one DICOM object.
type Instance struct {
	Class    string `json:"class"` // SOPClassUID
	Instance string `json:"instance"`
	Series   string `json:"series"`
	Segment  int    `json:"segment,omitempty"` // of a segmentation: the segment that was used
}

// Result is one kept prediction.
type Result struct {
	ID      string // 32 hexadecimal digits that say nothing
	Time    time.Time
	Changed time.Time // when it came to its state
	Model   string
	Version string // of the bundle
	Use     string // what the bundle may be used for
	Inputs  string // sha256: and the hash of what it was made from
	Subject string // keyed hash of patient and issuer: lists and logs may show it
	State   State
	By      string // who brought it to its state; empty for the program
	Reason  string // why it was retracted
	// Rejection is what archives are told of a retracted result's objects; empty for one that was retracted before that could be said.
	Rejection Rejection
	Previous  string // ID of the version before
	Next      string // ID of the version that replaced it
	Erased    bool   // the patient's key was destroyed: Content is empty
	Content
}

// Current reports whether the result may be shown as what is known of the patient: not replaced, not retracted, not erased.
func (r *Result) Current() bool {
	return r.Next == "" && !r.Erased && (r.State == Preliminary || r.State == Final)
}

// Errors that callers tell apart.
var (
	ErrNotFound = errors.New("there is no such result")
	ErrState    = errors.New("the result's state does not allow it")
)

// Curve is a survival curve within the follow-up.
type Curve struct {
	Unit     string    `json:"unit"` // UCUM
	Times    []float64 `json:"times"`
	Survival []float64 `json:"survival"`
}

// Package problem writes the errors of the HTTP interface: problem details of RFC 9457, with a place in the body for each fault and
// an identifier that is also in the log, so that support finds one by the other.
package problem

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
)

// Problem is an answer other than the one asked for. It must hold nothing that names a patient.
type Problem struct {
	Type   string  `json:"type"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail,omitempty"`
	ID     string  `json:"id"`
	Errors []Fault `json:"errors,omitempty"`
}

// Fault is one thing that is wrong in a request.
type Fault struct {
	// Pointer is the place in the body (RFC 6901, as a fragment): #/patients/0/features/clinical.age.
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// MaxFaults is how many faults one answer lists.
const MaxFaults = 20

// New returns a problem of a status, with what is wrong and how to repair it.
func New(status int, detail string, faults ...Fault) Problem {
	return Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Errors: faults}
}

// Error returns the detail, so that a problem can be passed on as an error.
func (p Problem) Error() string {
	if len(p.Errors) > 0 {
		return p.Detail + ": " + p.Errors[0].Pointer + ": " + p.Errors[0].Detail
	}
	return p.Detail
}

// Write answers with the problem. It is logged under the same identifier: as a warning where the client is at fault, else as an
// error with its cause, which the client is not shown. Faults are not logged, since they may quote what a client sent.
func Write(w http.ResponseWriter, r *http.Request, log *slog.Logger, p Problem, cause error) {
	p.ID = NewID()
	attrs := []any{"id", p.ID, "status", p.Status, "method", r.Method, "route", r.Pattern}
	if p.Status >= 500 {
		if cause != nil {
			attrs = append(attrs, "cause", cause.Error())
		}
		log.Error(p.Title, attrs...)
	} else {
		log.Warn(p.Title, append(attrs, "faults", len(p.Errors))...)
	}
	body, err := json.Marshal(p)
	if err != nil { // strings and numbers alone: it cannot fail
		body = []byte(`{"type":"about:blank","title":"Internal Server Error","status":500}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	if _, err := w.Write(body); err != nil {
		log.Debug("the client went away", "id", p.ID)
	}
}

// NewID returns a random identifier of 16 hexadecimal digits.
func NewID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

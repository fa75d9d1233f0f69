// Package problem writes the errors of the HTTP interface: problem details of RFC 9457, with a place in the body for each fault and
// an identifier that is also in the log, so that support finds one by the other.
package problem

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
)

// Problem is an answer other than the one asked for. It must hold nothing that names a patient.
type Problem struct {
	Type   string  `json:"type"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail,omitempty"`
	ID     string  `json:"id"`
	Errors []Fault `json:"errors,omitempty"`
	// More counts the faults beyond those listed.
	More int `json:"more,omitempty"`
}

// Fault is one thing that is wrong in a request.
type Fault struct {
	// Pointer is the place in the body (RFC 6901, as a fragment): #/patients/0/features/clinical.age.
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// MaxFaults is how many faults one answer lists.
const MaxFaults = 20

// Faults collects all that is wrong in a request: it lists the first MaxFaults and counts the others.
type Faults struct {
	List []Fault
	More int // beyond those listed
}

// Add notes a fault at a place in the body.
func (f *Faults) Add(pointer, format string, args ...any) {
	if f.Full() {
		f.More++
		return
	}
	f.List = append(f.List, Fault{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// Append notes the faults of another collection.
func (f *Faults) Append(other Faults) {
	n := min(len(other.List), MaxFaults-len(f.List))
	f.List = append(f.List, other.List[:n]...)
	f.More += len(other.List) - n + other.More
}

// Full reports whether no other fault is listed: what would only make one clearer need not be worked out.
func (f *Faults) Full() bool { return len(f.List) >= MaxFaults }

// Any reports whether there is a fault.
func (f *Faults) Any() bool { return len(f.List) > 0 }

// Covers reports whether a fault is noted at a place, within it or around it: another one there may be nothing but what follows from it.
func (f *Faults) Covers(pointer string) bool {
	return slices.ContainsFunc(f.List, func(have Fault) bool {
		return have.Pointer == pointer || strings.HasPrefix(have.Pointer, pointer+"/") || strings.HasPrefix(pointer, have.Pointer+"/")
	})
}

// Problem is the answer to a request with these faults, or nil where there is none.
func (f *Faults) Problem(status int) *Problem {
	if !f.Any() {
		return nil
	}
	detail := "a fault in the body"
	if n := len(f.List) + f.More; n > 1 {
		detail = fmt.Sprintf("%d faults in the body", n)
	}
	if f.More > 0 {
		detail += fmt.Sprintf(", of which the first %d are listed", len(f.List))
	}
	p := New(status, detail, f.List...)
	p.More = f.More
	return &p
}

// Text is all faults in one line, for protocols whose errors are a text: "place: detail; place: detail; and 3 more".
func (f *Faults) Text() string {
	parts := make([]string, len(f.List))
	for i, one := range f.List {
		parts[i] = one.Pointer + ": " + one.Detail
	}
	if f.More > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", f.More))
	}
	return strings.Join(parts, "; ")
}

// New returns a problem of a status, with what is wrong and how to repair it.
func New(status int, detail string, faults ...Fault) Problem {
	return Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Errors: faults}
}

// Error returns the detail and all faults that are listed, so that a problem can be passed on as an error.
func (p Problem) Error() string {
	if len(p.Errors) > 0 {
		listed := Faults{List: p.Errors, More: p.More}
		return p.Detail + ": " + listed.Text()
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

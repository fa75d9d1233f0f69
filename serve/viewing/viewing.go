// Package viewing records in the audit who looked at what of a patient, and when: a stored result, its scan, the results of one patient, a list.
//
// Events have the names of IHE ATNA and of its FHIR profile BALP (codes of DICOM PS3.15, A.5, and PS3.16, CID 400). What a page asks for many times
// (a list that it refreshes, hundreds of slices) is one view: who looks at the same again within Window is not noted again.
package viewing

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/auth"
)

// Route is how the routes of views begin in the audit; those of predictions do not.
const Route = "view "

// Window is for how long one view stands for all that one client asks of the same.
const Window = 10 * time.Minute

// Kind is an event: what was looked at.
type Kind struct {
	name   string // after Route
	code   string // DCM
	means  string
	action string // as of AuditEvent.action: R read, E execute, U update
}

// The events. A result is the patient record, a scan DICOM instances; lists and searches are queries.
var (
	Result  = Kind{"result", "110110", "Patient Record", "R"}
	Scan    = Kind{"scan", "110103", "DICOM Instances Accessed", "R"}
	List    = Kind{"list", "110112", "Query", "E"}
	Search  = Kind{"search", "110112", "Query", "E"}
	Verify  = Kind{"verify", "110110", "Patient Record", "U"}
	Retract = Kind{"retract", "110110", "Patient Record", "U"}
)

// Event is the payload of a view, encrypted under the key of its patient as an answer is.
type Event struct {
	Code    string `json:"code"` // of the coding system DCM
	Meaning string `json:"meaning"`
	Action  string `json:"action"`
	Object  string `json:"object,omitempty"` // identifier of the result or scan
	Found   *int   `json:"found,omitempty"`  // of a list or search, how many
	User    string `json:"user,omitempty"`   // a person, as the client says
	From    string `json:"from,omitempty"`   // network address of who asked
}

// View is what is looked at.
type View struct {
	Kind    Kind
	Object  string
	Patient string // empty where it is of several
	Model   string
	Version string
	Found   *int
	Who     string // the client, where it is not that of the gate
	User    string
}

// Recorder writes views. A nil one writes nothing. It is safe for concurrent use.
type Recorder struct {
	log *audit.Log
	now func() time.Time

	mu    sync.Mutex
	seen  map[seen]time.Time
	sweep time.Time
}

type seen struct{ who, user, kind, object, patient string }

// New returns a recorder over a log; nil where there is none.
func New(log *audit.Log) *Recorder {
	if log == nil {
		return nil
	}
	return &Recorder{log: log, now: time.Now, seen: map[seen]time.Time{}}
}

// Record notes a view and returns when it is on disk. After an error nothing of the patient may be shown.
func (rec *Recorder) Record(r *http.Request, v View) error {
	if rec == nil {
		return nil
	}
	who := v.Who
	if who == "" {
		who = auth.From(r.Context()).Name
	}
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = ""
	}
	if v.Patient != "" && !pseudonym.MatchString(v.Patient) {
		v.Patient = rec.log.Name(v.Patient) // in research a search by an identifier stands under its pseudonym
	}
	now := rec.now()
	key := seen{who, v.User, v.Kind.name, v.Object, v.Patient}
	if who == "" {
		key.who = "\x00" + from // nobody in particular is told apart by where they ask from
	}
	if v.Kind.action != "U" && !rec.first(key, now) {
		return nil
	}
	payload, err := json.Marshal(Event{Code: v.Kind.code, Meaning: v.Kind.means, Action: v.Kind.action, Object: v.Object, Found: v.Found, User: v.User, From: from})
	if err != nil {
		return err
	}
	// A view counts although the client goes away meanwhile: it may have got the answer.
	err = rec.log.Record(context.WithoutCancel(r.Context()), []audit.Entry{{Time: now, Who: who, Route: Route + v.Kind.name, Model: v.Model, Version: v.Version, Patient: v.Patient, Answer: payload}})
	if err != nil {
		rec.forget(key)
	}
	return err
}

// pseudonym is what patients are called in research.
var pseudonym = regexp.MustCompile(`^VX[0-9A-F]{12}$`)

// most bounds how many views are remembered.
const most = 100_000

// first reports whether a view is the first within Window, and remembers it.
func (rec *Recorder) first(key seen, now time.Time) bool {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if now.Sub(rec.sweep) > Window || len(rec.seen) >= most {
		for k, at := range rec.seen {
			if now.Sub(at) > Window {
				delete(rec.seen, k)
			}
		}
		if rec.sweep = now; len(rec.seen) >= most { // then some are noted twice, which loses nothing
			clear(rec.seen)
		}
	}
	if at, ok := rec.seen[key]; ok && now.Sub(at) < Window {
		return false
	}
	rec.seen[key] = now
	return true
}

func (rec *Recorder) forget(key seen) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	delete(rec.seen, key)
}

package fhir

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/structure"
)

// fault is one thing that is wrong in a request: an issue of an OperationOutcome.
type fault struct {
	status     int
	code       string // of http://hl7.org/fhir/issue-type
	text       string
	expression string // FHIRPath of the place
}

// faults are all that is wrong in a request; the first problem.MaxFaults are listed.
type faults struct {
	list   []fault
	more   int      // beyond those listed
	broken bool     // the body could not be read at all
	places []string // of what the structure of the body is wrong in
}

// single is the one fault of a request that has no other.
func single(status int, code, text string) *faults {
	return &faults{list: []fault{{status, code, text, ""}}}
}

// at gives a single fault its place.
func (f *faults) at(expression string) *faults {
	f.list[0].expression = expression
	return f
}

// Error returns the first fault.
func (f *faults) Error() string { return f.list[0].text }

func (f *faults) any() bool { return len(f.list) > 0 }

// add notes a fault at a place.
func (f *faults) add(status int, code, expression, format string, args ...any) {
	if len(f.list) == problem.MaxFaults {
		f.more++
		return
	}
	f.list = append(f.list, fault{status, code, fmt.Sprintf(format, args...), expression})
}

// wrong notes that something cannot be used.
func (f *faults) wrong(expression, format string, args ...any) {
	f.add(http.StatusUnprocessableEntity, "invalid", expression, format, args...)
}

// lacking notes that something is not there at a place, unless the structure is wrong there: a value that is of another type is there, and that
// one fault is enough.
func (f *faults) lacking(expression, format string, args ...any) {
	for _, place := range f.places {
		rest, within := strings.CutPrefix(place, expression+".")
		if place == expression || within && !strings.Contains(rest, ".") {
			return
		}
	}
	f.wrong(expression, format, args...)
}

// append notes the faults of an error.
func (f *faults) append(err error) {
	var other *faults
	if errors.As(err, &other) {
		for _, one := range other.list {
			f.add(one.status, one.code, one.expression, "%s", one.text)
		}
	}
}

// structural notes what is wrong in the structure of a body of a type.
func (f *faults) structural(found []structure.Fault, more int, resource string) {
	for _, one := range found {
		code := map[structure.Kind]string{structure.Refused: "extension"}[one.Kind]
		if code == "" {
			code = "structure"
		}
		place := one.Place.FHIRPath(resource)
		if one.Kind == structure.Deep {
			place = ""
		}
		f.add(http.StatusUnprocessableEntity, code, place, "%s", one.Text)
		f.places = append(f.places, place)
	}
	f.more += more
}

// status is the one of all faults, or 422 where they differ.
func (f *faults) status() int {
	status := f.list[0].status
	for _, one := range f.list {
		if one.status != status {
			return http.StatusUnprocessableEntity
		}
	}
	return status
}

// issues are the issues of an OperationOutcome; the first has the identifier under which the log has the request.
func (f *faults) issues(id string) []any {
	var out []any
	for i, one := range f.list {
		text := one.text
		if i == 0 {
			text += " (id " + id + ")"
		}
		issue := object{"severity": "error", "code": one.code, "diagnostics": text}
		if one.expression != "" {
			issue["expression"] = []string{one.expression}
		}
		out = append(out, issue)
	}
	if f.more > 0 {
		out = append(out, object{"severity": "information", "code": "informational", "diagnostics": fmt.Sprintf("and %d more", f.more)})
	}
	return out
}

// forbidden reports whether an error says that the client may not ask: nothing else is told then.
func forbidden(err error) bool {
	var f *faults
	return errors.As(err, &f) && f.list[0].status == http.StatusForbidden
}

package api

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/registry"
	"github.com/voxgene/voxgene/serve/scan"
)

// Decoded is the body of a predict request, brought to the columns of a bundle.
type Decoded struct {
	IDs     []string
	Within  []string // lesion or visit of each row, where the bundle's unit is one; empty where it is not named
	X       models.Matrix
	Request bundle.Request
	// Notes are warnings on how the values of each row came to be, which go before those of its prediction; nil where there are none.
	Notes [][]bundle.Warning
	// Pseudonymous says that IDs are pseudonyms already, where the audit is to hold no others.
	Pseudonymous bool
}

// decoder reads one body into the order of a bundle's inputs.
type decoder struct {
	s       scan.Scanner
	columns *registry.Columns
	limits  Limits
	out     Decoded
	values  []float64 // row-major
	faults  problem.Faults

	seen []int32           // number, from 1, of the last patient that had each input
	ids  map[[2]string]int // row of each id, and lesion or visit
}

// members of the body and of its objects, for messages.
var (
	bodyMembers    = []string{"patients", "outcomes", "times", "explain"}
	patientMembers = []string{"id", "features"}
	// lesions and visits are named where the model's rows are those.
	rowMembers  = map[table.Unit][]string{table.PerLesion: {"id", "features", "lesion"}, table.PerVisit: {"id", "features", "visit"}}
	timeMembers = []string{"value", "unit"}
)

// decoders are reused, for the space that they take a request.
var decoders = sync.Pool{New: func() any { return new(decoder) }}

// release gives a decoder back without what it holds of its request.
func (d *decoder) release() {
	*d = decoder{seen: d.seen}
	decoders.Put(d)
}

// Decode reads the body of a predict or explain request for a bundle's inputs. It is strict: unknown and repeated members
// and features, missing members, and values of the wrong type are faults, each with its place in the body. A feature that is null or
// left out is missing, and the prediction warns of it. The problem is nil when the body is sound.
func Decode(body []byte, columns *registry.Columns, limits Limits) (Decoded, *problem.Problem) {
	return decode(body, columns, limits, nil)
}

// Read is Decode for a bundle: where there are faults, those are among them that Predict would find in what is asked for.
func Read(body []byte, e *registry.Entry, limits Limits) (Decoded, *problem.Problem) {
	return decode(body, e.Columns, limits, func(asked bundle.Request, faults *problem.Faults) {
		for _, wrong := range e.Bundle.Check(asked) {
			if at := pointer(wrong.Place); !faults.Covers(at) {
				faults.Add(at, "%s", wrong.Text)
			}
		}
	})
}

func decode(body []byte, columns *registry.Columns, limits Limits, check func(bundle.Request, *problem.Faults)) (Decoded, *problem.Problem) {
	d := decoders.Get().(*decoder)
	defer d.release()
	d.s.Reset(body)
	d.columns, d.limits, d.seen = columns, limits, slices.Grow(d.seen[:0], len(columns.Inputs))[:len(columns.Inputs)]
	clear(d.seen)
	d.body()
	if d.s.Err() == nil {
		d.s.End()
	}
	if err := d.s.Err(); err != nil {
		p := problem.New(http.StatusBadRequest, "the body is not the JSON that is wanted: "+err.Error())
		return Decoded{}, &p
	}
	if d.faults.Any() {
		if check != nil {
			check(d.out.Request, &d.faults)
		}
		return Decoded{}, d.faults.Problem(http.StatusUnprocessableEntity)
	}
	rows := len(d.out.IDs)
	d.out.X = models.Matrix{Rows: rows, Values: d.values}
	if rows > 1 {
		d.out.X.Values = transpose(d.values, rows, len(columns.Inputs))
	}
	return d.out, nil
}

// transpose turns rows × columns into columns × rows.
func transpose(from []float64, rows, columns int) []float64 {
	to := make([]float64, len(from))
	for i := range rows {
		for j := range columns {
			to[j*rows+i] = from[i*columns+j]
		}
	}
	return to
}

func (d *decoder) fault(pointer, format string, args ...any) { d.faults.Add(pointer, format, args...) }

// token escapes a name as a part of a JSON pointer.
func token(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// member checks that a key of an object is known and there for the first time; had is what was there already.
func (d *decoder) member(pointer string, key []byte, known []string, had *uint) int {
	for k, name := range known {
		if string(key) == name {
			if *had&(1<<k) != 0 {
				d.fault(pointer+"/"+name, "%q is there twice", name)
			}
			*had |= 1 << k
			return k
		}
	}
	name := string(key)
	d.fault(pointer+"/"+token(name), "unknown member%s", suggest(name, known))
	d.s.Skip()
	return -1
}

func (d *decoder) body() {
	var had uint
	first := true
	if !d.s.Begin('{') {
		return
	}
	for d.s.More(&first, '}') {
		switch d.member("#", d.s.Key(), bodyMembers, &had) {
		case 0:
			d.patients()
		case 1:
			d.outcomes()
		case 2:
			d.out.Request.Times = append(d.out.Request.Times, d.times("#/times", bundle.MaxTimes)...)
		case 3:
			d.explain()
		}
	}
	if d.s.Err() == nil && had&1 == 0 {
		d.fault("#", "%q is missing", "patients")
	}
}

// list starts a list, or reports what is there instead.
func (d *decoder) list(pointer string) bool {
	if c := d.s.Peek(); c != '[' && c != 0 {
		d.fault(pointer, "want a list, found %s", scan.Name(c))
		d.s.Skip()
		return false
	}
	return d.s.Begin('[')
}

// object starts an object, or reports what is there instead.
func (d *decoder) object(pointer string) bool {
	if c := d.s.Peek(); c != '{' && c != 0 {
		d.fault(pointer, "want an object, found %s", scan.Name(c))
		d.s.Skip()
		return false
	}
	return d.s.Begin('{')
}

// text reads a string, or reports what is there instead.
func (d *decoder) text(pointer string) (string, bool) {
	if c := d.s.Peek(); c != '"' && c != 0 {
		d.fault(pointer, "want a text, found %s", scan.Name(c))
		d.s.Skip()
		return "", false
	}
	return string(d.s.String()), d.s.Err() == nil
}

// number reads a number, or reports what is there instead.
func (d *decoder) number(pointer string) (float64, bool) {
	if c := d.s.Peek(); c != 0 && c != '-' && (c < '0' || c > '9') {
		d.fault(pointer, "want a number, found %s", scan.Name(c))
		d.s.Skip()
		return 0, false
	}
	return d.s.Number(), d.s.Err() == nil
}

func (d *decoder) patients() {
	const pointer = "#/patients"
	if !d.list(pointer) {
		return
	}
	first := true
	for d.s.More(&first, ']') {
		if len(d.out.IDs) >= d.limits.Patients {
			d.fault(pointer, "more than %d patients; send them in several requests", d.limits.Patients)
			for ok := true; ok; ok = d.s.More(&first, ']') {
				d.s.Skip()
			}
			return
		}
		d.patient(len(d.out.IDs))
	}
	if d.s.Err() == nil && len(d.out.IDs) == 0 {
		d.fault(pointer, "want one patient or more")
	}
}

func (d *decoder) patient(row int) {
	pointer := "#/patients/" + strconv.Itoa(row)
	id, within := "", ""
	d.out.IDs, d.out.Within = append(d.out.IDs, ""), append(d.out.Within, "")
	start := len(d.values)
	d.values = append(d.values, make([]float64, len(d.columns.Inputs))...)
	if !d.object(pointer) {
		return
	}
	var had uint
	first := true
	members := patientMembers
	if m := rowMembers[d.columns.Unit]; m != nil {
		members = m
	}
	for d.s.More(&first, '}') {
		switch d.member(pointer, d.s.Key(), members, &had) {
		case 0:
			id, _ = d.text(pointer + "/id")
		case 1:
			d.features(pointer+"/features", int32(row+1), d.values[start:])
		case 2:
			within, _ = d.text(pointer + "/" + members[2])
		}
	}
	if d.s.Err() != nil {
		return
	}
	if had&1 == 0 {
		id = strconv.Itoa(row + 1)
	}
	if row > 0 {
		if d.ids == nil {
			d.ids = map[[2]string]int{{d.out.IDs[0], d.out.Within[0]}: 0}
		}
		key := [2]string{id, within}
		if other, twice := d.ids[key]; twice {
			what := ""
			if len(members) > 2 {
				what = " and " + members[2]
			}
			d.fault(pointer+"/id", "patient %d of this request has the same id%s", other, what)
		}
		d.ids[key] = row
	}
	d.out.IDs[row], d.out.Within[row] = id, within
	if had&2 == 0 {
		d.fault(pointer, "%q is missing", "features")
	}
}

// features reads one patient's named values into a row.
func (d *decoder) features(pointer string, number int32, row []float64) {
	if !d.object(pointer) {
		return
	}
	first, guess, count := true, 0, 0
	fresh := func(j int) bool {
		if d.seen[j] == number {
			return false
		}
		d.seen[j] = number
		count++
		return true
	}
	twice := func(name string) { d.fault(pointer+"/"+token(name), "the feature is there twice") }
	for d.s.More(&first, '}') {
		// Clients send columns in order, so the next names are compared before they are read.
		if n := d.s.Row(d.columns.Numbers(guess), row[guess:]); n > 0 {
			for j := guess; j < guess+n; j++ {
				if !fresh(j) {
					twice(d.columns.Inputs[j].Name)
				}
			}
			guess += n
			continue
		}
		key := d.s.Key()
		j := d.columns.Find(key, guess)
		if j < 0 {
			d.unknown(pointer, string(key))
			continue
		}
		guess = j + 1
		if !fresh(j) {
			twice(string(key))
		}
		row[j] = d.value(pointer, j)
	}
	if d.s.Err() == nil && count < len(row) {
		d.absent(pointer, number, row, count)
	}
}

// value reads the value of input j: a number, a level, or null.
func (d *decoder) value(pointer string, j int) float64 {
	in := &d.columns.Inputs[j]
	c := d.s.Peek()
	if in.Kind == table.Numeric {
		if c == '-' || c >= '0' && c <= '9' {
			return d.s.Number()
		}
		if c == 'n' {
			d.s.Null()
			return math.NaN()
		}
		if c != 0 {
			d.fault(pointer+"/"+token(in.Name), "want a number or null, found %s", scan.Name(c))
		}
		d.s.Skip()
		return 0
	}
	switch {
	case c == 'n':
		d.s.Null()
		return math.NaN()
	case c == '"':
		return bundle.Level(in.Column, string(d.s.String()))
	case c == '-' || c >= '0' && c <= '9': // levels such as grades are often sent as numbers
		return bundle.Level(in.Column, strconv.FormatFloat(d.s.Number(), 'f', -1, 64))
	case c != 0:
		d.fault(pointer+"/"+token(in.Name), "want one of the levels %s or null, found %s", strings.Join(in.Levels, ", "), scan.Name(c))
	}
	d.s.Skip()
	return 0
}

// unknown reports a feature that the bundle does not read.
func (d *decoder) unknown(pointer, name string) {
	near := ""
	if len(d.faults.List) < 5 { // a suggestion costs a comparison with every input
		known := make([]string, len(d.columns.Inputs))
		for j, in := range d.columns.Inputs {
			known[j] = in.Name
		}
		near = suggest(name, known)
	}
	d.fault(pointer+"/"+token(name), "the model reads no such feature%s", near)
	d.s.Skip()
}

// absent makes the inputs that were left out missing. A name that is spelled wrongly was refused before: it is unknown.
func (d *decoder) absent(pointer string, number int32, row []float64, count int) {
	if count == 0 {
		d.fault(pointer, "no feature was given; the model reads %d, see its schema", len(row))
		return
	}
	for j := range row {
		if d.seen[j] != number {
			row[j] = math.NaN()
		}
	}
}

// suggest ends a message with the nearest known name.
func suggest(name string, known []string) string {
	// Names beyond a length, and lists beyond one, are not compared: that is quadratic, and the client chose the name.
	if len(name) > 200 || len(known) > 2000 {
		return ""
	}
	if near := settings.Nearest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	if len(known) <= 8 {
		return "; known: " + strings.Join(known, ", ")
	}
	return ""
}

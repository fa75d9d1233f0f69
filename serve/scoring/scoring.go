// Package scoring speaks the protocols of clients that score rows: version 1 of KServe (POST /v1/models/{model}:predict and :explain) and MLflow's
// scoring server (POST /invocations).
//
// Rows are brought to the body of /v1 and decoded there, so that names, levels, missing values and faults mean the same in every protocol. What
// is answered for a row is the prediction as /v1 gives it, with its warnings.
package scoring

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/registry"
)

// Front answers from the bundles of a registry.
type Front struct {
	Registry *registry.Registry
	Limits   api.Limits
	Log      *slog.Logger
	Audit    *audit.Log // nil keeps none
	Version  string     // of this program
	Default  string     // model of /invocations; empty is the only one
}

// Register adds the routes to a mux.
func (f *Front) Register(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/models/{verb}", f.kserve)
	mux.HandleFunc("POST /invocations", f.invocations)
	text := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Write([]byte(answer + "\n")) // an error means that the client went away
		}
	}
	mux.HandleFunc("GET /ping", text(""))
	mux.HandleFunc("GET /health", text(""))
	mux.HandleFunc("GET /version", text(f.Version))
}

// refusal writes an answer other than the one asked for, as the protocol has it.
type refusal func(id string, p problem.Problem) any

// fail answers with a problem, and logs it under the same identifier, without what the body said.
func (f *Front) fail(w http.ResponseWriter, r *http.Request, as refusal, p problem.Problem, cause error) {
	id := problem.NewID()
	if p.Status >= 500 {
		attrs := []any{"id", id, "route", r.Pattern, "status", p.Status}
		if cause != nil {
			attrs = append(attrs, "cause", cause.Error())
		}
		f.Log.Error("scoring", attrs...)
	} else {
		f.Log.Warn("refused", "id", id, "route", r.Pattern, "status", p.Status)
	}
	send(w, p.Status, as(id, p))
}

func send(w http.ResponseWriter, status int, v any) {
	body, ok := v.([]byte)
	if !ok {
		body, _ = json.Marshal(v) // texts alone: it cannot fail
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(body, '\n')) // an error means that the client went away
}

// words are a problem in one line, with the places of its faults in the rows: "row 0/clinical.age: want a number".
func words(p problem.Problem) string {
	if len(p.Errors) == 0 {
		return p.Detail
	}
	told := problem.Faults{List: make([]problem.Fault, len(p.Errors)), More: p.More}
	for i, one := range p.Errors {
		place := one.Pointer
		if rest, ok := strings.CutPrefix(place, "#/patients"); ok {
			place = strings.Replace("row "+strings.TrimPrefix(rest, "/"), "/features", "", 1)
		}
		told.List[i] = problem.Fault{Pointer: strings.TrimPrefix(place, "#/"), Detail: one.Detail}
	}
	return p.Detail + ": " + told.Text()
}

// kserve answers version 1 of KServe. The verb is a part of the path's last segment: glioma:predict.
func (f *Front) kserve(w http.ResponseWriter, r *http.Request) {
	as := func(id string, p problem.Problem) any {
		return map[string]string{"error": words(p) + " (id " + id + ")"}
	}
	at := strings.LastIndexByte(r.PathValue("verb"), ':')
	if at < 0 {
		w.Header().Set("Allow", "GET, HEAD")
		problem.Write(w, r, f.Log, problem.New(http.StatusMethodNotAllowed, "this path takes GET, HEAD; POST wants /predict, or :predict, after the model's name"), nil)
		return
	}
	model, verb := r.PathValue("verb")[:at], r.PathValue("verb")[at+1:]
	if verb != "predict" && verb != "explain" {
		f.fail(w, r, as, problem.New(http.StatusNotFound, "want :predict or :explain after the model's name"), nil)
		return
	}
	e, p := f.find(r, model)
	if p != nil {
		f.fail(w, r, as, *p, nil)
		return
	}
	answers, p, cause := f.score(w, r, e, verb == "explain", func(m map[string]json.RawMessage) (rows, error) {
		if m["instances"] == nil || len(m) > 1 {
			return rows{}, errors.New("want an object with instances, a list of rows, and nothing else")
		}
		return instances(m["instances"], e.Columns)
	})
	if p != nil {
		f.fail(w, r, as, *p, cause)
		return
	}
	if verb == "predict" {
		send(w, http.StatusOK, predictions(answers))
		return
	}
	explained := []byte(`,"explanations":[`)
	for i := range answers {
		if i > 0 {
			explained = append(explained, ',')
		}
		explained = answers[i].AppendJSON(explained)
		for k := range answers[i].Outcomes {
			answers[i].Outcomes[k].Explanations, answers[i].Outcomes[k].Interactions = nil, nil
		}
	}
	body := predictions(answers)
	send(w, http.StatusOK, append(append(body[:len(body)-1], explained...), `]}`...))
}

// invocations answers MLflow.
func (f *Front) invocations(w http.ResponseWriter, r *http.Request) {
	as := func(id string, p problem.Problem) any {
		code := "BAD_REQUEST"
		switch {
		case p.Status >= 500:
			code = "INTERNAL_ERROR"
		case p.Status == http.StatusForbidden:
			code = "PERMISSION_DENIED"
		case p.Status == http.StatusNotFound:
			code = "RESOURCE_DOES_NOT_EXIST"
		}
		return map[string]string{"error_code": code, "message": words(p) + " (id " + id + ")"}
	}
	name := f.Default
	if name == "" {
		all := f.Registry.Models()
		if len(all) != 1 {
			f.fail(w, r, as, problem.New(http.StatusBadRequest, "several models are served, and the configuration has no default_model"), nil)
			return
		}
		name = all[0].Name
	}
	e, p := f.find(r, name)
	if p != nil {
		f.fail(w, r, as, *p, nil)
		return
	}
	var answers []bundle.Prediction
	var cause error
	if media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.EqualFold(strings.TrimSpace(media), "text/csv") {
		answers, p, cause = f.scoreTable(w, r, e)
	} else {
		answers, p, cause = f.score(w, r, e, false, func(m map[string]json.RawMessage) (rows, error) { return mlflow(m, e.Columns) })
	}
	if p != nil {
		f.fail(w, r, as, *p, cause)
		return
	}
	send(w, http.StatusOK, predictions(answers))
}

// find is the version of a model that answers, if the client may ask it.
func (f *Front) find(r *http.Request, model string) (*registry.Entry, *problem.Problem) {
	if !auth.From(r.Context()).May(model) {
		p := problem.New(http.StatusForbidden, "these credentials are not for that model")
		return nil, &p
	}
	e, err := f.Registry.Find(model, "")
	if err != nil {
		p := problem.New(http.StatusNotFound, err.Error())
		return nil, &p
	}
	return e, nil
}

// refused is the problem of a body that these protocols answer with 400.
func refused(detail string) *problem.Problem {
	p := problem.New(http.StatusBadRequest, detail)
	return &p
}

// score reads a body in JSON, brings its rows to the body of /v1 and predicts them.
func (f *Front) score(w http.ResponseWriter, r *http.Request, e *registry.Entry, explain bool, read func(map[string]json.RawMessage) (rows, error)) ([]bundle.Prediction, *problem.Problem, error) {
	var body []byte
	if p := api.ReadBody(w, r, &body, f.Limits.Body); p != nil {
		return nil, p, nil
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(body, &m); err != nil || m == nil {
		why := ""
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			why = fmt.Sprintf(": %v after %d bytes (what is not known is null: JSON has no NaN)", syntax, syntax.Offset)
		}
		return nil, refused("the body is not the JSON object that is wanted" + why), nil
	}
	params := m["params"]
	delete(m, "params")
	list, err := read(m)
	if err != nil {
		return nil, refused(err.Error()), nil
	}
	return f.predict(r, e, list, params, explain)
}

// scoreTable reads a body in CSV and predicts its rows.
func (f *Front) scoreTable(w http.ResponseWriter, r *http.Request, e *registry.Entry) ([]bundle.Prediction, *problem.Problem, error) {
	var body []byte
	if p := api.ReadText(w, r, &body, f.Limits.Body, "text/csv"); p != nil {
		return nil, p, nil
	}
	list, err := frame(body, e.Columns, f.Limits.Patients)
	if err != nil {
		return nil, refused(err.Error()), nil
	}
	return f.predict(r, e, list, nil, false)
}

// predict predicts rows, or says all that is wrong with them and with params.
func (f *Front) predict(r *http.Request, e *registry.Entry, given rows, params json.RawMessage, explain bool) ([]bundle.Prediction, *problem.Problem, error) {
	faults := given.faults
	switch {
	case len(given.list) == 0 && !faults.Any():
		return nil, refused("there is no row"), nil
	case len(given.list) > f.Limits.Patients:
		return nil, refused("more than " + strconv.Itoa(f.Limits.Patients) + " rows; send them in several requests"), nil
	}
	text := request(given.list, params, &faults)
	d, p := api.Read(text, e, f.Limits)
	switch {
	case faults.Any():
		if p != nil && len(given.list) > 0 {
			for _, one := range p.Errors {
				row, rest, ok := cutRow(one.Pointer)
				if !ok || given.list[row] != nil && rest != "features" { // that nothing was given in a row follows from the others
					faults.Add(one.Pointer, "%s", one.Detail)
				}
			}
			faults.More += p.More
		}
		return nil, faults.Problem(http.StatusBadRequest), nil
	case p != nil:
		p.Status = http.StatusBadRequest // the one that these protocols know
		return nil, p, nil
	}
	if explain && d.Request.Explain == nil {
		d.Request.Explain = &bundle.Explain{Top: len(e.Columns.Inputs)}
	}
	answers, p, err := api.Predict(r, e, d, f.Audit)
	if p != nil && p.Status == http.StatusUnprocessableEntity {
		p.Status = http.StatusBadRequest
	}
	return answers, p, err
}

// cutRow is the row of a place in it.
func cutRow(pointer string) (row int, rest string, ok bool) {
	if rest, ok = strings.CutPrefix(pointer, "#/patients/"); !ok {
		return 0, "", false
	}
	number, rest, _ := strings.Cut(rest, "/")
	row, err := strconv.Atoi(number)
	return row, rest, err == nil
}

// request is the body of /v1 for rows, with what params say of outcomes, times and explain. A row that could not be read is empty there.
func request(list []json.RawMessage, params json.RawMessage, faults *problem.Faults) []byte {
	text := []byte(`{"patients":[`)
	for i, row := range list {
		if i > 0 {
			text = append(text, ',')
		}
		if row == nil {
			row = json.RawMessage("{}")
		}
		text = append(append(append(text, `{"features":`...), row...), '}')
	}
	text = append(text, ']')
	if params != nil && string(params) != "null" {
		var m map[string]json.RawMessage
		if err := json.Unmarshal(params, &m); err != nil {
			faults.Add("#/params", "params is an object")
		}
		for _, name := range []string{"outcomes", "times", "explain"} {
			if v, ok := m[name]; ok {
				text = append(append(append(text, `,"`+name+`":`...), v...), ' ')
				delete(m, name)
			}
		}
		if len(m) > 0 {
			faults.Add("#/params", "params has outcomes, times and explain, and nothing else")
		}
	}
	return append(text, '}')
}

// predictions is the answer of both protocols.
func predictions(answers []bundle.Prediction) []byte {
	body := []byte(`{"predictions":[`)
	for i := range answers {
		if i > 0 {
			body = append(body, ',')
		}
		body = answers[i].AppendJSON(body)
	}
	return append(body, `]}`...)
}

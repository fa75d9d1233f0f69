package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/registry"
)

// buffers are reused for bodies and answers.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }}

// keep is the largest buffer that is reused.
const keep = 4 << 20

func release(b *[]byte) {
	if cap(*b) <= keep {
		*b = (*b)[:0]
		buffers.Put(b)
	}
}

// predict answers POST predict and explain.
func (a *API) predict(w http.ResponseWriter, r *http.Request, explain bool) {
	start := time.Now()
	e := a.find(w, r)
	if e == nil {
		return
	}
	in := buffers.Get().(*[]byte)
	defer release(in)
	if p := ReadBody(w, r, in, a.Limits.Body); p != nil {
		a.fail(w, r, *p, nil)
		return
	}
	d, p := Read(*in, e, a.Limits)
	if p != nil {
		a.fail(w, r, *p, nil)
		return
	}
	if explain && d.Request.Explain == nil {
		d.Request.Explain = &bundle.Explain{}
	}
	m := a.meter.of(e.Bundle.Name)
	decoded := time.Now()
	m.decode.Observe(decoded.Sub(start).Seconds())
	answers, p, err := Predict(r, e, d, a.Audit)
	if p != nil {
		a.fail(w, r, *p, err)
		return
	}
	predicted := time.Now()
	m.predict.Observe(predicted.Sub(decoded).Seconds())
	m.count(answers)
	out := buffers.Get().(*[]byte)
	defer release(out)
	*out = AppendAnswer((*out)[:0], e, answers)
	send(w, "application/json", *out)
	m.render.Observe(time.Since(predicted).Seconds())
}

// Predict runs a decoded request through a bundle and gives the answers the patients' identifiers. With an audit, each answer is on
// disk there before this returns, and where it cannot be written there is none. The error is the cause of a problem of ours.
func Predict(r *http.Request, e *registry.Entry, d Decoded, log *audit.Log) ([]bundle.Prediction, *problem.Problem, error) {
	d.X.Columns = e.Bundle.Columns()
	answers, err := e.Bundle.Predict(r.Context(), d.X, d.Request)
	if err != nil {
		p := fault(err)
		return nil, &p, err
	}
	e.Drift.Observe(d.X)
	for i := range answers {
		answers[i].ID = d.IDs[i]
		if i < len(d.Within) {
			answers[i].Within = d.Within[i]
		}
		if i < len(d.Notes) && len(d.Notes[i]) > 0 {
			answers[i].Warnings = append(slices.Clone(d.Notes[i]), answers[i].Warnings...)
		}
	}
	if log == nil {
		return answers, nil, nil
	}
	now := time.Now()
	entries := make([]audit.Entry, len(answers))
	for i := range answers {
		inputs := make([]float64, len(d.X.Columns))
		d.X.Row(i, inputs)
		kept := answers[i]
		if !d.Pseudonymous {
			kept.ID = log.Name(kept.ID)
		}
		entries[i] = audit.Entry{Time: now, Who: auth.From(r.Context()).Name, Route: r.Pattern, Model: e.Bundle.Name, Version: e.Bundle.Version(),
			Patient: kept.ID, Inputs: inputs, Answer: kept.AppendJSON(make([]byte, 0, 1<<10))}
	}
	if err := log.Record(r.Context(), entries); err != nil {
		p := problem.New(http.StatusServiceUnavailable, "the audit could not be written, so there is no answer; the log has the cause under this id")
		return nil, &p, err
	}
	return answers, nil, nil
}

// fault turns an error of Predict into a problem.
func fault(err error) problem.Problem {
	wrong := bundle.Faults(err)
	switch {
	case wrong != nil:
		var faults problem.Faults
		for _, one := range wrong {
			faults.Add(pointer(one.Place), "%s", one.Text)
		}
		return *faults.Problem(http.StatusUnprocessableEntity)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem.New(http.StatusServiceUnavailable, "the prediction took longer than a request may; send fewer patients, or ask for no explanation")
	}
	return internal()
}

// pointer turns a place such as times[0].unit into a JSON pointer.
func pointer(place string) string {
	return "#/" + strings.NewReplacer("[", "/", "]", "", ".", "/").Replace(place)
}

// AppendAnswer appends the answer of predict to b.
func AppendAnswer(b []byte, e *registry.Entry, answers []bundle.Prediction) []byte {
	b = append(b, `{"model":`...)
	b = bundle.AppendString(b, e.Bundle.Name)
	b = append(b, `,"version":`...)
	b = bundle.AppendString(b, e.Bundle.Version())
	b = append(b, `,"intended_use":`...)
	b = bundle.AppendString(b, e.Bundle.IntendedUse)
	b = append(b, `,"predictions":[`...)
	for i := range answers {
		if i > 0 {
			b = append(b, ',')
		}
		b = answers[i].AppendJSON(b)
	}
	return append(b, "]}\n"...)
}

// send answers 200 with a body. What holds a patient's result is not to be kept by anyone between.
func send(w http.ResponseWriter, contentType string, body []byte) {
	h := w.Header()
	h["Content-Type"] = []string{contentType}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	h["Cache-Control"] = noStore
	w.Write(body) // an error means that the client went away
}

var noStore = []string{"no-store"}

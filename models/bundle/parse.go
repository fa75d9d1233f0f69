package bundle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/clinical"
)

// ParsePrediction reads what AppendJSON wrote, so that a prediction that was kept can be rendered again: AppendJSON of it gives the same text.
// A null number is NaN, a null text empty.
func ParsePrediction(text []byte) (Prediction, error) {
	var raw struct {
		ID        string             `json:"id"`
		Outcomes  ordered[rawAnswer] `json:"outcomes"`
		Warnings  []Warning          `json:"warnings"`
		Abstained []string           `json:"abstained"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return Prediction{}, fmt.Errorf("the prediction cannot be read: %w", err)
	}
	p := Prediction{ID: raw.ID, Warnings: raw.Warnings, Abstained: raw.Abstained}
	for i, name := range raw.Outcomes.names {
		a, err := raw.Outcomes.values[i].answer(name)
		if err != nil {
			return Prediction{}, fmt.Errorf("the prediction cannot be read: outcome %s: %w", name, err)
		}
		p.Outcomes = append(p.Outcomes, a)
	}
	return p, nil
}

// ordered is a JSON object whose members keep their order.
type ordered[V any] struct {
	names  []string
	values []V
}

// UnmarshalJSON reads an object; null is an empty one.
func (o *ordered[V]) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	open, err := d.Token()
	if err != nil || open == nil {
		return err
	}
	if open != json.Delim('{') {
		return fmt.Errorf("want an object, found %.20s", text)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var v V
		if err := d.Decode(&v); err != nil {
			return err
		}
		o.names, o.values = append(o.names, name.(string)), append(o.values, v)
	}
	return nil
}

// nullable is a number that null makes NaN.
type nullable float64

// UnmarshalJSON reads a number or null.
func (n *nullable) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*n = nullable(math.NaN())
		return nil
	}
	return json.Unmarshal(text, (*float64)(n))
}

// floats are the numbers as the rest of the package has them.
func floats(list []nullable) []float64 {
	if list == nil {
		return nil
	}
	out := make([]float64, len(list))
	for i, v := range list {
		out[i] = float64(v)
	}
	return out
}

type rawAnswer struct {
	Kind          clinical.OutcomeKind `json:"kind"`
	Label         string               `json:"label"`
	Probabilities ordered[nullable]    `json:"probabilities"`
	Set           []string             `json:"set"`
	Unit          string               `json:"unit"`
	Risk          nullable             `json:"risk"`
	RiskGroup     string               `json:"risk_group"`
	Median        nullable             `json:"median"`
	Times         []float64            `json:"times"`
	Survival      []nullable           `json:"survival"`
	Explanations  []rawExplanation     `json:"explanations"`
	Interactions  []struct {
		Method string   `json:"method"`
		Class  string   `json:"class"`
		Time   nullable `json:"time"`
		Scale  string   `json:"scale"`
		Values []struct {
			First  string   `json:"feature"`
			Second string   `json:"other"`
			Amount nullable `json:"interaction"`
		} `json:"values"`
	} `json:"interactions"`
}

func (r *rawAnswer) answer(name string) (Answer, error) {
	a := Answer{Name: name, Kind: r.Kind, Label: r.Label, Classes: r.Probabilities.names, Probabilities: floats(r.Probabilities.values), Set: r.Set,
		Unit: r.Unit, Risk: float64(r.Risk), RiskGroup: r.RiskGroup, Median: float64(r.Median), Times: r.Times, Survival: floats(r.Survival)}
	switch {
	case r.Kind != clinical.Class && r.Kind != clinical.Survival:
		return a, fmt.Errorf("%q is not a kind of outcome", r.Kind)
	case len(a.Survival) != len(a.Times):
		return a, fmt.Errorf("%d survival probabilities at %d times", len(a.Survival), len(a.Times))
	}
	for i := range r.Explanations {
		a.Explanations = append(a.Explanations, r.Explanations[i].explanation())
	}
	for _, n := range r.Interactions {
		list := Interactions{Outcome: name, Method: n.Method, Class: n.Class, Time: float64(n.Time), Scale: n.Scale}
		for _, v := range n.Values {
			list.Pairs = append(list.Pairs, Interaction{v.First, v.Second, float64(v.Amount)})
		}
		a.Interactions = append(a.Interactions, list)
	}
	return a, nil
}

type rawExplanation struct {
	Method string   `json:"method"`
	Exact  bool     `json:"exact"`
	Class  string   `json:"class"`
	Time   nullable `json:"time"`
	Scale  string   `json:"scale"`
	Base   nullable `json:"base"`
	Output nullable `json:"output"`
	Gap    nullable `json:"gap"`
	Other  nullable `json:"other"`
	Values []struct {
		Feature string          `json:"feature"`
		Value   json.RawMessage `json:"value"`
		Amount  nullable        `json:"contribution"`
		Error   nullable        `json:"error"`
	} `json:"values"`
}

func (r *rawExplanation) explanation() Explanation {
	e := Explanation{Method: r.Method, Exact: r.Exact, Class: r.Class, Time: float64(r.Time), Scale: r.Scale, Base: float64(r.Base), Output: float64(r.Output),
		Gap: float64(r.Gap), Other: float64(r.Other)}
	for _, v := range r.Values {
		c := Contribution{Feature: v.Feature, Value: math.NaN(), Amount: float64(v.Amount), Error: float64(v.Error)}
		if json.Unmarshal(v.Value, &c.Text) != nil || string(v.Value) == "null" { // a number, or nothing
			var n nullable
			if n.UnmarshalJSON(v.Value) == nil {
				c.Value = float64(n)
			}
		}
		e.Values = append(e.Values, c)
	}
	return e
}

package worklist

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/serve/results"
)

// answer is what a list needs of a prediction.
type answer struct {
	Outcomes map[string]struct {
		Label         *string
		Probabilities map[string]*float64
		RiskGroup     *string `json:"risk_group"`
		Risk          *float64
	}
	Warnings  []json.RawMessage
	Abstained []string
}

func summaries(list []results.Result) []summary {
	out := make([]summary, len(list))
	for i := range list {
		out[i] = summarise(&list[i])
	}
	return out
}

// summarise is a result in short.
func summarise(r *results.Result) summary {
	s := summary{ID: r.ID, Time: r.Time, Changed: r.Changed, Model: r.Model, Version: r.Version, Use: r.Use, Subject: r.Subject, State: r.State, By: r.By,
		Previous: r.Previous, Next: r.Next, Current: r.Current(), Erased: r.Erased, Headline: []headline{}}
	s.Lesions = len(r.Lesions)
	withheld := 0
	all := r.Predictions()
	for _, p := range all {
		var a answer
		if len(p.JSON) == 0 || json.Unmarshal(p.JSON, &a) != nil {
			return s
		}
		s.Warnings += len(a.Warnings)
		if a.Abstained != nil {
			withheld++
		}
		list := []headline{}
		for name, o := range a.Outcomes {
			h := headline{Outcome: name, Label: o.Label, RiskGroup: o.RiskGroup, Risk: o.Risk}
			if o.Label != nil {
				h.Probability = o.Probabilities[*o.Label]
			}
			if p.Lesion != nil {
				h.Lesion = p.Lesion.Name
			}
			list = append(list, h)
		}
		slices.SortFunc(list, func(a, b headline) int { return cmp.Compare(a.Outcome, b.Outcome) })
		s.Headline = append(s.Headline, list...)
	}
	s.Abstains = withheld == len(all)
	return s
}

// nameless is a prediction whose patient is called by the keyed hash. The rest of it is the text that was kept.
func nameless(prediction json.RawMessage, subject string) (json.RawMessage, error) {
	if len(prediction) == 0 {
		return nil, nil // erased
	}
	d := json.NewDecoder(bytes.NewReader(prediction))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("a kept prediction is not an object: %w", err)
	}
	out := []byte{'{'}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("a kept prediction: %w", err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("a kept prediction: %w", err)
		}
		if key == "id" {
			value = json.RawMessage(`"` + subject + `"`)
		}
		name, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

// hide takes what names the patient or the study out of a text that a person or another system wrote.
func hide(text string, id results.Identity) string {
	if text == "" {
		return ""
	}
	secrets := append([]string{id.Patient, id.Name, id.Birth, id.Accession, id.Study, id.Reference}, id.Series...)
	secrets = append(secrets, strings.FieldsFunc(id.Name, func(r rune) bool { return r == '^' || r == ' ' || r == '=' || r == ',' })...)
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	for _, s := range secrets {
		if len(s) > 2 {
			text = strings.ReplaceAll(text, s, "…")
		}
	}
	return text
}

package oip

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/problem"
)

// tensor is an output, its data flat and row-major.
type tensor struct {
	Name       string            `json:"name"`
	Shape      []int             `json:"shape"`
	Datatype   string            `json:"datatype"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Data       any               `json:"data"`
}

// numbers are the elements of an FP64 tensor; what cannot be given is null.
type numbers []float64

// MarshalJSON writes what is not finite as null.
func (n numbers) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, v := range n {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			b = append(b, "null"...)
		} else {
			b = strconv.AppendFloat(b, v, 'g', -1, 64)
		}
	}
	return append(b, ']'), nil
}

// predictions lays answers out as tensors.
func predictions(answers []bundle.Prediction) []tensor {
	n := len(answers)
	var out []tensor
	for k, first := range answers[0].Outcomes {
		var labels []string
		var p, risk, median, survival numbers
		for i := range answers {
			a := &answers[i].Outcomes[k]
			if first.Kind == clinical.Class {
				labels, p = append(labels, a.Label), append(p, a.Probabilities...)
				continue
			}
			labels = append(labels, a.RiskGroup)
			risk, median, survival = append(risk, a.Risk), append(median, a.Median), append(survival, a.Survival...)
		}
		if first.Kind == clinical.Class {
			out = append(out, tensor{Name: first.Name + ".label", Shape: []int{n}, Datatype: "BYTES", Data: labels},
				tensor{Name: first.Name + ".probabilities", Shape: []int{n, len(first.Classes)}, Datatype: "FP64", Data: p,
					Parameters: map[string]string{"classes": joined(first.Classes)}})
			continue
		}
		unit := map[string]string{"unit": first.Unit}
		times := make([]string, len(first.Times))
		for i, t := range first.Times {
			times[i] = strconv.FormatFloat(t, 'g', -1, 64)
		}
		out = append(out, tensor{Name: first.Name + ".risk", Shape: []int{n}, Datatype: "FP64", Data: risk},
			tensor{Name: first.Name + ".risk_group", Shape: []int{n}, Datatype: "BYTES", Data: labels},
			tensor{Name: first.Name + ".median", Shape: []int{n}, Datatype: "FP64", Data: median, Parameters: unit},
			tensor{Name: first.Name + ".survival", Shape: []int{n, len(first.Times)}, Datatype: "FP64", Data: survival,
				Parameters: map[string]string{"unit": first.Unit, "times": joined(times)}})
	}
	warnings := make([]string, n)
	for i := range answers {
		if len(answers[i].Warnings) > 0 {
			b := []byte{'['}
			for k, w := range answers[i].Warnings {
				if k > 0 {
					b = append(b, ',')
				}
				text, err := json.Marshal(w)
				if err == nil {
					b = append(b, text...)
				}
			}
			warnings[i] = string(append(b, ']'))
		}
	}
	return append(out, tensor{Name: "warnings", Shape: []int{n}, Datatype: "BYTES", Data: warnings})
}

// explanations lays contributions out as one matrix an outcome and class, in the order of the inputs, with the bases and outputs.
func explanations(b *bundle.Bundle, answers []bundle.Prediction) []tensor {
	n, p := len(answers), len(b.Inputs)
	var out []tensor
	for k := range answers[0].Outcomes {
		first := answers[0].Outcomes[k]
		for i := range answers { // a patient without a prediction has no explanation either
			if a := answers[i].Outcomes[k]; len(a.Explanations) > len(first.Explanations) {
				first = a
			}
		}
		for c, e := range first.Explanations {
			shap, base, output, other := make(numbers, n*p), make(numbers, n), make(numbers, n), make(numbers, n)
			for i := range answers {
				if len(answers[i].Outcomes[k].Explanations) <= c {
					base[i], output[i], other[i] = math.NaN(), math.NaN(), math.NaN()
					for j := range p {
						shap[i*p+j] = math.NaN()
					}
					continue
				}
				x := &answers[i].Outcomes[k].Explanations[c]
				base[i], output[i], other[i] = x.Base, x.Output, x.Other
				for _, v := range x.Values {
					if j := b.Find(v.Feature); j >= 0 {
						shap[i*p+j] += v.Amount
					} else {
						other[i] += v.Amount // of a column that was made from several inputs
					}
				}
			}
			name := first.Name
			if len(first.Explanations) > 1 {
				name += "." + e.Class
			}
			about := map[string]string{"scale": e.Scale, "method": e.Method, "class": e.Class}
			out = append(out, tensor{name + ".shap_values", []int{n, p}, "FP64", about, shap}, tensor{name + ".base_value", []int{n}, "FP64", nil, base},
				tensor{name + ".other", []int{n}, "FP64", nil, other}, tensor{name + ".output", []int{n}, "FP64", nil, output})
		}
	}
	return out
}

// chosen returns the tensors that were asked for, in that order; nil asks for all.
func chosen(all []tensor, names []string) ([]tensor, problem.Faults) {
	if names == nil {
		return all, problem.Faults{}
	}
	known := make([]string, len(all))
	for i, t := range all {
		known[i] = t.Name
	}
	if faults := unknownOutputs(names, known); faults.Any() {
		return nil, faults
	}
	out := make([]tensor, len(names))
	for k, name := range names {
		out[k] = all[slices.Index(known, name)]
	}
	return out, problem.Faults{}
}

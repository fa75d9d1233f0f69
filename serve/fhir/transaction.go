package fhir

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/results"
)

// send writes a result as a transaction: created unless they are there, or, with update, brought to what the result says now.
func (s *System) send(ctx context.Context, r *results.Result, patient string, update bool, activity string) results.Delivery {
	t, err := s.transaction(r, patient, update, activity)
	if err != nil {
		return results.Delivery{Detail: err.Error()}
	}
	body, err := json.Marshal(t)
	if err != nil {
		return results.Delivery{Detail: err.Error()}
	}
	var answer struct {
		Type  string `json:"resourceType"`
		Kind  string `json:"type"`
		Entry []struct {
			Response struct {
				Status   string `json:"status"`
				Location string `json:"location"`
			} `json:"response"`
		} `json:"entry"`
	}
	status, err := s.do(ctx, http.MethodPost, "", body, &answer)
	if err != nil {
		return undelivered(err)
	}
	sent := t["entry"].([]any)
	if answer.Type != "Bundle" || answer.Kind != "transaction-response" || len(answer.Entry) != len(sent) {
		return results.Delivery{Detail: fmt.Sprintf("answered %d, and not a response to %d entries", status, len(sent)), Retry: true}
	}
	objects := map[string]string{"identifier": ResultSystem + "|" + r.ID, "patient": patient}
	made := 0
	for i, e := range answer.Entry {
		code, _, _ := strings.Cut(e.Response.Status, " ")
		if code != "200" && code != "201" && code != "204" {
			return results.Delivery{Detail: fmt.Sprintf("entry %d was answered %.3s", i+1, code)}
		}
		if code == "201" {
			made++
		}
		if e.Response.Location != "" {
			kind := sent[i].(object)["resource"].(object)["resourceType"].(string)
			objects[fmt.Sprintf("%d %s", i, kind)] = e.Response.Location
		}
	}
	return results.Delivery{Accepted: true, Detail: fmt.Sprintf("%d resources, %d of them new", len(sent), made), Objects: objects}
}

// written is a value in the query of a condition: escaped for the search, and for the address but for the signs that FHIR's own examples leave.
func written(value string) string {
	return strings.NewReplacer("%3A", ":", "%2F", "/").Replace(url.QueryEscape(token(value)))
}

// transaction is the Bundle that is sent.
func (s *System) transaction(r *results.Result, patient string, update bool, activity string) (object, error) {
	var predictions []predicted
	for _, p := range r.Predictions() {
		one, err := bundle.ParsePrediction(p.JSON)
		if err != nil {
			return nil, err
		}
		predictions = append(predictions, predicted{one, p.Lesion})
	}
	d := rendering{model: r.Model, version: r.Version, program: s.program, use: bundle.Words(r.Use), status: string(r.State), subject: object{"reference": patient},
		inputs: object{"system": "urn:voxgene:sha256", "value": strings.TrimPrefix(r.Inputs, "sha256:")}, activity: activity, result: r.ID,
		now: s.now().UTC().Format(time.RFC3339), seed: r.ID + " " + string(r.State)}
	if at, err := time.Parse(time.DateOnly, r.Origin); err == nil {
		d.origin, d.originDate = r.Origin, at
	}
	if r.Identity.Study != "" {
		d.study = []any{object{"type": "ImagingStudy", "identifier": object{"system": "urn:dicom:uid", "value": "urn:oid:" + r.Identity.Study}}}
	}
	if r.Previous != "" {
		d.previous = object{"system": ResultSystem, "value": r.Previous}
	}
	if r.State == results.Amended {
		d.remark = "REPLACED on " + r.Changed.UTC().Format(time.DateOnly) + " by a later version of this result."
	}
	if r.State == results.EnteredInError {
		d.remark = "RETRACTED on " + r.Changed.UTC().Format(time.DateOnly) + ": " + r.Reason + "."
	}
	entries := d.entries(predictions)
	for _, e := range entries {
		e := e.(object)
		made := e["resource"].(object)
		delete(made, "id") // the server gives it
		kind := made["resourceType"].(string)
		request := object{"method": http.MethodPost, "url": kind}
		if list, ok := made["identifier"].([]any); ok {
			id := list[0].(object)
			find := "identifier=" + written(id["system"].(string)) + "|" + written(id["value"].(string))
			if update && kind != "Device" {
				request = object{"method": http.MethodPut, "url": kind + "?" + find}
			} else {
				request["ifNoneExist"] = find
			}
		}
		e["request"] = request
	}
	return object{"resourceType": "Bundle", "type": "transaction", "entry": entries}, nil
}

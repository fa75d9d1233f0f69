package cdshooks_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/voxgene/voxgene/serve/problem"
)

// All that is wrong in a call is told at once, each with its place, and nothing of what was sent is repeated; where one piece of feedback is at fault none
// is taken.
func TestAllFaults(t *testing.T) {
	h := newHospital(t)
	r := h.keep(t, "sha256:1")
	for _, c := range []struct {
		path, body string
		want       []string
	}{
		{service, `{}`, []string{"#/hook", "#/hookInstance", "#/context/userId", "#/context/patientId"}},
		{service, `{"hook": "CANARY", "hookInstance": 7, "context": {"userId": ["CANARY"], "patientId": "CANARY", "patientId": "CANARY"}}`, []string{"#/hookInstance", "#/context/userId", "#/context/patientId", "#/hook"}},
		{service, `{"hook": "patient-view", "context": "CANARY"}`, []string{"#/context", "#/hookInstance"}},
		{service + "/feedback", `{"feedback": [{"card": "` + r.ID + `", "outcome": "accepted"}, {"card": "CANARY", "outcome": "CANARY"}, 3, {"card": "` + r.ID + `", "outcome": 7}]}`,
			[]string{"#/feedback/1/outcome", "#/feedback/1/card", "#/feedback/2", "#/feedback/3"}},
		{service + "/feedback", `{"feedback": "CANARY"}`, []string{"#/feedback"}},
	} {
		w := h.ask("POST", c.path, h.token(t, c.path, jwt.SigningMethodES384, h.ec, nil), c.body)
		var p problem.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 400 || strings.Contains(w.Body.String(), "CANARY") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		var got []string
		for _, one := range p.Errors {
			got = append(got, one.Pointer)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s\n%s\nwant %v", c.body, w.Body, c.want)
		}
	}
	if e, err := h.audit.Of("CANARY-1"); err != nil || len(e) != 0 {
		t.Errorf("%+v %v", e, err)
	}
	if strings.Contains(h.log.String(), "CANARY") {
		t.Errorf("the log repeats what was sent: %s", &h.log)
	}
}

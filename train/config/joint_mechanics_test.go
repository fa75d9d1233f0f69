package config_test

import (
	"strings"
	"testing"

	_ "github.com/voxgene/voxgene/models/neural"
	"github.com/voxgene/voxgene/train/config"
)

// What a joint model cannot be is refused where it stands.
func TestJointBadInput(t *testing.T) {
	const text = `name: a
cohort: {patients: patients.csv}
sources: [{name: clinical, kind: table, path: patients.csv}]
outcomes:
  - {name: idh, kind: class, column: idh}
  - {name: os, kind: survival, time: t, event: e, unit: d, origin: imaging}
models:
  - {name: m, kind: mlp, MODEL}
  - {name: whole, kind: mlp}
validation: {scheme: nested_cv}
`
	for model, want := range map[string]string{
		"joint: true, outcomes: [idh]":                                   "a.yaml:8:33: models.0.joint: joint: true wants two outcomes or more, and there is [idh]",
		"joint: true, weights: {oss: 1}":                                 `a.yaml:8:54: models.0.weights.oss: the model does not learn an outcome "oss"; it learns [idh os]`,
		"joint: true, weights: {os: 0}":                                  "a.yaml:8:53: models.0.weights.os: a weight is more than 0, not 0",
		"weights: {os: 2}":                                               "a.yaml:8:35: models.0.weights: weights are of outcomes that are learnt together; add joint: true",
		"joint: true, search: {epochs: [1, 2]}":                          "a.yaml:8:5: models.0: a joint model has one set of weights for all outcomes, so nothing of it can be searched or calibrated for one of them; leave search and calibrate out, or joint",
		"joint: true}\n  - {kind: mlp, joint: true, outcomes: [os, idh]": "a.yaml:9:40: models.1.outcomes: the joint models of a file learn the same outcomes in the same order, because their patients are divided together; m has [idh os]",
	} {
		_, err := config.Parse("a.yaml", []byte(strings.Replace(text, "MODEL", model, 1)), ".", nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s", model, err, want)
		}
	}
	e, err := config.Parse("a.yaml", []byte(strings.Replace(text, "MODEL", "joint: true, weights: {os: 0.5}", 1)), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	if names := e.Joint(); strings.Join(names, " ") != "idh os" || e.Models[0].Weight("idh") != 1 || e.Models[0].Weight("os") != 0.5 {
		t.Errorf("%v", names)
	}
}

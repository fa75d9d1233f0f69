package config_test

import (
	"testing"

	"github.com/voxgene/voxgene/train/config"
)

// No experiment file makes the reader panic, and one that is taken has a canonical form.
func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add("name: x\nmodels: {kind: net, search: {alpha: [0, 1]}}\nsources: 3\noutcomes: [{name: y, kind: class, column: y}]\ncohort: {patients: p.csv}")
	f.Add("validation: [1]\nhonest: {permutations: [auto]}\nconformal: 0.9\npipeline: {step: scale}")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := config.Parse("f.yaml", []byte(text), ".", nil)
		if err != nil {
			return
		}
		if _, err := e.Canonical(); err != nil {
			t.Errorf("no canonical form: %v", err)
		}
	})
}

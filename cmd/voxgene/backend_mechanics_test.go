package main

import (
	"strings"
	"testing"
)

// Every command that may run a network takes --backend, says when there is none of that name, and goes on without it.
func TestBackendFlag(t *testing.T) {
	for _, args := range [][]string{{"predict", "a.voxgene", "b.csv"}, {"evaluate", "a.voxgene", "b.csv"}, {"explain", "a.voxgene", "b.csv"},
		{"cam", "a.voxgene", "b.nii.gz", "c.nii.gz", "-o", "d.nii.gz"}, {"serve", "a.voxgene"}} {
		code, _, errs := voxgene(append(args, "--backend", "abacus")...)
		if code != 2 || !strings.Contains(errs, "warning: backend abacus is not available") || !strings.Contains(errs, "using go:ops_sequential") || !strings.Contains(errs, "a.voxgene") {
			t.Errorf("%s: exit %d: %s", args[0], code, errs)
		}
		t.Setenv("VOXGENE_BACKEND", "slide_rule")
		if _, _, errs := voxgene(args...); !strings.Contains(errs, "warning: backend slide_rule is not available") {
			t.Errorf("%s: VOXGENE_BACKEND: %s", args[0], errs)
		}
		t.Setenv("VOXGENE_BACKEND", "")
		if _, _, errs := voxgene(append(args, "--backend", "go")...); strings.Contains(errs, "warning") {
			t.Errorf("%s: go: %s", args[0], errs)
		}
	}
}

// A backend that this build lacks is one that another build has, and the warning says which.
func TestBackendRemedy(t *testing.T) {
	for name, want := range map[string]string{"onnxruntime:cpu": "-tags onnx", "xla:cpu": "-tags xla", "xla:cuda": "-tags xla"} {
		if _, _, errs := voxgene("predict", "a.voxgene", "b.csv", "--backend", name); !strings.Contains(errs, "using go:ops_sequential") || !strings.Contains(errs, want) {
			t.Errorf("%s: %s", name, errs)
		}
	}
}

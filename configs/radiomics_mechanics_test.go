package configs_test

import (
	"strings"
	"testing"

	"github.com/voxgene/voxgene/configs"
	"github.com/voxgene/voxgene/features/radiomics"
)

// Every preset is a valid parameter file, and an unknown name lists them.
func TestRadiomicsPresets(t *testing.T) {
	names := configs.RadiomicsNames()
	if len(names) == 0 {
		t.Fatal("no preset")
	}
	for _, name := range names {
		b, err := configs.Radiomics(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := radiomics.ParseParams(name, b); err != nil {
			t.Error(err)
		}
	}
	if _, err := configs.Radiomics("cta"); err == nil || !strings.Contains(err.Error(), strings.Join(names, ", ")) {
		t.Errorf("got %v", err)
	}
	if _, err := configs.Radiomics("../radiomics"); err == nil {
		t.Error("a path is not a name")
	}
}

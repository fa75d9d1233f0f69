package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The plan counts the fits that are made: not those of a variant that cannot be fitted, here of a network on the source whose crops it does not read.
func TestPlanCounts(t *testing.T) {
	source := `  - {name: t1, kind: images, image: "c/images/{patient}/t1.nii.gz"`
	networkCohort(t, source, strings.Replace(source, "t1,", "t2,", 1)+`, mask: "c/images/{patient}/mask.nii.gz", parameters: {imageType: {Original: {}}, featureClass: {shape: [MeshVolume]}}, volume: {spacing: [4, 4, 6], size: [6, 6, 4]}}
`+source, "kind: cnn,", "kind: cnn, images: [t1],")
	code, out, errs := voxgene("train", "net.yaml", "--out", "run")
	if code != 0 {
		t.Fatal(errs)
	}
	b, err := os.ReadFile(filepath.Join("run", "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	type variant struct {
		Name, Skipped string
		Value         *float64
	}
	var all map[string]struct{ Baselines, Ablation []variant }
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	judged, reason := 0, ""
	for _, v := range append(all["subtype"].Baselines, all["subtype"].Ablation...) {
		if v.Value != nil {
			judged++
		} else if v.Name == "source t2 alone" {
			reason = v.Skipped
		}
	}
	if judged == 0 || !strings.Contains(reason, `no source "t1" makes crops`) {
		t.Fatalf("%d variants; t2 alone: %q", judged, reason)
	}
	for _, want := range []string{
		fmt.Sprintf("plan: subtype: 3 fits for the estimate, up to %d for baselines and ablation", 2*judged),
		fmt.Sprintf("plan: now subtype: 3 fits for the estimate; %d for baselines and ablation", 2*judged),
		fmt.Sprintf("\n%d fits in ", 3+2*judged),
	} {
		if !strings.Contains(errs+"\n"+out, want) {
			t.Errorf("%q is not said in %s%s", want, errs, out)
		}
	}
}

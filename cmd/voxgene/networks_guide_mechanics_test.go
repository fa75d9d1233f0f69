package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image/nifti"
)

// Every command of docs/networks.md works, in order, on the experiment that the page shows.
func TestNetworksGuide(t *testing.T) {
	page, err := os.ReadFile("../../docs/networks.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	blocks := regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```").FindAllStringSubmatch(string(page), -1)
	for _, b := range blocks {
		if b[1] == "yaml" {
			first, rest, _ := strings.Cut(b[2], "\n")
			if err := os.WriteFile(strings.TrimPrefix(first, "# "), []byte(rest), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	commands := 0
	for _, b := range blocks {
		if b[1] != "sh" {
			continue
		}
		for line := range strings.Lines(b[2]) {
			args := strings.Fields(line)
			if code, out, errs := voxgene(args[1:]...); code != 0 {
				t.Fatalf("%s: exit %d: %s%s", strings.TrimSpace(line), code, out, errs)
			}
			commands++
		}
	}
	if commands != 5 {
		t.Errorf("the page has %d commands; this test knows 5", commands)
	}
	if v, err := nifti.Read("map.nii.gz"); err != nil || v.Size != [3]int{36, 36, 24} {
		t.Errorf("the map is not on the grid of the scan: %v", err)
	}
	predictions, err := os.ReadFile("predictions.csv")
	if err != nil || strings.Count(string(predictions), "\n") != 41 {
		t.Errorf("predictions of 40 patients: %v\n%s", err, predictions)
	}
}

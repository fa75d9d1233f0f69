package main

import (
	"bytes"
	"encoding/csv"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
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
	if commands != 16 {
		t.Errorf("the page has %d commands; this test knows 16", commands)
	}
	lesionsOfTheGuide(t)
	if report, err := os.ReadFile("runs/deep/report.html"); err != nil || !strings.Contains(string(report), "was trained on these very patients") {
		t.Errorf("the report does not say that the encoder has seen these patients: %v", err)
	}
	for _, path := range []string{"map.nii.gz", "p1/subtype-B-t1.nii.gz", "parts.nii.gz"} {
		if v, err := nifti.Read(path); err != nil || v.Size != [3]int{36, 36, 24} {
			t.Errorf("%s is not on the grid of the scan: %v", path, err)
		}
	}
	if !partsSum(t) {
		t.Error("the map of contributions does not sum to what the image contributed")
	}
	predictions, err := os.ReadFile("predictions.csv")
	if err != nil || strings.Count(string(predictions), "\n") != 41 {
		t.Errorf("predictions of 40 patients: %v\n%s", err, predictions)
	}
}

// partsSum says whether the map of voxels' contributions sums to the contribution of the image, within what interpolation loses.
func partsSum(t *testing.T) bool {
	t.Helper()
	v, err := nifti.Read("parts.nii.gz")
	if err != nil {
		t.Fatal(err)
	}
	sum, size := 0.0, 0.0
	for _, x := range v.Values {
		sum += x
		size += math.Abs(x)
	}
	text, err := os.ReadFile("p1/contributions.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(rows[0], "contribution")
	image, err := strconv.ParseFloat(rows[1][at], 64)
	if err != nil || rows[1][slices.Index(rows[0], "feature")] != "t1 (image)" {
		t.Fatalf("no contribution of the image: %v", rows)
	}
	return math.Abs(sum-image) < 0.05*size
}

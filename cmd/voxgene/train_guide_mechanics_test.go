package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every command of docs/train.md works, in order, on the experiment that the page shows and two tables as it names them.
func TestTrainGuide(t *testing.T) {
	page, err := os.ReadFile("../../docs/train.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(3, 4))
	patients := "patient,age,sex,centre,idh_mutant,os_days,os_event\n"
	radiomics := "patient,original_shape_MeshVolume,original_shape_Elongation,original_firstorder_Mean,original_glcm_Contrast,original_glcm_Idm\n"
	for i := range 90 {
		mean := rng.NormFloat64()
		mutant := 0
		if mean+rng.NormFloat64() > 0 {
			mutant = 1
		}
		patients += fmt.Sprintf("p%d,%d,%s,%s,%d,%.0f,%d\n", i, 30+rng.IntN(50), []string{"f", "m"}[rng.IntN(2)], []string{"x", "y"}[rng.IntN(2)], mutant, 30+1000*rng.ExpFloat64(), min(1, rng.IntN(3)))
		radiomics += fmt.Sprintf("p%d,%.1f,%.3f,%.3f,%.3f,%.3f\n", i, 1000*rng.ExpFloat64(), rng.Float64(), mean, rng.NormFloat64(), rng.NormFloat64())
	}
	lesions := "patient,lesion,volume,texture,response\n"
	for i := range 150 {
		response := rng.IntN(2)
		lesions += fmt.Sprintf("p%d,%d,%.3f,%.3f,%d\n", i%90, 1+i/90, rng.NormFloat64()+float64(response), rng.NormFloat64(), response)
	}
	fresh := "patient,lesion,age,volume,texture\nn1,1,50,1.2,0\nn1,2,50,-1,0.4\n"
	for name, text := range map[string]string{"patients.csv": patients, "radiomics.csv": radiomics, "lesions.csv": lesions, "new_lesions.csv": fresh} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	commands := 0
	for _, block := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```").FindAllStringSubmatch(string(page), -1) {
		switch block[1] {
		case "yaml": // the first line names the file
			first, rest, _ := strings.Cut(block[2], "\n")
			if err := os.WriteFile(strings.TrimPrefix(first, "# "), []byte(rest), 0o600); err != nil {
				t.Fatal(err)
			}
		case "sh":
			for line := range strings.Lines(block[2]) {
				args := strings.Fields(line)
				if code, out, errs := voxgene(args[1:]...); code != 0 {
					t.Errorf("%s: exit %d: %s%s", strings.TrimSpace(line), code, out, errs)
				}
				commands++
			}
		}
	}
	if commands != 10 {
		t.Errorf("the page has %d commands; this test knows 10", commands)
	}
	if page, err := os.ReadFile("runs/third/report.html"); err != nil || !strings.Contains(string(page), "Against glioma") || strings.Contains(string(page), "was judged on other folds") {
		t.Errorf("the third run is not compared with the first: %v", err)
	}
	// Every file that the page promises is there.
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z.]+\\.[a-z]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		if _, err := os.Stat(filepath.Join("runs/glioma", m[1])); err != nil {
			t.Error(err)
		}
	}
}

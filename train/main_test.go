package train_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/voxgene/voxgene/models/linear"
	_ "github.com/voxgene/voxgene/models/tree"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/train"
	"github.com/voxgene/voxgene/train/config"
)

// With this variable set the test program trains the experiment it names and ends; a test kills it half-way.
const childVariable = "VOXGENE_TEST_TRAIN"

func TestMain(m *testing.M) {
	if file := os.Getenv(childVariable); file != "" {
		if err := trainFile(file, filepath.Join(filepath.Dir(file), "killed"), train.Options{Resume: true}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(oracle.Main(m, "train", 50))
}

func trainFile(file, output string, o train.Options, set ...string) error {
	e, err := config.ReadFile(file, set)
	if err != nil {
		return err
	}
	e.Output = output
	_, err = train.Run(context.Background(), e, o)
	return err
}

// cohort writes a cohort of two sources and two outcomes that depend on some of their columns, and returns its experiment file.
func cohort(t testing.TB, patients int, extra string) string {
	t.Helper()
	dir := t.TempDir()
	rng := work.Seed(11).Rand()
	var clinical, radiomics strings.Builder
	clinical.WriteString("patient,age,sex,centre,subtype,subtype_copy,days,dead\n")
	radiomics.WriteString("patient,original_shape_MeshVolume,original_firstorder_Mean,original_glcm_Contrast,original_glcm_Idm\n")
	for i := range patients {
		volume, mean, contrast := rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()
		age := 50 + 10*rng.NormFloat64()
		subtype := "wild"
		if mean+0.5*contrast+rng.NormFloat64() > 0 {
			subtype = "mutant"
		}
		days := 1 + 500*rng.ExpFloat64()/(1+0.8*max(0, volume+age/50))
		dead := 1
		if days > 400 {
			days, dead = 400, 0
		}
		cell := fmt.Sprint(contrast)
		if i%17 == 0 {
			cell = "NA"
		}
		fmt.Fprintf(&clinical, "p%03d,%.1f,%s,%s,%s,%s,%.0f,%d\n", i, age, []string{"f", "m"}[rng.IntN(2)], []string{"x", "y", "z"}[i%3], subtype, subtype, days, dead)
		fmt.Fprintf(&radiomics, "p%03d,%v,%v,%s,%v\n", i, volume, mean, cell, rng.NormFloat64())
	}
	write(t, dir, "patients.csv", clinical.String())
	write(t, dir, "radiomics.csv", radiomics.String())
	return write(t, dir, "experiment.yaml", `name: small
seed: 5
cohort: {patients: patients.csv, id: patient, site: centre}
sources:
  - {name: clinical, kind: table, path: patients.csv, group: clinical, columns: [age, sex, subtype_copy]}
  - {name: t1, kind: table, path: radiomics.csv, group: imaging}
outcomes:
  - {name: subtype, kind: class, column: subtype, known_from: [clinical.subtype_copy]}
  - {name: os, kind: survival, time: days, event: dead, origin: imaging, unit: d, known_from: [clinical.subtype_copy]}
models:
  - {name: lr, kind: logistic, penalty: ridge, lambda: 0.1}
  - {name: tree, kind: decision_tree, search: {max_depth: [1, 2]}}
  - {kind: cox, penalty: ridge, lambda: 0.1}
validation: {folds: 3, repeats: 2, inner_folds: 2}
honest: {permutations: 9, subgroups: [sex, centre]}
`+extra)
}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, elements ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

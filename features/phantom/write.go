package phantom

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"text/template"

	_ "embed"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/work"
)

// Write lays the cohort out in dir as a hospital's export might be:
//
//	patients.csv              age, sex, centre, subtype, os_days, os_event
//	expression.csv            genes in rows, patients in columns, log2 scale
//	images/PATIENT/t1.nii.gz  and mask.nii.gz beside it
//	batch.csv                 the same pairs as a PyRadiomics batch
//	experiment.yaml           trains on all of it
//	radiomics.yaml            extraction settings that it uses
//	truth.json                what was planted
//	lesions.csv               where a patient may have several: the subtype of each, under its rank by volume
//
// Files that are there already are written again. The bytes depend on the cohort alone.
func (c *Cohort) Write(ctx context.Context, dir string, pool work.Pool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	truth, err := json.MarshalIndent(c.Truth, "", " ")
	if err != nil {
		return err
	}
	experiment, err := c.experiment()
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"patients.csv":    c.patientTable(),
		"expression.csv":  c.expressionTable(),
		"batch.csv":       c.batchTable(),
		"experiment.yaml": experiment,
		"radiomics.yaml":  radiomicsText,
		"truth.json":      append(truth, '\n'),
	}
	if c.Options.Lesions > 1 {
		files["lesions.csv"] = c.lesionTable()
	}
	for name, b := range files {
		if err := work.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return err
		}
	}
	items := make([]work.Item, len(c.Patients))
	for i, p := range c.Patients {
		items[i] = work.Item{Name: p.ID, Do: func(context.Context) ([]byte, error) {
			return nil, c.writeImages(i, filepath.Join(dir, "images", p.ID))
		}}
	}
	results, err := pool.Run(ctx, items)
	if err != nil {
		return err
	}
	return work.Errors(results)
}

func (c *Cohort) writeImages(i int, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	v, m := c.Image(i)
	if err := nifti.Write(filepath.Join(dir, "t1.nii.gz"), v, image.Float32); err != nil {
		return err
	}
	return nifti.WriteMask(filepath.Join(dir, "mask.nii.gz"), m)
}

func (c *Cohort) patientTable() []byte {
	rows := [][]string{{"patient", "age", "sex", "centre", "subtype", "os_days", "os_event"}}
	for _, p := range c.Patients {
		event := "0"
		if p.Event {
			event = "1"
		}
		rows = append(rows, []string{p.ID, number(p.Age), p.Sex, p.Centre, p.Subtype, number(p.Days), event})
	}
	if c.Options.Lesions > 1 { // whose subtypes are in a table of their own
		for i := range rows {
			rows[i] = slices.Delete(rows[i], 4, 5)
		}
	}
	return table(rows)
}

func (c *Cohort) lesionTable() []byte {
	rows := [][]string{{"patient", "lesion", "subtype"}}
	for _, p := range c.Patients {
		for l, subtype := range p.Subtypes {
			rows = append(rows, []string{p.ID, strconv.Itoa(l + 1), subtype})
		}
	}
	return table(rows)
}

func (c *Cohort) expressionTable() []byte {
	header := []string{"gene"}
	for _, p := range c.Patients {
		header = append(header, p.ID)
	}
	rows := [][]string{header}
	for g, gene := range c.Genes {
		row := []string{gene}
		for _, p := range c.Patients {
			row = append(row, strconv.FormatFloat(p.Expression[g], 'f', 6, 64))
		}
		rows = append(rows, row)
	}
	return table(rows)
}

func (c *Cohort) batchTable() []byte {
	rows := [][]string{{"patient", "Image", "Mask", "Label"}}
	for _, p := range c.Patients {
		rows = append(rows, []string{p.ID, "images/" + p.ID + "/t1.nii.gz", "images/" + p.ID + "/mask.nii.gz", "1"})
	}
	return table(rows)
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func table(rows [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.WriteAll(rows) // a bytes.Buffer takes everything
	return b.Bytes()
}

//go:embed experiment.yaml
var experimentText string

//go:embed radiomics.yaml
var radiomicsText []byte

var experimentTemplate = template.Must(template.New("experiment").Parse(experimentText))

// experiment is the experiment file that trains on the cohort.
func (c *Cohort) experiment() ([]byte, error) {
	var b bytes.Buffer
	if err := experimentTemplate.Execute(&b, c.Options); err != nil {
		return nil, fmt.Errorf("phantom: experiment file: %w", err)
	}
	return b.Bytes(), nil
}

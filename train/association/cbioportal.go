package association

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

// Risk is a column of predictions that goes to cBioPortal as a clinical attribute: a risk, or the probability of a class.
type Risk struct {
	Name        string // such as os_risk
	Description string
	Value       map[string]float64 // by patient
}

var studyName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// WriteCBioPortal leaves in dir the files by which cBioPortal's importer takes the imaging columns of a table into a study as a Generic Assay
// profile (meta_radiomics.txt, data_radiomics.txt), and risks as clinical attributes of patients (meta_clinical_patient.txt,
// data_clinical_patient.txt, with the four header rows). Samples carry the patient's name. These files name patients: they go to the portal
// that has the study, and nowhere else.
func WriteCBioPortal(dir, study string, t *table.Table, groups []string, risks []Risk) error {
	if !studyName.MatchString(study) {
		return fmt.Errorf("cBioPortal study %q: letters, digits, _ and - only", study)
	}
	var columns []int
	for j, c := range t.Columns {
		if c.Kind == table.Numeric && (slices.Contains(groups, c.Group) || slices.Contains(groups, c.Source)) {
			columns = append(columns, j)
		}
	}
	if len(columns) == 0 {
		return fmt.Errorf("cBioPortal: no numeric column of %v", groups)
	}
	files := map[string][]byte{
		"meta_radiomics.txt": meta([][2]string{
			{"cancer_study_identifier", study}, {"genetic_alteration_type", "GENERIC_ASSAY"}, {"generic_assay_type", "RADIOMICS"},
			{"datatype", "LIMIT-VALUE"}, {"stable_id", "radiomics"}, {"profile_name", "Radiomics"},
			{"profile_description", "Radiomics features of the scans, as Voxgene read them"}, {"data_filename", "data_radiomics.txt"},
			{"show_profile_in_analysis_tab", "true"}, {"generic_entity_meta_properties", "NAME,DESCRIPTION"},
		}),
		"data_radiomics.txt": genericAssay(t, columns),
	}
	if len(risks) > 0 {
		files["meta_clinical_patient.txt"] = meta([][2]string{
			{"cancer_study_identifier", study}, {"genetic_alteration_type", "CLINICAL"}, {"datatype", "PATIENT_ATTRIBUTES"}, {"data_filename", "data_clinical_patient.txt"},
		})
		files["data_clinical_patient.txt"] = clinicalPatients(t, risks)
	}
	for name, b := range files {
		if err := work.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func meta(pairs [][2]string) []byte {
	var b bytes.Buffer
	for _, p := range pairs {
		fmt.Fprintf(&b, "%s: %s\n", p[0], p[1])
	}
	return b.Bytes()
}

// genericAssay has a row a feature and a column a sample; a missing value is NA.
func genericAssay(t *table.Table, columns []int) []byte {
	var b bytes.Buffer
	b.WriteString("ENTITY_STABLE_ID\tNAME\tDESCRIPTION")
	for _, k := range t.Keys {
		b.WriteString("\t" + cell(k.Patient))
	}
	b.WriteByte('\n')
	for _, j := range columns {
		c := t.Columns[j]
		fmt.Fprintf(&b, "%s\t%s\t%s", stableID(c.Name), cell(c.Name), cell(strings.TrimSpace(c.Group+" "+c.Unit)))
		for _, v := range t.Values[j] {
			b.WriteByte('\t')
			if math.IsNaN(v) {
				b.WriteString("NA")
				continue
			}
			b.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

var notStable = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// stableID keeps to the characters that the importer takes.
func stableID(name string) string { return notStable.ReplaceAllString(name, "_") }

// cell keeps a name from opening a column or a row of its own.
func cell(s string) string { return strings.NewReplacer("\t", " ", "\n", " ", "\r", " ").Replace(s) }

// clinicalPatients has the importer's four header rows: names, descriptions, datatypes, priorities.
func clinicalPatients(t *table.Table, risks []Risk) []byte {
	rows := [5][]string{{"Patient Identifier"}, {"Patient Identifier"}, {"STRING"}, {"1"}, {"PATIENT_ID"}}
	for _, r := range risks {
		for k, v := range []string{cell(r.Name), cell(r.Description), "NUMBER", "1", strings.ToUpper(stableID(r.Name))} {
			rows[k] = append(rows[k], v)
		}
	}
	var b bytes.Buffer
	for k, r := range rows {
		if k < 4 {
			b.WriteByte('#')
		}
		b.WriteString(strings.Join(r, "\t") + "\n")
	}
	for _, key := range t.Keys {
		b.WriteString(cell(key.Patient))
		for _, r := range risks {
			b.WriteByte('\t')
			if v, ok := r.Value[key.Patient]; ok && !math.IsNaN(v) {
				b.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
			}
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// ReadRisks reads the out-of-fold predictions of a training run (predictions.csv): for each survival outcome the mean risk of a patient over
// repeats, for each class its mean probability. Only rows of the model that each fold selected count.
func ReadRisks(path string) ([]Risk, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("%s: the file is empty", path)
	}
	at := map[string]int{}
	for k, name := range records[0] {
		at[name] = k
	}
	for _, name := range []string{"outcome", "patient", "selected", "class", "probability", "risk"} {
		if _, ok := at[name]; !ok {
			return nil, fmt.Errorf("%s: no column %q; want the predictions.csv of a training run", path, name)
		}
	}
	sum, count := map[[2]string]float64{}, map[[2]string]float64{}
	var order []string
	for line, r := range records[1:] {
		if r[at["selected"]] != "true" {
			continue
		}
		name, text := r[at["outcome"]]+"_risk", r[at["risk"]]
		if text == "" {
			name, text = r[at["outcome"]]+"_probability_"+r[at["class"]], r[at["probability"]]
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %q is not a number", path, line+2, text)
		}
		if !slices.Contains(order, name) {
			order = append(order, name)
		}
		key := [2]string{name, r[at["patient"]]}
		sum[key] += v
		count[key]++
	}
	var out []Risk
	for _, name := range order {
		risk := Risk{Name: name, Description: "out-of-fold prediction, mean over repeats", Value: map[string]float64{}}
		for key, v := range sum {
			if key[0] == name {
				risk.Value[key[1]] = v / count[key]
			}
		}
		out = append(out, risk)
	}
	return out, nil
}

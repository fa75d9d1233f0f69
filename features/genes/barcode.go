package genes

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Barcode is a TCGA barcode: TCGA-02-0001-01C-01D-0182-01. Parts that a shorter one lacks are empty.
type Barcode struct {
	Patient string // TCGA-02-0001
	Type    int    // 1 primary solid tumour, 2 recurrent, 3 primary blood, 6 metastatic, 10 to 19 normal; 0 where there is none
	Vial    string
	Portion string
	Analyte string
	Plate   string
	Center  string
	Full    string
}

var barcode = pattern(`^(TCGA-[A-Z0-9]{2}-[A-Z0-9]{4})(?:-(\d{2})([A-Z])?(?:-(\d{2})([A-Z])?(?:-([A-Z0-9]{4})(?:-(\d{2}))?)?)?)?$`)

// ParseBarcode reads a TCGA barcode of a patient, sample, portion, analyte or aliquot. Dots and underscores, as R writes names, count as hyphens.
func ParseBarcode(s string) (Barcode, bool) {
	m := barcode().FindStringSubmatch(strings.NewReplacer(".", "-", "_", "-").Replace(strings.TrimSpace(s)))
	if m == nil {
		return Barcode{}, false
	}
	b := Barcode{Patient: m[1], Vial: m[3], Portion: m[4], Analyte: m[5], Plate: m[6], Center: m[7], Full: s}
	if m[2] != "" {
		b.Type, _ = strconv.Atoi(m[2])
	}
	return b, true
}

// Normal reports whether the sample is normal tissue or a control.
func (b Barcode) Normal() bool { return b.Type >= 10 }

// sampleTypes are the sample types that each choice takes, the preferred first.
var sampleTypes = map[string][]int{
	"primary":    {1, 3, 9, 5, 0},
	"recurrent":  {2, 4, 40},
	"metastatic": {6, 7},
}

// analytes are preferred in this order: RNA (total, then others), then DNA (native, then amplified).
const analytes = "RHTDWXG"

// better orders aliquots of one patient: sample type first, then the first vial (A is frozen, B often formalin), the analyte, the
// highest plate (the latest run), the highest portion, the highest centre, and last the barcode itself.
func better(types []int) func(a, b Barcode) int {
	return func(a, b Barcode) int {
		return cmp.Or(
			cmp.Compare(slices.Index(types, a.Type), slices.Index(types, b.Type)),
			cmp.Compare(a.Vial, b.Vial),
			cmp.Compare(strings.Index(analytes, a.Analyte), strings.Index(analytes, b.Analyte)),
			cmp.Compare(b.Plate, a.Plate),
			cmp.Compare(b.Portion, a.Portion),
			cmp.Compare(b.Center, a.Center),
			cmp.Compare(a.Full, b.Full))
	}
}

// Chosen is the outcome of choosing one sample for each patient.
type Chosen struct {
	Patients []string // sorted
	Samples  []int    // index of the sample of each patient
	Notes    []string // what was left out and why, counted
}

// ChooseSamples takes one sample for each patient from barcodes: those of the sample type asked for (primary, recurrent or
// metastatic), and of several aliquots the first in the order of better. Normal tissue is refused always. Names that are no
// barcodes are an error; see IsBarcodes.
func ChooseSamples(names []string, sampleType string) (Chosen, error) {
	types, ok := sampleTypes[sampleType]
	if !ok {
		return Chosen{}, fmt.Errorf("sample_type: %q is not primary, recurrent or metastatic", sampleType)
	}
	type candidate struct {
		Barcode
		at int
	}
	by := map[string][]candidate{}
	normal, other, replicate := 0, 0, 0
	for i, n := range names {
		b, ok := ParseBarcode(n)
		switch {
		case !ok:
			return Chosen{}, fmt.Errorf("sample %q is not a TCGA barcode, and others here are", n)
		case b.Normal():
			normal++
		case !slices.Contains(types, b.Type):
			other++
		default:
			by[b.Patient] = append(by[b.Patient], candidate{b, i})
		}
	}
	var c Chosen
	for p := range by {
		c.Patients = append(c.Patients, p)
	}
	slices.Sort(c.Patients)
	order := better(types)
	for _, p := range c.Patients {
		all := by[p]
		slices.SortFunc(all, func(a, b candidate) int { return order(a.Barcode, b.Barcode) })
		c.Samples = append(c.Samples, all[0].at)
		replicate += len(all) - 1
	}
	for _, n := range []struct {
		count     int
		one, many string
	}{{normal, "sample of normal tissue", "samples of normal tissue"}, {other, "sample that is not " + sampleType, "samples that are not " + sampleType},
		{replicate, "further aliquot", "further aliquots"}} {
		if n.count > 0 {
			c.Notes = append(c.Notes, plural(n.count, n.one, n.many)+" left out")
		}
	}
	return c, nil
}

// IsBarcodes reports whether most of the names are TCGA barcodes.
func IsBarcodes(names []string) bool {
	n := 0
	for _, name := range names {
		if _, ok := ParseBarcode(name); ok {
			n++
		}
	}
	return 2*n > len(names)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

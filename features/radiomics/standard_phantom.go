package radiomics

import (
	_ "embed"
	"encoding/csv"
	"math"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/image"
)

// phantomVoxels is the digital phantom of the Image Biomarker Standardisation Initiative, 5 × 4 × 4 voxels of 2 mm: rows of slices, a
// voxel outside the region followed by an o. Licence of the phantom: CC BY 4.0, theibsi/data_sets.
const phantomVoxels = `
1 4 4 1 1   1 4 6 1 1   4 1 6 4 1   4 4 6 4 1
1 4 4 1 1   1 1 6 1 1   1o1 3 1 1   4 4 6 1 1
1 4 4 1o1o  1 1 1 1 1   1 1 9o1 1   1 1 6 1 1
1 4 4 1o1o  1 1 1 1 1   1 1 1 1 1   1 1 6 1 1 `

// phantomReferences has the consensus values of the phantom with their tolerances: tag, reference, tolerance.
//
//go:embed standard_phantom.csv
var phantomReferences string

// Phantom returns the standard's digital phantom and its region, of label 1.
func Phantom() (*image.Volume, *image.Mask) {
	g := image.Grid{Size: [3]int{5, 4, 4}, Spacing: [3]float64{2, 2, 2}, Direction: image.IdentityDirection}
	v := &image.Volume{Grid: g, Integer: true}
	m := &image.Mask{Grid: g}
	for i, c := range phantomVoxels {
		if c < '1' || c > '9' {
			continue
		}
		v.Values = append(v.Values, float64(c-'0'))
		label := uint16(1)
		if phantomVoxels[i+1] == 'o' {
			label = 0
		}
		m.Labels = append(m.Labels, label)
	}
	return v, m
}

// Checked is one value of the phantom beside its reference.
type Checked struct {
	Tag                         string
	Value, Reference, Tolerance float64
	Agrees                      bool
}

// CheckPhantom computes every feature of the digital phantom that has a consensus value, and compares. A value agrees when, rounded to
// the three digits that references have, it lies within the tolerance.
func CheckPhantom() ([]Checked, error) {
	v, m := Phantom()
	s := DefaultStandard()
	s.Bins, s.Dimensions = Bins{Width: 1}, []string{"2D", "2.5D", "3D"}
	features, err := ExtractStandard(v, m, 1, s)
	if err != nil {
		return nil, err
	}
	values := make(map[string]float64, len(features))
	for _, f := range features {
		values[f.Name] = f.Value
	}
	rows, err := csv.NewReader(strings.NewReader(phantomReferences)).ReadAll()
	if err != nil {
		return nil, err
	}
	var out []Checked
	for _, r := range rows[1:] {
		c := Checked{Tag: r[0], Value: math.NaN()}
		if c.Reference, err = strconv.ParseFloat(r[1], 64); err != nil {
			return nil, err
		}
		if c.Tolerance, err = strconv.ParseFloat(r[2], 64); err != nil {
			return nil, err
		}
		if x, ok := values[c.Tag]; ok {
			c.Value = x
			rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
			if err != nil {
				return nil, err
			}
			c.Agrees = math.Abs(rounded-c.Reference) <= c.Tolerance+1e-9*math.Abs(c.Reference)
		}
		out = append(out, c)
	}
	return out, nil
}

// Package radiomics computes the features of a region of a scan: intensity statistics, shape and texture.
//
// Parameters, definitions, column names and their order are those of PyRadiomics [vanGriethuysen2017], with which values agree to
// a relative 1e-6. ExtractStandard computes those of the Image Biomarker Standardisation Initiative instead, where the two differ and
// beyond.
//
// A region is never a whole scan, so everything but the reading pass works on the box around it, grown by what a filter can
// reach. Results do not depend on the number of goroutines.
//
// [vanGriethuysen2017]: https://doi.org/10.1158/0008-5472.CAN-17-0339
package radiomics

// Feature is one computed value under PyRadiomics' column name, such as original_firstorder_Energy.
type Feature struct {
	Name  string
	Value float64
}

// Diagnostic is one column about the input rather than the region, under PyRadiomics' name, such as
// diagnostics_Mask-original_VoxelNum.
type Diagnostic struct {
	Name string
	Text string
}

// Result is all that an extraction says about one region.
type Result struct {
	Diagnostics []Diagnostic // empty when additionalInfo is false
	Features    []Feature
	// Notes say what was left out, as PyRadiomics' warnings do, or done to the input. No patient is named.
	Notes []string
}

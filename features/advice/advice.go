// Package advice looks at a cohort before anything is fitted and says what it can carry: which settings its scans ask for, which masks
// are faulty, which scanners stand apart, and whether there are patients and events enough. Each line has its reason.
//
// The rules of thumb are those that the authors of the field's tools give [MIRP], [PyRadiomicsFAQ], and for sample sizes those of Riley
// and others [Riley2020].
//
// [MIRP]: https://github.com/oncoray/mirp/issues/83
// [PyRadiomicsFAQ]: https://pyradiomics.readthedocs.io/en/latest/faq.html
// [Riley2020]: https://doi.org/10.1136/bmj.m441
package advice

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/stat"
)

// Line is one thing to know or to do.
type Line struct {
	About   string // a source or an outcome
	Problem bool   // something is wrong; otherwise a suggestion or a fact
	Text    string
	Reason  string
}

// Scan is what was seen of one patient's image and mask.
type Scan struct {
	Patient, Batch string
	Grid           image.Grid
	Voxels         int // of the region
	Parts          int // not connected to each other
	Dimensions     int
	AtBorder       bool
	Low, High      float64 // intensities of the region
	Mean           float64
	Background     float64 // share of the image at its minimum
	Fault          error   // of the files; the rest is then empty
}

// Look reads an image and measures the region of a label of its mask, 0 for all labels together. A mask on another grid is resampled where
// that is meant.
func Look(patient, batch string, img open.Image, m *image.Mask, label int, resample bool) Scan {
	s := Scan{Patient: patient, Batch: batch}
	if label == 0 {
		m, label = m.Union(), 1
	}
	p := radiomics.DefaultParams()
	p.MinimumROIDimensions, p.CorrectMask = 1, resample
	p.Classes = []radiomics.Class{{Name: "firstorder", Features: []string{"Minimum", "Maximum", "Mean"}}}
	in, err := img.Region(radiomics.Reach(m, []int{label}, p))
	if err != nil {
		s.Fault = err
		return s
	}
	s.Grid = in.Whole
	if in.Statistics.Count > 0 {
		s.Background = float64(in.Statistics.AtMinimum) / float64(in.Statistics.Count)
	}
	r, err := radiomics.ExtractReading(in, m, label, p)
	if err != nil {
		s.Fault = err
		return s
	}
	s.Low, s.High, s.Mean = math.NaN(), math.NaN(), math.NaN()
	for _, f := range r.Features {
		switch f.Name {
		case "original_firstorder_Minimum":
			s.Low = f.Value
		case "original_firstorder_Maximum":
			s.High = f.Value
		case "original_firstorder_Mean":
			s.Mean = f.Value
		}
	}
	b := m.Bounds(uint16(label))
	for a, n := range b.Size() {
		if n > 1 {
			s.Dimensions++
		}
		s.AtBorder = s.AtBorder || b.Min[a] == 0 || b.Max[a] == m.Size[a]
	}
	for _, l := range m.Labels {
		if int(l) == label {
			s.Voxels++
		}
	}
	if _, parts, err := m.Union(uint16(label)).Components(0); err == nil {
		s.Parts = len(parts)
	}
	return s
}

// Images says what the scans of one source ask for, given the parameters with which they would be extracted, and whether they are brought
// to a scale of their own before (then grey levels are those of another scale than was looked at).
func Images(source, modality string, normalised bool, scans []Scan, p radiomics.Params) []Line {
	var out []Line
	note := func(problem bool, reason, format string, args ...any) {
		out = append(out, Line{About: source, Problem: problem, Text: fmt.Sprintf(format, args...), Reason: reason})
	}
	var good []Scan
	for _, s := range scans {
		if s.Fault != nil {
			note(true, "a case that cannot be read is left out of the cohort", "%s: %v", s.Patient, s.Fault)
			continue
		}
		good = append(good, s)
	}
	if len(good) == 0 {
		return out
	}
	spacings(good, p, note)
	if normalised {
		note(false, "grey levels of the scans as they are say nothing then", "images are normalised before extraction: choose bins of a count, or of a width on the new scale")
	} else {
		levels(good, modality, p, note)
	}
	masks(good, note)
	scanners(good, note)
	return out
}

type noteFunc func(problem bool, reason, format string, args ...any)

// median of a measure over scans.
func median(scans []Scan, of func(Scan) float64) float64 {
	x := make([]float64, len(scans))
	for i, s := range scans {
		x[i] = of(s)
	}
	return stat.Median(x)
}

// spacings judges voxel sizes: whether to resample, and whether texture should stay within slices.
func spacings(scans []Scan, p radiomics.Params, note noteFunc) {
	var middle, low, high [3]float64
	varies := false
	for a := range 3 {
		middle[a] = median(scans, func(s Scan) float64 { return s.Grid.Spacing[a] })
		low[a], high[a] = math.Inf(1), 0
		for _, s := range scans {
			low[a], high[a] = min(low[a], s.Grid.Spacing[a]), max(high[a], s.Grid.Spacing[a])
		}
		varies = varies || high[a] > 1.05*low[a]
	}
	text := fmt.Sprintf("voxels of %.3g × %.3g × %.3g mm in the median of %d scans, from %.3g × %.3g × %.3g to %.3g × %.3g × %.3g",
		middle[0], middle[1], middle[2], len(scans), low[0], low[1], low[2], high[0], high[1], high[2])
	ratio := middle[2] / math.Max(middle[0], middle[1])
	switch {
	case varies && p.ResampledPixelSpacing == nil:
		s := suggested(middle, ratio)
		note(true, "texture counts voxels, so that scans of other voxel sizes have other features of the same tissue", "%s: set resampledPixelSpacing, such as [%g, %g, %g]", text, s[0], s[1], s[2])
	case varies:
		note(false, "one voxel size for all", "%s; resampled to %v", text, p.ResampledPixelSpacing)
	default:
		note(false, "all alike: no resampling is needed", "%s", text)
	}
	thick := ratio
	if len(p.ResampledPixelSpacing) == 3 && p.ResampledPixelSpacing[2] > 0 && p.ResampledPixelSpacing[0] > 0 {
		thick = p.ResampledPixelSpacing[2] / p.ResampledPixelSpacing[0]
	}
	switch {
	case ratio >= 3 && !p.Force2D && (thick >= 3 || thick < ratio/2):
		note(true, "three to five times is where neighbours in the next slice stop being neighbours; resampling them to cubes invents what lies between",
			"slices are %.2g times as thick as pixels: set force2D, which keeps texture within slices", ratio)
	case ratio < 3 && p.Force2D:
		note(false, "below three times, the third dimension carries texture too", "slices are %.2g times as thick as pixels: texture in 3D is possible", ratio)
	}
}

// suggested is a voxel size to resample to: the median in the plane, rounded; cubes where slices are not much thicker.
func suggested(middle [3]float64, ratio float64) [3]float64 {
	plane := math.Max(middle[0], middle[1])
	s := [3]float64{nice(plane), nice(plane), nice(middle[2])}
	if ratio < 3 {
		size := nice(math.Max(plane, math.Min(middle[2], 2*plane)))
		s = [3]float64{size, size, size}
	}
	return s
}

// nice rounds up to one digit and a half.
func nice(x float64) float64 {
	scale := math.Pow(10, math.Floor(math.Log10(x)))
	for _, n := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10} {
		if x <= 1.001*n*scale {
			return n * scale
		}
	}
	return 10 * scale
}

// levels judges the discretisation and normalisation.
func levels(scans []Scan, modality string, p radiomics.Params, note noteFunc) {
	width := median(scans, func(s Scan) float64 { return s.High - s.Low })
	if !p.Normalize && p.BinCount == 0 {
		bins := width / p.BinWidth
		text := fmt.Sprintf("regions span %.4g in the median: %.0f grey levels of width %g", width, math.Ceil(bins), p.BinWidth)
		if bins < 16 || bins > 128 {
			note(true, "16 to 128 grey levels: fewer lose texture, more are mostly noise", "%s: a binWidth of %g would give some 32", text, nice(width/32))
		} else {
			note(false, "within 16 to 128", "%s", text)
		}
	}
	switch {
	case modality == "MR" && !p.Normalize:
		note(true, "MR intensities have no unit and change from scan to scan", "MR without normalisation: set normalize, with binWidth on the scale of the z-score, or normalise before")
	case (modality == "CT" || modality == "PT") && p.Normalize:
		note(true, "Hounsfield units and SUV mean the same on every scanner; a z-score throws that away", "%s is normalised: unset normalize", modality)
	case modality == "CT" && p.ResegmentRange == nil:
		note(false, "air and metal at the rim of a region outweigh tissue", "CT without resegmentRange: a lower bound such as -1000, or one that leaves air out, keeps the rim from deciding")
	}
	dark := 0
	for _, s := range scans {
		if s.Background > 1.0/3 {
			dark++
		}
	}
	if dark > 0 && p.Normalize {
		note(true, "mean and SD are then of the background", "%d of %d images are background in a third of their voxels or more, and are normalised as a whole: normalise within a mask of the body before", dark, len(scans))
	}
}

// masks lists what is odd about regions.
func masks(scans []Scan, note noteFunc) {
	typical := median(scans, func(s Scan) float64 { return float64(s.Voxels) })
	for _, s := range scans {
		if s.Voxels < 64 {
			note(true, "texture of so few voxels is noise", "%s: the region has %d voxels", s.Patient, s.Voxels)
		}
		if s.Dimensions < 3 {
			note(true, "shape and texture in 3D are not defined", "%s: the region has %d dimensions", s.Patient, s.Dimensions)
		}
		if s.AtBorder {
			note(true, "a lesion that the scan cuts off is measured too small", "%s: the region touches the border of the image", s.Patient)
		}
		if s.Parts > 5 && float64(s.Voxels)/float64(s.Parts) < typical/10 {
			note(true, "stray voxels of a brush or of interpolation count as surface", "%s: the region has %d parts", s.Patient, s.Parts)
		}
	}
	if typical < 500 {
		note(false, "a grey level has then few neighbours", "regions have %.0f voxels in the median: keep grey levels few, and trust shape and first order more than texture", typical)
	}
}

// scanners finds batches whose regions are far brighter or darker than the others', and batches of few patients.
func scanners(scans []Scan, note noteFunc) {
	groups := map[string][]float64{}
	var names []string
	for _, s := range scans {
		if s.Batch == "" {
			continue
		}
		if groups[s.Batch] == nil {
			names = append(names, s.Batch)
		}
		groups[s.Batch] = append(groups[s.Batch], s.Mean)
	}
	slices.Sort(names)
	if len(names) < 2 {
		return
	}
	centre := median(scans, func(s Scan) float64 { return s.Mean })
	spread := 1.4826 * median(scans, func(s Scan) float64 { return math.Abs(s.Mean - centre) })
	for _, name := range names {
		x := groups[name]
		middle := stat.Median(x)
		if len(x) < 5 {
			note(true, "ComBat estimates a mean and a variance for every batch", "batch %s has %d patients: too few to harmonise; join it to another or leave it out", name, len(x))
		}
		if e := spread * 1.2533 / math.Sqrt(float64(len(x))); len(x) >= 3 && e > 0 && math.Abs(middle-centre) > 3.5*e {
			note(true, "more than 3.5 standard errors of a median from all", "batch %s has a median intensity of %.4g, all have %.4g: harmonise, or look at its protocol", name, middle, centre)
		}
	}
}

// Outcomes says whether there are patients and events enough, for a number of candidate columns.
func Outcomes(outcomes []clinical.Outcome, columns int) []Line {
	var out []Line
	for _, o := range outcomes {
		if o.Kind == clinical.Class {
			out = append(out, classes(o, columns)...)
		} else {
			out = append(out, events(o, columns)...)
		}
	}
	return out
}

func classes(o clinical.Outcome, columns int) []Line {
	counts := make([]int, len(o.Classes))
	n := 0
	for _, c := range o.Class {
		if c >= 0 {
			counts[c]++
			n++
		}
	}
	text := fmt.Sprintf("%d patients:", n)
	least, at := math.MaxInt, 0
	for c, k := range counts {
		text += fmt.Sprintf(" %d %s", k, o.Classes[c])
		if k < least {
			least, at = k, c
		}
	}
	switch {
	case least < 10:
		return []Line{{o.Name, true, fmt.Sprintf("%s. Class %s is too small for a model: five folds would hold %.1f of it each", text, o.Classes[at], float64(least)/5), "an AUC from fewer than ten of a class has an interval as wide as the scale"}}
	case least < 50:
		return []Line{{o.Name, false, fmt.Sprintf("%s. Repeat cross-validation and read the intervals; %d candidate columns for %d of the smaller class ask for a penalty", text, columns, least), "fewer than fifty in a class: estimates move by ± .1 from split to split"}}
	}
	return []Line{{o.Name, false, fmt.Sprintf("%s, and %d candidate columns", text, columns), "counted"}}
}

func events(o clinical.Outcome, columns int) []Line {
	n, k, competing := 0, 0, 0
	for i := range o.Time {
		if !o.Known(i) {
			continue
		}
		n++
		switch {
		case o.Event[i] == 1:
			k++
		case o.Event[i] > 1:
			competing++
		}
	}
	text := fmt.Sprintf("%d patients with %d events, and %d candidate columns", n, k, columns)
	var out []Line
	switch {
	case k < 20:
		out = append(out, Line{o.Name, true, text + ": too few events for a model of several columns", "with fewer than twenty events a C-index has an interval as wide as its use"})
	case columns > 0 && float64(k)/float64(columns) < 10:
		out = append(out, Line{o.Name, false, fmt.Sprintf("%s: %.2g events a column; use a penalty and few columns", text, float64(k)/float64(columns)), "ten to twenty events a column without a penalty"})
	default:
		out = append(out, Line{o.Name, false, text, "counted"})
	}
	if competing > 0 {
		out = append(out, Line{o.Name, false, fmt.Sprintf("%d competing events", competing), "one minus Kaplan-Meier overstates the risk then; ask for cumulative incidence"})
	}
	return out
}

// Sort puts problems before the rest, in their order otherwise.
func Sort(lines []Line) {
	slices.SortStableFunc(lines, func(a, b Line) int {
		rank := func(l Line) int {
			if l.Problem {
				return 0
			}
			return 1
		}
		return cmp.Compare(rank(a), rank(b))
	})
}

package radiomics

import (
	"math"

	"github.com/voxgene/voxgene/features/image"
)

// diagnoseImage adds the standard's diagnostics of an image at a stage: its size, spacing, and mean, minimum and maximum.
func (r *standardRegion) diagnoseImage(stage string, s *scan, whole bool) {
	if !r.Diagnostics {
		return
	}
	x := s.take(s.Box())
	round(x, whole)
	st := (&image.Volume{Values: x}).Statistics()
	for a, axis := range "xyz" {
		r.note("img_dim_"+string(axis)+"_"+stage+"_img", float64(s.Size[a]))
	}
	for a, axis := range "xyz" {
		r.note("vox_dim_"+string(axis)+"_"+stage+"_img", s.Spacing[a])
	}
	r.note("mean_int_"+stage+"_img", st.Mean)
	r.note("min_int_"+stage+"_img", st.Min)
	r.note("max_int_"+stage+"_img", st.Max)
}

// diagnoseRegion adds those of the intensity and the morphological mask.
func (r *standardRegion) diagnoseRegion(stage string, size [3]int, intensity, morphology *roi, s *scan, whole bool) {
	if !r.Diagnostics {
		return
	}
	for a, axis := range "xyz" {
		r.note("int_mask_dim_"+string(axis)+"_"+stage+"_roi", float64(size[a]))
	}
	for a, axis := range "xyz" {
		r.note("int_mask_bb_dim_"+string(axis)+"_"+stage+"_roi", float64(intensity.Size()[a]))
	}
	for a, axis := range "xyz" {
		r.note("morph_mask_bb_dim_"+string(axis)+"_"+stage+"_roi", float64(morphology.Size()[a]))
	}
	r.note("int_mask_vox_count_"+stage+"_roi", float64(intensity.count))
	r.note("morph_mask_vox_count_"+stage+"_roi", float64(morphology.count))
	x := intensity.pick(s.take(intensity.Box))
	round(x, whole)
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range x {
		low, high = min(low, v), max(high, v)
	}
	r.note("int_mask_mean_int_"+stage+"_roi", pairwise(x, func(v float64) float64 { return v })/float64(len(x)))
	r.note("int_mask_min_int_"+stage+"_roi", low)
	r.note("int_mask_max_int_"+stage+"_roi", high)
}

func (r *standardRegion) note(name string, value float64) {
	r.diagnose = append(r.diagnose, Feature{name, value})
}

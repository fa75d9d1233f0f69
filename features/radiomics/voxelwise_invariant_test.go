package radiomics_test

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics"
)

// A voxel-based map has at each voxel what extraction from the cube around it says, where the bins are those of the region, and the
// value of initValue where the region ends around a voxel.
func TestVoxelwise(t *testing.T) {
	v, m := ball(13)
	for i := range m.Labels {
		if m.Labels[i] == 2 {
			m.Labels[i] = 0
		}
	}
	lonely := v.Index(1, 1, 1)
	m.Labels[lonely] = 1
	p := radiomics.DefaultParams()
	p.InitValue = -1
	in := image.Reading{Volume: v, Whole: v.Grid, Region: v.Box()}
	for _, feature := range []string{"original_firstorder_Variance", "original_glcm_JointEnergy", "original_glrlm_RunEntropy", "original_glszm_ZonePercentage",
		"original_gldm_DependenceEntropy", "original_ngtdm_Coarseness"} {
		f, err := radiomics.Voxelwise(in, m, 1, p, feature)
		if err != nil {
			t.Fatal(err)
		}
		on, err := f.On(v.Grid)
		if err != nil {
			t.Fatal(err)
		}
		if on.Values[lonely] != -1 {
			t.Errorf("%s: a voxel alone has %v", feature, on.Values[lonely])
		}
		for _, at := range [][3]int{{6, 6, 6}, {4, 5, 6}, {6, 3, 5}} {
			cube := &image.Mask{Grid: m.Grid, Labels: make([]uint16, len(m.Labels))}
			for k := at[2] - 1; k <= at[2]+1; k++ {
				for j := at[1] - 1; j <= at[1]+1; j++ {
					for i := at[0] - 1; i <= at[0]+1; i++ {
						cube.Labels[m.Index(i, j, k)] = m.Labels[m.Index(i, j, k)]
					}
				}
			}
			features, err := radiomics.Extract(v, cube, 1, p)
			if err != nil {
				t.Fatal(err)
			}
			// Levels of the cube start at its own minimum, so that only features that do not depend on where they start are compared.
			if want := byName(features)[feature]; math.Abs(on.Values[v.Index(at[0], at[1], at[2])]-want) > 1e-9*math.Abs(want) {
				t.Errorf("%s at %v: %v, want %v", feature, at, on.Values[v.Index(at[0], at[1], at[2])], want)
			}
		}
	}
	if _, err := radiomics.Voxelwise(in, m, 1, p, "original_shape_Sphericity"); err == nil {
		t.Error("a map of shape")
	}
	p.MaskedKernel = false
	f, err := radiomics.Voxelwise(in, m, 1, p, "original_firstorder_Mean")
	if err != nil {
		t.Fatal(err)
	}
	on, err := f.On(v.Grid)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for k := range 3 {
		for j := range 3 {
			for i := range 3 {
				sum += v.Values[v.Index(i, j, k)]
			}
		}
	}
	if math.Abs(on.Values[lonely]-sum/27) > 1e-9 {
		t.Errorf("without a mask the kernel of (1, 1, 1) has the mean %v, want %v", on.Values[lonely], sum/27)
	}
}

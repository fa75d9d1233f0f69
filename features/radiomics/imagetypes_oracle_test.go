package radiomics_test

import (
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/radiomics"
)

// Values: pywt.swtn of PyWavelets (Debian 12's python3-pywt) of the breast MR, padded as PyRadiomics pads it, means in the mask; db20, db38 and
// coif5 are longer than the image is thick. Bands LLL, LLH, HLL, HHH; of db2 also LLL and HLL of the second level.
func TestWaveletsOracle(t *testing.T) {
	v, m := testCase(t, "breast1")
	check := oracle.Relative(t, "means of wavelet bands", "breast1", "PyWavelets", 1e-9)
	for name, want := range map[string][]float64{
		"haar":    {326.7377257375071, 36.69043577905023, 4.578887268382819, -0.07417203998460285},
		"db2":     {357.36433572227116, 12.336488531839423, 10.056178537642511, 0.05607375884724707},
		"db20":    {164.00744695083847, 0.08179233233726352, 0.1897703716856761, 0.0066399760330220214},
		"db38":    {176.19781457209822, -2.226915030015762, 0.06902288467715124, 0.0015240094028540418},
		"coif5":   {177.85845377834545, 0.0646242953211571, 0.5860858566925451, 0.009428047587326713},
		"dmey":    {365.0289254394459, 7.156986566108918, 0.41003752863939963, 0.012105817812295368},
		"bior6.8": {368.2008127746039, 5.512190505403181, -1.0278927310491273, 0.018827123517979702},
		"rbio3.1": {306.14725838761456, -82.25262016567547, -9.659053906994911, 0.9939053357936823},
		"sym20":   {366.3553668099863, -4.626630896699683, 0.3788782351161711, -0.013981479038797647},
	} {
		level := map[bool]string{true: ", level: 2", false: ""}[name == "db2"]
		p, err := radiomics.ParseParams("p.yaml", []byte("imageType: {Wavelet: {wavelet: "+name+level+"}}\nfeatureClass: {firstorder: [Mean]}"))
		if err != nil {
			t.Fatal(err)
		}
		features, err := radiomics.Extract(v, m, 1, p)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, f := range features {
			got[f.Name] = f.Value
		}
		bands := []string{"wavelet-LLL", "wavelet-LLH", "wavelet-HLL", "wavelet-HHH"}
		if name == "db2" {
			bands = []string{"wavelet2-LLL", "wavelet2-HLL", "wavelet-LLH", "wavelet-HLL", "wavelet-HHH"}
			want = append([]float64{955.28824145148, 27.02715838083724}, want[1:]...)
		}
		for k, band := range bands {
			x, ok := got[band+"_firstorder_Mean"]
			if !ok {
				t.Fatalf("%s: no band %s among %v", name, band, got)
			}
			check.Near(name+" "+band, x, want[k])
		}
	}
}

// Values: skimage.feature.local_binary_pattern (Debian 12's python3-skimage) of each slice of the breast MR, cut to whole numbers as
// PyRadiomics does, means in the mask.
func TestBinaryPatternsOracle(t *testing.T) {
	v, m := testCase(t, "breast1")
	check := oracle.Relative(t, "means of local binary patterns", "breast1", "scikit-image", 1e-9)
	for keys, want := range map[string]float64{
		"lbp2DRadius: 1, lbp2DSamples: 8, lbp2DMethod: uniform":  3.4895104895104896,
		"lbp2DRadius: 1, lbp2DSamples: 9, lbp2DMethod: uniform":  3.6713286713286712,
		"lbp2DRadius: 2, lbp2DSamples: 16, lbp2DMethod: uniform": 5.538461538461538,
		"lbp2DRadius: 1.5, lbp2DSamples: 12, lbp2DMethod: ror":   33.63636363636363,
		"lbp2DRadius: 3, lbp2DSamples: 24, lbp2DMethod: default": 874.8181818181819, // beyond the 16 bits of the image, which PyRadiomics writes into
		"lbp2DRadius: 2, lbp2DSamples: 9, lbp2DMethod: var":      647.5874125874126,
	} {
		p, err := radiomics.ParseParams("p.yaml", []byte("imageType: {LBP2D: {"+keys+", binWidth: 1}}\nfeatureClass: {firstorder: [Mean]}"))
		if err != nil {
			t.Fatal(err)
		}
		f, err := radiomics.Extract(v, m, 1, p)
		if err != nil || len(f) != 1 {
			t.Fatalf("%s: %v (%v)", keys, f, err)
		}
		check.Near(keys, f[0].Value, want)
	}
}

// Values: getLBP3DImage of PyRadiomics written out with scipy.ndimage.map_coordinates and scipy.special.sph_harm (SciPy 1.10.1) on images of one
// and two slices, where the spline is mirrored at both ends at once: means and mean squares over all voxels of the two levels and the kurtosis.
func TestThinSphericalPatternsOracle(t *testing.T) {
	check := oracle.Relative(t, "local binary patterns on a sphere, thin images", "made up", "SciPy", 1e-9)
	p := parsed(t, "{imageType: {LBP3D: {}}, featureClass: {firstorder: [Mean, RootMeanSquared]}}")
	for _, test := range []struct {
		size          [3]int
		mean, squares [3]float64
	}{
		{[3]int{6, 5, 2}, [3]float64{7.151330624869133, 7.9387622143654735, 0.9357110866228202}, [3]float64{108.60364371663069, 111.72294751813935, 4.597678860981812}},
		{[3]int{5, 4, 1}, [3]float64{4.46098629123447, 4.0976090103897285, 10.531193407360675}, [3]float64{73.42049595422668, 54.42873817981656, 155.50804868987828}},
		{[3]int{3, 2, 2}, [3]float64{4.211721161281101, 4.927810400159412, 1.877150427248729}, [3]float64{50.5339403416159, 55.19503687336431, 5.558212197331866}},
	} {
		g := image.Grid{Size: test.size, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
		v := &image.Volume{Grid: g, Integer: true}
		m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
		for o := range m.Labels {
			x, y, z := o%g.Size[0], o/g.Size[0]%g.Size[1], o/g.Size[0]/g.Size[1]
			v.Values = append(v.Values, float64((3*x+5*y+7*z)*(x+2*y+1)%23*9-40))
			m.Labels[o] = 1
		}
		f, err := radiomics.Extract(v, m, 1, p)
		if err != nil {
			t.Fatal(err)
		}
		got := byName(f)
		for i, name := range []string{"lbp-3D-m1", "lbp-3D-m2", "lbp-3D-k"} {
			rms := got[name+"_firstorder_RootMeanSquared"]
			check.Near(name+" mean", got[name+"_firstorder_Mean"], test.mean[i])
			check.Near(name+" mean square", rms*rms, test.squares[i])
		}
	}
}

// Values: skimage.feature.local_binary_pattern (0.19.3) of each slice, written into an array of the image's own type as getLBP2DImage of
// PyRadiomics does, where numbers beyond the type begin again at its other end: mean and mean square over all voxels.
func TestWrappedPatternsOracle(t *testing.T) {
	check := oracle.Relative(t, "local binary patterns beyond the image's type", "made up", "scikit-image and NumPy", 1e-9)
	g := image.Grid{Size: [3]int{7, 6, 3}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for o := range m.Labels {
		m.Labels[o] = 1
	}
	for _, test := range []struct {
		name          string
		limits        [2]float64
		shift         float64
		set           string
		mean, squares float64
	}{
		{"uint8, default", [2]float64{0, 255}, 0, "lbp2DSamples: 16, lbp2DRadius: 2, lbp2DMethod: default", 79.33333333333333, 16091.63492063492},
		{"uint8, var", [2]float64{0, 255}, 0, "lbp2DMethod: var", 125.7063492063492, 21352.76984126984},
		{"int16, default", [2]float64{-32768, 32767}, -100, "lbp2DSamples: 16, lbp2DRadius: 2, lbp2DMethod: default", -324.91269841269843, 125046113.29365079},
		{"int16, var", [2]float64{-32768, 32767}, -100, "lbp2DMethod: var", 1592.8492063492063, 3369321.3571428573},
		{"int8, var", [2]float64{-128, 127}, -100, "lbp2DMethod: var", -12.23015873015873, 5196.912698412699},
	} {
		v := &image.Volume{Grid: g, Integer: true, Limits: test.limits}
		for o := range m.Labels {
			x, y, z := o%g.Size[0], o/g.Size[0]%g.Size[1], o/g.Size[0]/g.Size[1]
			v.Values = append(v.Values, float64((3*x+5*y+7*z)*(x+2*y+1)%23*9)+test.shift)
		}
		f, err := radiomics.Extract(v, m, 1, parsed(t, "{imageType: {LBP2D: {"+test.set+"}}, featureClass: {firstorder: [Mean, RootMeanSquared]}}"))
		if err != nil {
			t.Fatal(err)
		}
		got := byName(f)
		rms := got["lbp-2D_firstorder_RootMeanSquared"]
		check.Near(test.name+" mean", got["lbp-2D_firstorder_Mean"], test.mean)
		check.Near(test.name+" mean square", rms*rms, test.squares)
	}
}

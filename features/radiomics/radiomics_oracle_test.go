package radiomics_test

import (
	"encoding/csv"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/radiomics"
)

// pyradiomics is the reference of this package's oracle tests: the baselines and test cases of github AIM-Harvard/pyradiomics
// (BSD-3-Clause), recomputed at commit 8ed5793 with ITK 5.2.1.
const pyradiomics = "PyRadiomics 8ed5793"

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/radiomics", 9123)) }

// rows reads a table of reference values, without its header.
func rows(t testing.TB, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[1:]
}

// pair opens an image and its mask.
func pair(t testing.TB, imagePath, maskPath string) (*image.Volume, *image.Mask) {
	t.Helper()
	v, err := open.Volume(imagePath)
	if err != nil {
		t.Fatal(err)
	}
	m, err := open.Mask(maskPath)
	if err != nil {
		t.Fatal(err)
	}
	return v, m
}

func testCase(t testing.TB, name string) (*image.Volume, *image.Mask) {
	return pair(t, oracle.Data(t, "pyradiomics", name+"_image.nrrd"), oracle.Data(t, "pyradiomics", name+"_label.nrrd"))
}

func byName(features []radiomics.Feature) map[string]float64 {
	out := map[string]float64{}
	for _, f := range features {
		out[f.Name] = f.Value
	}
	return out
}

// Every baseline of PyRadiomics, in all eight configurations.
func TestBaselineOracle(t *testing.T) {
	baseline := rows(t, oracle.Data(t, "pyradiomics", "baseline.csv"))
	for _, name := range []string{"brain1", "breast1"} {
		v, m := testCase(t, name)
		for _, configuration := range []string{"default", "2d", "FBN", "combined", "flatRegion", "normalization", "resampling", "resegmentation"} {
			p, err := radiomics.ReadParams(oracle.Data(t, "pyradiomics", "params", configuration+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			features, err := radiomics.Extract(v, m, 1, p)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, configuration, err)
			}
			got := byName(features)
			checks := map[string]*oracle.Check{}
			for _, r := range baseline {
				if r[0] != name || r[1] != configuration {
					continue
				}
				c := checks[r[2]]
				if c == nil {
					c = oracle.Relative(t, r[2], name+", "+configuration, pyradiomics, 1e-6)
					c.AbsoluteBelow, c.AbsoluteTolerance = 1e-3, 1e-9
					checks[r[2]] = c
				}
				want, err := strconv.ParseFloat(r[4], 64)
				if err != nil {
					t.Fatal(err)
				}
				value, ok := got[r[3]]
				if !ok {
					t.Errorf("%s, %s: no column %s", name, configuration, r[3])
				}
				c.Near(r[3], value, want)
				delete(got, r[3])
			}
			for extra := range got {
				t.Errorf("%s, %s: column %s is not in the baseline", name, configuration, extra)
			}
		}
	}
}

// Every feature of the filtered images, with PyRadiomics' defaults otherwise. LoG and gradient are of single precision, and a voxel on
// the border of two grey levels can fall either way.
func TestFiltersOracle(t *testing.T) {
	table := rows(t, oracle.Data(t, "pyradiomics", "filters.csv"))
	for _, name := range []string{"brain1", "breast1"} {
		v, m := testCase(t, name)
		got := map[string]float64{}
		for _, text := range []string{
			"imageType: {LoG: {sigma: [1.0, 2.0, 3.0, 4.0, 5.0]}, Wavelet: {}, Square: {}, SquareRoot: {}, Logarithm: {}, Exponential: {}, Gradient: {}}\nsetting: {minimumROIDimensions: 1}",
			"imageType: {LBP2D: {}}\nsetting: {minimumROIDimensions: 1, force2D: true}",
		} {
			p, err := radiomics.ParseParams("filters.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			features, err := radiomics.Extract(v, m, 1, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range features {
				got[f.Name] = f.Value
			}
		}
		checks := map[string]*oracle.Check{}
		for _, r := range table {
			if r[0] != name {
				continue
			}
			parts := strings.Split(r[1], "_")
			quantity, tolerance := parts[0], 1e-6
			if strings.HasPrefix(quantity, "log-sigma") || quantity == "gradient" {
				if tolerance = 1e-3; parts[1] == "firstorder" {
					tolerance = 1e-5
				}
				quantity += map[bool]string{true: ", first order", false: ", texture"}[parts[1] == "firstorder"]
			}
			c := checks[quantity]
			if c == nil {
				c = oracle.Relative(t, quantity, name, pyradiomics, tolerance)
				c.AbsoluteBelow, c.AbsoluteTolerance = 1e-3, 1e-9
				checks[quantity] = c
			}
			want, err := strconv.ParseFloat(r[2], 64)
			if err != nil {
				t.Fatal(err)
			}
			value, ok := got[r[1]]
			if !ok {
				t.Errorf("%s: no column %s", name, r[1])
			}
			c.Near(r[1], value, want)
		}
	}
}

// Local binary patterns on a sphere. Values: the formulas of PyRadiomics' getLBP3DImage evaluated with NumPy 1.24 and SciPy 1.10
// (map_coordinates, sph_harm, kurtosis) on an icosphere made as trimesh makes it; mean, population variance and maximum in the region.
func TestSphericalPatternsOracle(t *testing.T) {
	for name, want := range map[string][]float64{
		"brain1": {8.495994799685988, 23.50159362357167, 21.660280258017085, 10.500591663020836, 30.421352841228735, 19.594452029932764,
			9.264794531795472, 30.965762584060798, 22.608900368961983, -0.7651832430681181, 0.26429515457770963, 3.2212504764810053},
		"breast1": {8.644637325752077, 4.880265691793229, 15.471628755726494, 11.309950479312011, 11.524963091634598, 17.62777964026475,
			9.779964370292225, 11.777379055920804, 14.804685628552965, -0.9389514021617279, 0.15507277123839208, 0.5311637122479955},
	} {
		v, m := testCase(t, name)
		p, err := radiomics.ParseParams("lbp.yaml", []byte("imageType: {LBP3D: {lbp3DLevels: 3}}\nfeatureClass: {firstorder: [Mean, Variance, Maximum]}"))
		if err != nil {
			t.Fatal(err)
		}
		features, err := radiomics.Extract(v, m, 1, p)
		if err != nil {
			t.Fatal(err)
		}
		c := oracle.Relative(t, "lbp-3D", name, "SciPy 1.10", 1e-9)
		for i, f := range features {
			c.Near(f.Name, f.Value, want[i])
		}
	}
}

// Settings that no baseline has: the formulas of PyRadiomics' documentation, evaluated pair by pair with NumPy 1.24 on breast1.
func TestSettingsOracle(t *testing.T) {
	v, m := testCase(t, "breast1")
	got := map[string]map[string]float64{}
	checks := map[string]*oracle.Check{}
	for _, want := range []struct {
		settings, feature string
		value             float64
	}{
		{"distances: [1, 2]", "original_glcm_Correlation", 0.04561848074874392},
		{"distances: [1, 2]", "original_glcm_ClusterShade", -0.027861136805521033},
		{"distances: [1, 2]", "original_glcm_JointEntropy", 2.5082960613518424},
		{"distances: [1, 2]", "original_glcm_Imc1", -0.10658995635663851},
		{"distances: [1, 2]", "original_glcm_Imc2", 0.42974061815223213},
		{"distances: [1, 2]", "original_glcm_MCC", 0.3372666149361988},
		{"distances: [1, 2]", "original_glcm_Idn", 0.8547558881031773},
		{"distances: [1, 2]", "original_glcm_InverseVariance", 0.4894940657973938},
		{"distances: [1, 2]", "original_glcm_JointAverage", 1.8995973107883508},
		{"distances: [1, 2]", "original_glcm_SumAverage", 3.7991946215767016},
		{"distances: [1, 2]", "original_glcm_SumSquares", 0.39989421343490866},
		{"distances: [2], symmetricalGLCM: false", "original_glcm_Correlation", 0.021823303002611864},
		{"distances: [2], symmetricalGLCM: false", "original_glcm_ClusterShade", -0.030819280172898585},
		{"distances: [2], symmetricalGLCM: false", "original_glcm_JointEntropy", 2.3214043803073787},
		{"distances: [2], symmetricalGLCM: false", "original_glcm_Imc1", -0.13559561260920203},
		{"distances: [2], symmetricalGLCM: false", "original_glcm_Imc2", 0.4915506292748675},
		{"distances: [2], symmetricalGLCM: false", "original_glcm_MCC", 0.4070974656558181},
		{"distances: [2], symmetricalGLCM: false", "original_glcm_Idn", 0.8527779821138521},
		{"distances: [2], symmetricalGLCM: false", "original_glcm_InverseVariance", 0.49105241156380985},
		{"distances: [2], symmetricalGLCM: false", "original_glcm_JointAverage", 1.9048454911349098},
		{"distances: [2], symmetricalGLCM: false", "original_glcm_SumAverage", 3.767918850248293},
		{"distances: [2], symmetricalGLCM: false", "original_glcm_SumSquares", 0.3613052459794716},
		{"weightingNorm: euclidean", "original_glcm_Correlation", 0.519495794028247},
		{"weightingNorm: euclidean", "original_glcm_ClusterShade", 0.38976977688718617},
		{"weightingNorm: euclidean", "original_glcm_JointEntropy", 2.7283243375229103},
		{"weightingNorm: euclidean", "original_glcm_Imc1", -0.16007489219437632},
		{"weightingNorm: euclidean", "original_glcm_Imc2", 0.6147752722560845},
		{"weightingNorm: euclidean", "original_glcm_MCC", 0.5230165202292832},
		{"weightingNorm: euclidean", "original_glcm_Idn", 0.900704509716694},
		{"weightingNorm: euclidean", "original_glcm_InverseVariance", 0.35532422208211445},
		{"weightingNorm: euclidean", "original_glcm_JointAverage", 1.8671873217276387},
		{"weightingNorm: euclidean", "original_glcm_SumAverage", 3.7343746434552774},
		{"weightingNorm: euclidean", "original_glcm_SumSquares", 0.49073006394665275},
		{"weightingNorm: manhattan, symmetricalGLCM: false", "original_glcm_Correlation", 0.544051893424544},
		{"weightingNorm: manhattan, symmetricalGLCM: false", "original_glcm_ClusterShade", 0.4264744197266045},
		{"weightingNorm: manhattan, symmetricalGLCM: false", "original_glcm_JointEntropy", 2.6889016618688606},
		{"weightingNorm: manhattan, symmetricalGLCM: false", "original_glcm_Imc1", -0.18049809756213317},
		{"weightingNorm: manhattan, symmetricalGLCM: false", "original_glcm_Imc2", 0.6432830492271384},
		{"weightingNorm: manhattan, symmetricalGLCM: false", "original_glcm_MCC", 0.5524337092706684},
		{"weightingNorm: manhattan, symmetricalGLCM: false", "original_glcm_Idn", 0.9036731693534773},
		{"weightingNorm: manhattan, symmetricalGLCM: false", "original_glcm_InverseVariance", 0.3524760187723641},
		{"weightingNorm: manhattan, symmetricalGLCM: false", "original_glcm_JointAverage", 1.8613337164378043},
		{"weightingNorm: manhattan, symmetricalGLCM: false", "original_glcm_SumAverage", 3.7242659391772275},
		{"weightingNorm: manhattan, symmetricalGLCM: false", "original_glcm_SumSquares", 0.48508332220902906},
		{"force2D: true, force2Ddimension: 1, weightingNorm: infinity", "original_glcm_Correlation", 0.48903570297085525},
		{"force2D: true, force2Ddimension: 1, weightingNorm: infinity", "original_glcm_ClusterShade", 0.4245310649233134},
		{"force2D: true, force2Ddimension: 1, weightingNorm: infinity", "original_glcm_JointEntropy", 2.774327305369894},
		{"force2D: true, force2Ddimension: 1, weightingNorm: infinity", "original_glcm_Imc1", -0.14029222176306821},
		{"force2D: true, force2Ddimension: 1, weightingNorm: infinity", "original_glcm_Imc2", 0.5848233138907899},
		{"force2D: true, force2Ddimension: 1, weightingNorm: infinity", "original_glcm_MCC", 0.4991577726130326},
		{"force2D: true, force2Ddimension: 1, weightingNorm: infinity", "original_glcm_Idn", 0.8944819158547721},
		{"force2D: true, force2Ddimension: 1, weightingNorm: infinity", "original_glcm_InverseVariance", 0.37242485062975306},
		{"force2D: true, force2Ddimension: 1, weightingNorm: infinity", "original_glcm_JointAverage", 1.871289951739919},
		{"force2D: true, force2Ddimension: 1, weightingNorm: infinity", "original_glcm_SumAverage", 3.742579903479838},
		{"force2D: true, force2Ddimension: 1, weightingNorm: infinity", "original_glcm_SumSquares", 0.49938375028804377},
		{"gldm_a: 2, distances: [1, 2]", "original_gldm_DependenceEntropy", 5.741800229075489},
		{"gldm_a: 2, distances: [1, 2]", "original_gldm_DependenceNonUniformity", 5.363636363636363},
		{"gldm_a: 2, distances: [1, 2]", "original_gldm_LargeDependenceHighGrayLevelEmphasis", 7327.426573426574},
		{"force2D: true, force2Ddimension: 2, gldm_a: 1", "original_gldm_DependenceEntropy", 3.31101395515888},
		{"force2D: true, force2Ddimension: 2, gldm_a: 1", "original_gldm_DependenceNonUniformity", 32.21678321678322},
		{"force2D: true, force2Ddimension: 2, gldm_a: 1", "original_gldm_LargeDependenceHighGrayLevelEmphasis", 133.76923076923077},
		{"distances: [2]", "original_ngtdm_Busyness", 9.72486910556487},
		{"distances: [2]", "original_ngtdm_Coarseness", 0.046533443345851064},
		{"distances: [2]", "original_ngtdm_Complexity", 1.3838149313589552},
		{"distances: [2]", "original_ngtdm_Contrast", 0.07394866192308033},
		{"distances: [2]", "original_ngtdm_Strength", 0.10762324036461697},
		{"force2D: true, force2Ddimension: 1, distances: [1, 3]", "original_ngtdm_Busyness", 10.806043824319138},
		{"force2D: true, force2Ddimension: 1, distances: [1, 3]", "original_ngtdm_Coarseness", 0.041877643004851785},
		{"force2D: true, force2Ddimension: 1, distances: [1, 3]", "original_ngtdm_Complexity", 1.4321421906150473},
		{"force2D: true, force2Ddimension: 1, distances: [1, 3]", "original_ngtdm_Contrast", 0.07769474463111405},
		{"force2D: true, force2Ddimension: 1, distances: [1, 3]", "original_ngtdm_Strength", 0.10243414344916106},
		{"weightingNorm: euclidean", "original_glrlm_RunEntropy", 2.3391707368076036},
		{"weightingNorm: euclidean", "original_glrlm_RunPercentage", 0.7904097448202536},
		{"weightingNorm: euclidean", "original_glrlm_RunLengthNonUniformity", 1715.728704450693},
		{"weightingNorm: euclidean", "original_glrlm_LongRunLowGrayLevelEmphasis", 0.9427566978018967},
		{"weightingNorm: infinity, distances: [2]", "original_glrlm_RunEntropy", 2.32686405379179},
		{"weightingNorm: infinity, distances: [2]", "original_glrlm_RunPercentage", 0.7935365111854267},
		{"weightingNorm: infinity, distances: [2]", "original_glrlm_RunLengthNonUniformity", 1599.457600458282},
		{"weightingNorm: infinity, distances: [2]", "original_glrlm_LongRunLowGrayLevelEmphasis", 0.9313141590745052},
		{"force2D: true, force2Ddimension: 2", "original_glrlm_RunEntropy", 2.443025147222709},
		{"force2D: true, force2Ddimension: 2", "original_glrlm_RunPercentage", 0.7272727272727273},
		{"force2D: true, force2Ddimension: 2", "original_glrlm_RunLengthNonUniformity", 64.04978977116073},
		{"force2D: true, force2Ddimension: 2", "original_glrlm_LongRunLowGrayLevelEmphasis", 1.609998937367889},
	} {
		if got[want.settings] == nil {
			p, err := radiomics.ParseParams("settings.yaml", []byte("setting: {"+want.settings+"}"))
			if err != nil {
				t.Fatal(err)
			}
			features, err := radiomics.Extract(v, m, 1, p)
			if err != nil {
				t.Fatal(err)
			}
			got[want.settings] = byName(features)
			checks[want.settings] = oracle.Relative(t, "texture", "breast1, "+want.settings, "NumPy 1.24, PyRadiomics' formulas", 1e-9)
		}
		checks[want.settings].Near(want.feature, got[want.settings][want.feature], want.value)
	}
}

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

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/radiomics", 7585)) }

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

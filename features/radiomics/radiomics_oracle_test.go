package radiomics_test

import (
	"encoding/csv"
	"os"
	"strconv"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/radiomics"
)

// pyradiomics is the reference of this package's oracle tests: the baselines and test cases of github AIM-Harvard/pyradiomics
// (BSD-3-Clause), recomputed at commit 8ed5793 with ITK 5.2.1.
const pyradiomics = "PyRadiomics 8ed5793"

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/radiomics", 1330)) }

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

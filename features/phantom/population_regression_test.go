package phantom

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/work"
)

var update = flag.Bool("update", false, "write population.csv again, from 4,000 patients")

// Correlations that follow from the construction alone. The variance is (20+4u)², and for u uniform on ±√3 the variance of u² is 4/5.
var exact = map[string]estimate{
	"original_firstorder_Mean":     {1, 0},
	"original_firstorder_Median":   {1, 0}, // the quantiles are symmetric
	"original_firstorder_Variance": {10 / math.Sqrt(100.8), 0},
	"original_shape_VoxelVolume":   {1, 0},
}

// First-order features that move with the mean, and those that do not move with the spread or with the number of quantiles.
var (
	withBrightness  = []string{"10Percentile", "90Percentile", "Energy", "TotalEnergy", "Maximum", "Mean", "Median", "Minimum", "RootMeanSquared", "Entropy", "Uniformity"}
	withoutContrast = []string{"Mean", "Median", "Kurtosis", "Skewness"}
	withoutSize     = []string{"Mean", "Median", "Variance", "Skewness"}
)

// dependsOn lists the latent variables that a feature is a function of.
func dependsOn(feature string) []Latent {
	parts := strings.Split(feature, "_")
	class, name := parts[1], parts[2]
	switch {
	case name == "VoxelVolume":
		return []Latent{Size}
	case class == "shape":
		return []Latent{Size, Elongation}
	case class != "firstorder":
		return []Latent{Size, Elongation, Brightness, Contrast, Coarseness}
	}
	var out []Latent
	if !slices.Contains(withoutSize, name) {
		out = append(out, Size)
	}
	if slices.Contains(withBrightness, name) {
		out = append(out, Brightness)
	}
	if !slices.Contains(withoutContrast, name) {
		out = append(out, Contrast)
	}
	return out
}

// The embedded correlations of features with latent variables are those of the code as it is now: a small new sample has to agree with
// them within its own error. With -update they are estimated again from a large one.
func TestPopulation(t *testing.T) {
	patients := 150
	if *update {
		patients = 4000
	}
	var out strings.Builder
	w := csv.NewWriter(&out)
	_ = w.Write([]string{"plant", "feature", "size", "elongation", "brightness", "contrast", "coarseness"})
	for _, plant := range []Plant{Additive, Texture} {
		o := Defaults()
		o.Patients, o.Genes, o.Plant, o.Seed = patients, minGenes, plant, 2026
		if !*update {
			o.Seed = 77
		}
		names, values, latent := extractAll(t, o)
		stored := map[string]featureRow{}
		for _, f := range populationOf(plant) {
			stored[f.name] = f
		}
		if !*update && len(stored) != len(names) {
			t.Errorf("%s: the table has %d features and extraction gives %d; run with -update", plant, len(stored), len(names))
		}
		for j, name := range names {
			record := []string{string(plant), name}
			for l := range latents {
				cell := ""
				if slices.Contains(dependsOn(name), l) && !(plant == Texture && l == Coarseness) {
					r := stat.Pearson(values[j], latent[l]).R
					want, isExact := exact[name]
					cell = fmt.Sprintf("%.4f±%.4f", r, max(0.0001, (1-r*r)/math.Sqrt(float64(patients))))
					if isExact {
						cell = strconv.FormatFloat(want.value, 'f', -1, 64)
					} else if !*update {
						want = stored[name].with[l]
					} else {
						want.value = r
					}
					if !agree(r, want.value, patients) {
						t.Errorf("%s: %s and %s: correlation %.4f, want %.4f", plant, name, l, r, want.value)
					}
				} else if r := stat.Pearson(values[j], latent[l]).R; !math.IsNaN(r) && !agree(r, 0, patients) {
					t.Errorf("%s: %s and %s should be independent; correlation %.3f", plant, name, l, r)
				}
				record = append(record, cell)
			}
			_ = w.Write(record)
		}
	}
	w.Flush()
	if *update && !t.Failed() {
		if err := os.WriteFile("population.csv", []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// agree tells whether a sample's correlation fits one in the population, on Fisher's scale at 4.5 standard errors: some thousand
// correlations are compared. Where both are all but 1, that is agreement.
func agree(sample, want float64, patients int) bool {
	if want > 0.9999 {
		return sample > 0.999
	}
	return math.Abs(math.Atanh(sample)-math.Atanh(want)) <= 4.5/math.Sqrt(float64(patients-3))
}

// extractAll computes the features of a cohort: names, values[feature][patient], latent[variable][patient].
func extractAll(t *testing.T, o Options) (names []string, values, latent [][]float64) {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	params, err := radiomics.ParseParams("radiomics.yaml", radiomicsText)
	if err != nil {
		t.Fatal(err)
	}
	items := make([]work.Item, len(c.Patients))
	for i, p := range c.Patients {
		items[i] = work.Item{Name: p.ID, Do: func(context.Context) ([]byte, error) {
			v, m := c.Image(i)
			features, err := radiomics.Extract(v, m, 1, params)
			if err != nil {
				return nil, err
			}
			return json.Marshal(features)
		}}
	}
	results, err := work.Pool{}.Run(context.Background(), items)
	if err == nil {
		err = work.Errors(results)
	}
	if err != nil {
		t.Fatal(err)
	}
	latent = make([][]float64, latents)
	for i, r := range results {
		var features []radiomics.Feature
		if err := json.Unmarshal(r.Bytes, &features); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			for _, f := range features {
				names = append(names, f.Name)
			}
			values = make([][]float64, len(names))
		}
		for j, f := range features {
			values[j] = append(values[j], f.Value)
		}
		for l := range latents {
			latent[l] = append(latent[l], c.Patients[i].Latents[l])
		}
	}
	return names, values, latent
}

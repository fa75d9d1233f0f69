package image_test

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/oracle"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/image", 8)) }

// flat reads a mask of one slice from a table of 0 and 1.
func flat(t *testing.T, name string) *image.Mask {
	t.Helper()
	f, err := os.Open(oracle.Data(t, "tests", "inputs", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows = rows[1:]
	m := &image.Mask{Grid: image.Grid{Size: [3]int{len(rows[0]), len(rows), 1}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}}
	for _, r := range rows {
		for _, c := range r {
			label := uint16(0)
			if c == "1" {
				label = 1
			}
			m.Labels = append(m.Labels, label)
		}
	}
	return m
}

func TestOverlapOracle(t *testing.T) {
	var want struct {
		NA           int     `json:"nA"`
		NB           int     `json:"nB"`
		Intersection int     `json:"intersection"`
		Dice         float64 `json:"dice"`
		Jaccard      float64 `json:"jaccard"`
		Hausdorff    float64 `json:"hausdorff_all_voxels_unit_spacing"`
		H95          float64 `json:"hausdorff95_type7_max_of_directed"`
		AB           float64 `json:"mean_directed_AtoB"`
		BA           float64 `json:"mean_directed_BtoA"`
	}
	b, err := os.ReadFile(oracle.Data(t, "tests", "expected", "masks.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	o, err := image.CompareMasks(flat(t, "mask_a.csv"), flat(t, "mask_b.csv"))
	if err != nil {
		t.Fatal(err)
	}
	check := oracle.Relative(t, "overlap and distance of masks", "two masks of one slice", "R 4.2.2", 1e-10)
	for name, pair := range map[string][2]float64{
		"voxels of A": {float64(o.VoxelsA), float64(want.NA)}, "voxels of B": {float64(o.VoxelsB), float64(want.NB)}, "both": {float64(o.Both), float64(want.Intersection)},
		"Dice": {o.Dice, want.Dice}, "Jaccard": {o.Jaccard, want.Jaccard}, "Hausdorff": {o.Hausdorff, want.Hausdorff}, "95 %": {o.Hausdorff95, want.H95}, "mean A to B": {o.MeanAB, want.AB},
	} {
		check.Near(name, pair[0], pair[1])
	}
}

package leakage

import (
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/models/survival"
)

// sites reports an outcome that differs between sites (χ², or log-rank), because a model can then learn the scanner instead of the tumour.
func sites(in Input) []Finding {
	if in.Site == nil {
		return nil
	}
	names := slices.Compact(slices.Sorted(slices.Values(in.Site)))
	if len(names) < 2 {
		return nil
	}
	if in.Y.Kind == clinical.Survival {
		return in.survivalSites(names)
	}
	n := make([][]float64, len(names))
	for k := range n {
		n[k] = make([]float64, len(in.Y.Classes))
	}
	for i, s := range in.Site {
		k, _ := slices.BinarySearch(names, s)
		n[k][in.Y.Class[i]]++
	}
	var out []Finding
	single := 0
	for _, row := range n {
		sum := 0.0
		for _, v := range row {
			sum += v
		}
		if sum >= pure && slices.Max(row) == sum {
			single++
		}
	}
	if single > 0 {
		out = append(out, Finding{Level: Warning, Check: "site_of_one_class", Text: fmt.Sprintf("%d of %d sites have patients of one class of %s only; what tells sites apart then tells the outcome.", single, len(names), in.Y.Name)})
	}
	if t := stat.PearsonChiSquared(n, false); t.P < chance {
		out = append(out, Finding{Level: Warning, Check: "site_confounded",
			Text: fmt.Sprintf("%s differs between the %d sites (χ² p = %.2g, Cramér's V %.2f). Use leave_one_site_out, or show that the model does not read the site.", in.Y.Name, len(names), t.P, stat.CramerV(n))})
	}
	return out
}

// survivalSites tests whether survival differs between sites.
func (in Input) survivalSites(names []string) []Finding {
	obs, err := survival.Observations(in.Y)
	if err != nil {
		return nil
	}
	of := make([]int, len(in.Site))
	for i, s := range in.Site {
		of[i], _ = slices.BinarySearch(names, s)
	}
	t, err := survival.CompareGroups(survival.Cause(obs, 1), of, 0, nil)
	if err != nil || !(t.P < chance) {
		return nil
	}
	return []Finding{{Level: Warning, Check: "site_confounded",
		Text: fmt.Sprintf("%s differs between the %d sites (log-rank p = %.2g). Use leave_one_site_out, or show that the model does not read the site.", in.Y.Name, len(names), t.P)}}
}

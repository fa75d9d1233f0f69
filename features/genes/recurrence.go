package genes

import (
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/table"
)

// Range is the reference range of a gene.
type Range struct{ Low, High float64 }

// RecurrenceScore computes the 21-gene recurrence score of breast cancer for research (Paik and others 2004, as genefu has it). Each
// gene is brought to 0–15 by a stored reference range, because the range of the patients at hand would make a score depend on them.
// It is not the commercial test, which measures other material with other means.
type RecurrenceScore struct{ Ranges map[string]Range }

// recurrenceGenes are the 16 genes of the score, under their present symbols; the 5 reference genes are for the assay. CTSV was CTSL2,
// MYBL2 and AURKA (STK15) and BIRC5 (survivin) have kept theirs.
var recurrenceGenes = []string{"GRB7", "ERBB2", "ESR1", "PGR", "BCL2", "SCUBE2", "BIRC5", "MKI67", "MYBL2", "CCNB1", "AURKA", "CTSV", "MMP11", "CD68", "GSTM1", "BAG1"}

// formerSymbols are taken where the present one is not there.
var formerSymbols = map[string]string{"CTSV": "CTSL2", "ERBB2": "HER2", "AURKA": "STK15"}

// ReadRecurrenceRanges reads the reference ranges from a table with the columns gene, low and high.
func ReadRecurrenceRanges(path string) (RecurrenceScore, error) {
	t, err := table.Read(path, table.Options{Key: "gene", Columns: []string{"low", "high"}, Kinds: map[string]table.Declaration{"low": {}, "high": {}}})
	if err != nil {
		return RecurrenceScore{}, err
	}
	r := RecurrenceScore{Ranges: map[string]Range{}}
	low, high := t.Values[t.Find("low")], t.Values[t.Find("high")]
	for i, k := range t.Keys {
		if !(high[i] > low[i]) {
			return r, fmt.Errorf("%s: the range of %s, %v to %v, is empty", path, k.Patient, low[i], high[i])
		}
		r.Ranges[k.Patient] = Range{low[i], high[i]}
	}
	var missing []string
	for _, g := range recurrenceGenes {
		if _, ok := r.Ranges[g]; !ok {
			missing = append(missing, g)
		}
	}
	if missing != nil {
		return r, fmt.Errorf("%s: no range of %s", path, some(missing))
	}
	return r, nil
}

// Apply scores each sample by itself, 0 to 100, from log₂ expression. Every gene has to be there; see MissingGenes. A sample in which
// one is missing has the score NaN.
func (r RecurrenceScore) Apply(m *Matrix) ([]float64, error) {
	index := m.Index()
	at := map[string]int{}
	var missing []string
	for _, g := range recurrenceGenes {
		k, ok := index[g]
		if !ok {
			k, ok = index[formerSymbols[g]]
		}
		if !ok {
			missing = append(missing, g)
		}
		at[g] = k
	}
	if missing != nil {
		return nil, fmt.Errorf("recurrence score: %w", &MissingGenes{missing})
	}
	out := make([]float64, len(m.Samples))
	for s := range out {
		x := map[string]float64{}
		for g, k := range at {
			w := r.Ranges[g]
			x[g] = min(max((m.Gene(k)[s]-w.Low)/(w.High-w.Low), 0), 1) * 15
		}
		out[s] = recurrence(x)
	}
	return out, nil
}

func recurrence(x map[string]float64) float64 {
	grb7 := max(0.9*x["GRB7"]+0.1*x["ERBB2"], 8)
	er := (0.8*x["ESR1"] + 1.2*x["PGR"] + x["BCL2"] + x["SCUBE2"]) / 4
	proliferation := max((x["BIRC5"]+x["MKI67"]+x["MYBL2"]+x["CCNB1"]+x["AURKA"])/5, 6.5)
	invasion := (x["CTSV"] + x["MMP11"]) / 2
	unscaled := 0.47*grb7 - 0.34*er + 1.04*proliferation + 0.10*invasion + 0.05*x["CD68"] - 0.08*x["GSTM1"] - 0.07*x["BAG1"]
	if math.IsNaN(unscaled) {
		return math.NaN()
	}
	return min(max(20*(unscaled-6.7), 0), 100)
}

// RecurrenceGenes returns the genes that the score needs.
func RecurrenceGenes() []string { return slices.Clone(recurrenceGenes) }

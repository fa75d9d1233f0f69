package genes

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"

	"github.com/voxgene/voxgene/features/stat"
)

// GSVAScore is how a running sum becomes a score.
type GSVAScore string

// The scores of GSVA (Hänzelmann, Castelo and Guinney 2013).
const (
	MaxDiff GSVAScore = "max_diff" // largest rise plus largest fall: GSVA's default
	KSMax   GSVAScore = "ks_max"   // the larger deviation
	AbsRank GSVAScore = "abs_rank" // largest rise less largest fall
)

// GSVAOptions say how GSVA is fitted.
type GSVAOptions struct {
	Score GSVAScore // empty is MaxDiff
	// Poisson takes counts and a Poisson kernel instead of a Gaussian one.
	Poisson bool
	// Grid, when above 1, keeps for each gene that many quantiles of the fitted samples instead of the samples, so that no patient
	// is stored. Scores are then close to GSVA's and not equal.
	Grid int
}

// GSVA scores gene sets by how high their genes stand in a sample, each gene judged by its distribution among the fitted samples.
type GSVA struct {
	Genes     []string // genes that vary
	Reference [][]float64
	Width     []float64 // bandwidth of each gene's kernel
	Options   GSVAOptions
}

// FitGSVA fits the distribution of each gene. Genes that do not vary are left out.
func FitGSVA(m *Matrix, o GSVAOptions) (*GSVA, error) {
	if len(m.Samples) < 2 {
		return nil, errors.New("GSVA wants two samples at least")
	}
	switch o.Score {
	case "":
		o.Score = MaxDiff
	case MaxDiff, KSMax, AbsRank:
	default:
		return nil, fmt.Errorf("no score of GSVA is named %q; there are max_diff, ks_max, abs_rank", o.Score)
	}
	f := &GSVA{Options: o}
	for g, name := range m.Genes {
		x := m.Gene(g)
		if slices.ContainsFunc(x, math.IsNaN) {
			return nil, fmt.Errorf("gene %s has missing values; impute them before", name)
		}
		sd := math.Sqrt(stat.Variance(x))
		if !(sd > 1e-10) {
			continue
		}
		if o.Grid > 1 {
			sorted := slices.Sorted(slices.Values(x))
			x = make([]float64, o.Grid)
			for i := range x {
				x[i] = stat.Quantile(sorted, (float64(i)+0.5)/float64(o.Grid))
			}
		}
		f.Genes = append(f.Genes, name)
		f.Reference = append(f.Reference, slices.Clone(x))
		f.Width = append(f.Width, sd/4)
	}
	if f.Genes == nil {
		return nil, errors.New("no gene varies")
	}
	return f, nil
}

// Apply scores sets in each sample by itself. The matrix has to have the fitted genes, in any order and with others between.
func (f *GSVA) Apply(m *Matrix, sets []Set) (Scores, error) {
	index := m.Index()
	at := make([]int, len(f.Genes))
	for k, name := range f.Genes {
		g, ok := index[name]
		if !ok {
			return Scores{}, fmt.Errorf("gene %s was fitted and is not there", name)
		}
		at[k] = g
	}
	own := &Matrix{Genes: f.Genes, Samples: m.Samples}
	out, members, err := newScores(own, sets)
	if err != nil {
		return out, err
	}
	n := len(f.Genes)
	in := make([][]bool, len(members))
	for k, set := range members {
		in[k] = make([]bool, n)
		for _, g := range set {
			in[k][g] = true
		}
	}
	density := make([]float64, n)
	for s := range m.Samples {
		for k, g := range at {
			v := m.Gene(g)[s]
			if v != v {
				return out, fmt.Errorf("gene %s, sample %s: the value is missing; impute it before", f.Genes[k], m.Samples[s])
			}
			density[k] = f.logOdds(k, v)
		}
		order := decreasing(density)
		for k := range members {
			out.Values[k][s] = f.walk(order, in[k], len(members[k]))
		}
	}
	return out, nil
}

// logOdds is the log odds that another sample of the fitted ones is lower.
func (f *GSVA) logOdds(g int, v float64) float64 {
	sum := 0.0
	for _, r := range f.Reference[g] {
		if f.Options.Poisson {
			sum += mathext.GammaIncRegComp(math.Floor(v)+1, r+0.5) // P(X ≤ v) with mean r + ½
		} else {
			sum += 0.5 * math.Erfc(-(v-r)/f.Width[g]/math.Sqrt2)
		}
	}
	p := sum / float64(len(f.Reference[g]))
	return -math.Log((1 - p) / p)
}

// walk runs down the genes and scores how early those of a set come, weighted by the distance of their rank from the middle.
func (f *GSVA) walk(order []int, in []bool, size int) float64 {
	n := len(order)
	total := 0.0
	for i, g := range order {
		if in[g] {
			total += math.Abs(float64(n-i) - float64(n)/2)
		}
	}
	miss := 1 / float64(n-size)
	sum, up, down := 0.0, 0.0, 0.0
	for i, g := range order {
		if in[g] {
			sum += math.Abs(float64(n-i)-float64(n)/2) / total
		} else {
			sum -= miss
		}
		up, down = max(up, sum), min(down, sum)
	}
	switch f.Options.Score {
	case KSMax:
		if up > -down {
			return up
		}
		return down
	case AbsRank:
		return up - down
	}
	return up + down
}

// Validate returns an error when the parts of a GSVA that was stored do not fit each other.
func (f *GSVA) Validate() error {
	if len(f.Genes) == 0 || len(f.Reference) != len(f.Genes) || len(f.Width) != len(f.Genes) {
		return errors.New("the parts of GSVA do not fit each other")
	}
	for _, r := range f.Reference {
		if len(r) == 0 {
			return errors.New("a gene of GSVA has no distribution")
		}
	}
	return nil
}

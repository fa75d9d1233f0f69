package association

import (
	"slices"

	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/stat"
)

// Method is how two numeric columns are compared.
type Method string

// The methods of numeric pairs. Kendall takes O(n log n) a pair and is meant for thousands of pairs, not for millions.
const (
	Pearson  Method = "pearson"
	Spearman Method = "spearman"
	Kendall  Method = "kendall"
)

// GroupTest is how a number is compared between categories.
type GroupTest string

// The tests between categories: Mann–Whitney and Kruskal–Wallis, or limma's moderated t and F, which take covariates.
const (
	Ranks     GroupTest = "rank"
	Moderated GroupTest = "moderated"
)

// Config is the association block of an experiment file.
type Config struct {
	X      []string        `yaml:"x"` // one side: groups, sources, outcomes, or patterns of full column names
	Y      []string        `yaml:"y"` // the other side
	Method Method          `yaml:"method"`
	Groups GroupTest       `yaml:"groups"`
	Adjust stat.Adjustment `yaml:"adjust"`
	// Within adjusts over the whole map, or over each block of a source by a source.
	Within string  `yaml:"within"` // map, block
	Level  float64 `yaml:"level"`  // pairs with an adjusted p up to this are found
	// Given are columns whose part in both sides is removed first: age, sex, volume, purity. The map without them is kept beside.
	Given []string `yaml:"given"`
	// Permutations of patients, within site, for family-wise p-values; 0 for none.
	Permutations int `yaml:"permutations"`
	// Bootstrap is the number of resamples of patients by which the stability of the strongest pairs is judged; 0 for none.
	Bootstrap int `yaml:"bootstrap"`
	// Modules clusters each side at this mean |correlation|, and tests module against module; 0 for none.
	Modules float64    `yaml:"modules"`
	Sets    Enrichment `yaml:"sets"`
	// Prenormalised are sources that were normalised over the whole cohort before we saw them. The report says so.
	Prenormalised []string `yaml:"prenormalised"`
	// Keep says which pairs association.parquet holds: all, or those found.
	Keep string `yaml:"keep"`
	// Replicate is the experiment file of a second cohort with columns of the same names, in which what was found is tested again.
	Replicate string `yaml:"replicate"`
}

// Enrichment asks which gene sets each column of x goes with.
type Enrichment struct {
	File         string `yaml:"file"`   // GMT; empty for no enrichment
	Method       string `yaml:"method"` // permute (patients), camera
	Permutations int    `yaml:"permutations"`
	Smallest     int    `yaml:"smallest"` // genes of a set that the cohort has
	Largest      int    `yaml:"largest"`
}

// Defaults is the block that an experiment file without one has.
func Defaults() Config {
	return Config{
		X: []string{"imaging"}, Y: []string{"gene"}, Method: Spearman, Groups: Ranks, Adjust: stat.BenjaminiHochberg, Within: "map", Keep: "all", Level: 0.05,
		Bootstrap: 200, Sets: Enrichment{Method: "permute", Permutations: 100, Smallest: 5, Largest: 500},
	}
}

// Decode reads the block, which may be nil, adding what is wrong with it to p.
func Decode(n *settings.Node, p *settings.Problems) Config {
	c := Defaults()
	if n == nil {
		return c
	}
	settings.Decode(n, &c, p)
	oneOf(n, p, "method", c.Method, Pearson, Spearman, Kendall)
	oneOf(n, p, "groups", c.Groups, Ranks, Moderated)
	oneOf(n, p, "adjust", c.Adjust, stat.Adjustments()...)
	oneOf(n, p, "within", c.Within, "map", "block")
	oneOf(n, p, "keep", c.Keep, "all", "found")
	oneOf(n.Get("sets"), p, "method", c.Sets.Method, "permute", "camera")
	within(n, p, "level", c.Level, 1e-12, 1-1e-12)
	within(n, p, "modules", c.Modules, 0, 1-1e-12)
	within(n, p, "permutations", float64(c.Permutations), 0, 1e6)
	within(n, p, "bootstrap", float64(c.Bootstrap), 0, 1e5)
	within(n.Get("sets"), p, "permutations", float64(c.Sets.Permutations), 10, 1e5)
	within(n.Get("sets"), p, "smallest", float64(c.Sets.Smallest), 1, 1e6)
	return c
}

func oneOf[T ~string](n *settings.Node, p *settings.Problems, key string, value T, known ...T) {
	if !slices.Contains(known, value) {
		p.Add(n.Get(key), "%q is not one of %v", value, known)
	}
}

func within(n *settings.Node, p *settings.Problems, key string, value, low, high float64) {
	if !(value >= low && value <= high) {
		p.Add(n.Get(key), "%v is not between %.3g and %.3g", value, low, high)
	}
}

package association

import (
	"slices"

	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/stat"
)

// Config is the association block of an experiment file.
type Config struct {
	X      []string        `yaml:"x"` // one side: groups, sources, or patterns of full column names
	Y      []string        `yaml:"y"` // the other side
	Method stat.Method     `yaml:"method"`
	Adjust stat.Adjustment `yaml:"adjust"` // over the whole map
	Level  float64         `yaml:"level"`  // pairs with an adjusted p up to this are found
	// Given are columns whose part in both sides is removed first: age, sex, volume, purity.
	Given []string `yaml:"given"`
	// Permutations of patients, within site, for family-wise p-values; 0 for none.
	Permutations int `yaml:"permutations"`
	// Prenormalised are sources that were normalised over the whole cohort before we saw them. The report says so.
	Prenormalised []string `yaml:"prenormalised"`
}

// Defaults is the block that an experiment file without one has.
func Defaults() Config {
	return Config{X: []string{"imaging"}, Y: []string{"gene"}, Method: stat.SpearmanMethod, Adjust: stat.BenjaminiHochberg, Level: 0.05}
}

// Decode reads the block, which may be nil, adding what is wrong with it to p.
func Decode(n *settings.Node, p *settings.Problems) Config {
	c := Defaults()
	if n == nil {
		return c
	}
	settings.Decode(n, &c, p)
	if m := []stat.Method{stat.PearsonMethod, stat.SpearmanMethod}; !slices.Contains(m, c.Method) {
		p.Add(n.Get("method"), "%q is not one of %v", c.Method, m)
	}
	if !slices.Contains(stat.Adjustments(), c.Adjust) {
		p.Add(n.Get("adjust"), "%q is not one of %v", c.Adjust, stat.Adjustments())
	}
	if !(c.Level > 0 && c.Level < 1) {
		p.Add(n.Get("level"), "%v is not between 0 and 1", c.Level)
	}
	if c.Permutations < 0 || c.Permutations > 1_000_000 {
		p.Add(n.Get("permutations"), "%d is not between 0 and 1000000", c.Permutations)
	}
	return c
}

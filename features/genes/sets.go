package genes

import (
	"fmt"
	"slices"
	"strings"
)

// Set is a set of genes.
type Set struct {
	Name  string
	Genes []string // in order of the file, each once
}

// ReadGMT reads gene sets: a line a set, with its name, a description and its genes, separated by tabs. A gene that is there
// twice counts once; a name that is there twice is an error.
func ReadGMT(path string) ([]Set, error) {
	text, err := readAll(path)
	if err != nil {
		return nil, err
	}
	var sets []Set
	seen := map[string]int{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) < 3 {
			return nil, fmt.Errorf("%s, line %d: a set has a name, a description and genes, separated by tabs", path, n)
		}
		if before, ok := seen[f[0]]; ok {
			return nil, fmt.Errorf("%s, line %d: set %s is on line %d already", path, n, f[0], before)
		}
		seen[f[0]] = n
		s := Set{Name: f[0]}
		in := map[string]bool{}
		for _, g := range f[2:] {
			if g = strings.TrimSpace(g); g != "" && !in[g] {
				in[g] = true
				s.Genes = append(s.Genes, g)
			}
		}
		if len(s.Genes) == 0 {
			return nil, fmt.Errorf("%s, line %d: set %s has no gene", path, n, s.Name)
		}
		sets = append(sets, s)
	}
	if len(sets) == 0 {
		return nil, fmt.Errorf("%s: there is no gene set", path)
	}
	return sets, nil
}

// Indices returns the rows of the genes of a set that a matrix has, sorted.
func (s Set) Indices(index map[string]int) []int {
	var at []int
	for _, g := range s.Genes {
		if k, ok := index[g]; ok {
			at = append(at, k)
		}
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// Scores are scores of gene sets: Values[i][s] is that of set i in sample s.
type Scores struct {
	Sets    []string
	Samples []string
	Values  [][]float64
}

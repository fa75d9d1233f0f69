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
// twice counts once; a name that is there twice is an error. A set without a gene stays, empty: see Usable.
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
		if len(f) < 2 || strings.TrimSpace(f[0]) == "" {
			return nil, fmt.Errorf("%s, line %d: a set has a name, a description and genes, separated by tabs", path, n)
		}
		if before, ok := seen[f[0]]; ok {
			return nil, fmt.Errorf("%s, line %d: set %s is on line %d already", path, n, f[0], before)
		}
		seen[f[0]] = n
		s := Set{Name: strings.TrimSpace(f[0])}
		in := map[string]bool{}
		for _, g := range f[2:] {
			if g = strings.TrimSpace(g); g != "" && !in[g] {
				in[g] = true
				s.Genes = append(s.Genes, g)
			}
		}
		sets = append(sets, s)
	}
	if !slices.ContainsFunc(sets, func(s Set) bool { return len(s.Genes) > 0 }) {
		return nil, fmt.Errorf("%s: there is no gene set", path)
	}
	return sets, nil
}

// Usable returns the sets of which at least so many genes are in the index, and not all that it has, and a note on those that are left
// out. It is an error when none is left.
func Usable(sets []Set, index map[string]int, least int) ([]Set, []string, error) {
	var use []Set
	var out []string
	for _, s := range sets {
		if n := len(s.Indices(index)); n >= max(1, least) && n < len(index) {
			use = append(use, s)
		} else {
			out = append(out, s.Name)
		}
	}
	if use == nil {
		return nil, nil, fmt.Errorf("none of the %d gene sets can be scored: fewer than %d of their genes are in the data, or all that it has; are the names of the same kind?", len(sets), max(1, least))
	}
	if out == nil {
		return use, nil, nil
	}
	return use, []string{plural(len(out), "gene set", "gene sets") + " left out, with fewer than " + plural(max(1, least), "gene", "genes") + " in the data, or every one: " + some(out)}, nil
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

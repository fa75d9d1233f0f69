package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// Groups says to which groups a column's contribution is added. Contributions of a group are summed, never averaged, so base and
// groups still add up to the output.
type Groups struct {
	Names []string
	// Parts has, for each column, its groups and shares of its contribution, which sum to one.
	Parts [][]Part
}

// Part is a share of a column's contribution that goes to a group, an index into Names.
type Part struct {
	Group int
	Share float64
}

// families are the classes of features by which PyRadiomics names columns, as in original_glcm_JointEntropy.
var families = []string{"firstorder", "shape", "shape2D", "glcm", "glrlm", "glszm", "gldm", "ngtdm"}

// Family returns the group of a column by radiomics family: source and class, such as t1.glcm, for a column that is named as
// PyRadiomics names them; the source, the group or else the name of any other.
func Family(c table.Column) string {
	name := strings.TrimPrefix(c.Name, c.Source+".")
	for _, token := range strings.Split(name, "_") {
		if slices.Contains(families, token) {
			if c.Source == "" {
				return token
			}
			return c.Source + "." + token
		}
	}
	return Source(c)
}

// Source returns the source of a column, else its group, else its name.
func Source(c table.Column) string {
	switch {
	case c.Source != "":
		return c.Source
	case c.Group != "":
		return c.Group
	}
	return c.Name
}

// Group returns the group of a column, else its source, else its name.
func Group(c table.Column) string {
	if c.Group != "" {
		return c.Group
	}
	return Source(c)
}

// By groups columns by a name that each has: Source, Group or Family. Groups stand in order of first appearance.
func By(columns []table.Column, name func(table.Column) string) Groups {
	g := Groups{Parts: make([][]Part, len(columns))}
	at := map[string]int{}
	for j, c := range columns {
		g.Parts[j] = []Part{{g.place(at, name(c)), 1}}
	}
	return g
}

// place returns the index of a group, which is new where at does not have it.
func (g *Groups) place(at map[string]int, name string) int {
	k, ok := at[name]
	if !ok {
		k = len(g.Names)
		at[name] = k
		g.Names = append(g.Names, name)
	}
	return k
}

// BySets groups the columns of genes by gene sets. The gene of a column is its name after the source. One that several sets have is
// shared among them in equal parts, so that sums hold; columns of no set are grouped by source. It is an error if no column is in
// any set.
func BySets(columns []table.Column, sets []genes.Set) (Groups, error) {
	g := Groups{Parts: make([][]Part, len(columns))}
	at := map[string]int{}
	of := map[string][]int{} // sets of each gene
	for s, set := range sets {
		for _, gene := range set.Genes {
			of[gene] = append(of[gene], s)
		}
	}
	found := false
	for j, c := range columns {
		in := of[strings.TrimPrefix(c.Name, c.Source+".")]
		if len(in) == 0 {
			g.Parts[j] = []Part{{g.place(at, Source(c)), 1}}
			continue
		}
		found = true
		for _, s := range in {
			g.Parts[j] = append(g.Parts[j], Part{g.place(at, sets[s].Name), 1 / float64(len(in))})
		}
	}
	if !found {
		return Groups{}, fmt.Errorf("none of the %d gene sets has any of the model's columns; are names of genes the same in both?", len(sets))
	}
	return g, nil
}

// Sum returns an attribution with a value a group in place of a value a column. Standard errors of a group are the sums of those of
// its columns, an upper bound.
func (g Groups) Sum(a models.Attribution) (models.Attribution, error) {
	if len(a.Values) != len(g.Parts) {
		return a, fmt.Errorf("an attribution of %d columns was grouped as one of %d", len(a.Values), len(g.Parts))
	}
	out := a
	out.Values = g.sum(a.Values)
	if a.Errors != nil {
		out.Errors = g.sum(a.Errors)
	}
	return out, nil
}

func (g Groups) sum(values []float64) []float64 {
	out := make([]float64, len(g.Names))
	for j, v := range values {
		for _, p := range g.Parts[j] {
			out[p.Group] += v * p.Share
		}
	}
	return out
}

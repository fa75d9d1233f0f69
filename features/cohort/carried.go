package cohort

import (
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
)

// carried adds what the file says of a gene's mutations beside that there are any, a column source.gene.column for each gene of which it
// says something. Several mutations of a gene that differ have all their texts, sorted, with semicolons between. gene is the place of each
// gene that is taken, row that of each sample.
func (s *mutationSource) carried(t *table.Table, m *genes.Mutations, gene map[string]int, row map[int]int) error {
	type place struct{ gene, column int32 }
	texts := map[place][]string{}
	var order []place
	for _, c := range m.Carried {
		i, chosen := row[int(c.Sample)]
		if _, taken := gene[m.Genes[c.Gene]]; !chosen || !taken {
			continue
		}
		p := place{c.Gene, int32(c.Column)}
		if texts[p] == nil {
			texts[p] = make([]string, t.Rows())
			order = append(order, p)
		}
		if texts[p][i] != "" {
			texts[p][i] += ";"
		}
		texts[p][i] += c.Text
	}
	slices.SortFunc(order, func(a, b place) int {
		if a.gene != b.gene {
			return int(a.gene - b.gene)
		}
		return int(a.column - b.column)
	})
	for _, p := range order {
		levels := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(texts[p]))), func(s string) bool { return s == "" })
		values := make([]float64, t.Rows())
		for i, text := range texts[p] {
			if values[i] = float64(slices.Index(levels, text)); text == "" {
				values[i] = math.NaN()
			}
		}
		col := table.Column{Name: s.Name + "." + m.Genes[p.gene] + "." + s.Carry[p.column], Source: s.Name, Group: s.Group, Kind: table.Categorical, Levels: levels}
		if err := t.Add(col, values); err != nil {
			return err
		}
	}
	return nil
}

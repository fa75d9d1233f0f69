package models

// Absence says of which rows nothing of a source was given. A pipeline that fills in missing values says it, so that a model which has
// another way without the source can take that instead of the values that stand in.
type Absence struct {
	Source string
	Rows   []bool
}

// FindAbsent returns, source by source in order of the columns, the rows of which every column is missing; nil where there are none.
// Columns of the group batch, which name how the others were made, do not count.
func FindAbsent(x Matrix) []Absence {
	of := map[string][]int{}
	var order []string
	for j, c := range x.Columns {
		if c.Group == "batch" || c.Source == "" {
			continue
		}
		if of[c.Source] == nil {
			order = append(order, c.Source)
		}
		of[c.Source] = append(of[c.Source], j)
	}
	var out []Absence
	for _, source := range order {
		var rows []bool
		for i := range x.Rows {
			given := false
			for _, j := range of[source] {
				if v := x.Values[j*x.Rows+i]; v == v {
					given = true
					break
				}
			}
			if !given {
				if rows == nil {
					rows = make([]bool, x.Rows)
				}
				rows[i] = true
			}
		}
		if rows != nil {
			out = append(out, Absence{source, rows})
		}
	}
	return out
}

func selectAbsent(all []Absence, rows []int) []Absence {
	if all == nil {
		return nil
	}
	out := make([]Absence, len(all))
	for i, a := range all {
		out[i] = Absence{a.Source, pick(a.Rows, rows)}
	}
	return out
}

// Routed is a Model that takes another way for rows of which whole sources are absent.
type Routed interface {
	// Way says for a reader which way a row takes without these sources, such as "clinical and rna are combined without it".
	Way(absent []string) string
}

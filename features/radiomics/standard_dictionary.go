package radiomics

import (
	_ "embed"
	"encoding/csv"
	"strings"
	"sync"
)

// standardFeatures names the features of the standard: tag, code of the family, code of the feature, name.
//
//go:embed standard_features.csv
var standardFeatures string

// Entry says what a column of ExtractStandard is, in the standard's codes.
type Entry struct {
	Column      string
	Family      string // code of the family, such as LFYI
	Code        string // code of the feature, such as GYBY
	Aggregation string // code of how matrices were merged and averaged, such as ITBB; empty where there is but one way
	Name        string
}

var standardTags = sync.OnceValue(func() map[string]Entry {
	rows, err := csv.NewReader(strings.NewReader(standardFeatures)).ReadAll()
	if err != nil {
		panic(err) // the table is part of the program
	}
	m := map[string]Entry{}
	for _, r := range rows[1:] {
		m[r[0]] = Entry{Family: r[1], Code: r[2], Name: r[3]}
	}
	return m
})

// aggregations are the suffixes of columns with their codes, longest first.
var aggregations = []struct{ suffix, code, name string }{
	{"_2_5D_comb", "ZW7Z", "2.5D, merged"}, {"_2_5D_avg", "JJUI", "2.5D, merged by direction"}, {"_2_5D", "62GR", "2.5D"},
	{"_2D_comb", "SUJT", "2D, merged by slice"}, {"_2D_avg", "BTW3", "2D, averaged"}, {"_2D", "8QNN", "2D"},
	{"_3D_comb", "IAZD", "3D, merged"}, {"_3D_avg", "ITBB", "3D, averaged"}, {"_3D", "KOBO", "3D"},
}

// Dictionary says what columns are. A column that the standard has no code for, such as a diagnostic, has an entry without codes.
func Dictionary(features []Feature) []Entry {
	tags := standardTags()
	out := make([]Entry, len(features))
	for i, f := range features {
		e, ok := tags[f.Name]
		if !ok {
			for _, a := range aggregations {
				if tag, found := strings.CutSuffix(f.Name, a.suffix); found {
					if e, ok = tags[tag]; ok {
						e.Aggregation, e.Name = a.code, e.Name+" ("+a.name+")"
						break
					}
				}
			}
		}
		e.Column = f.Name
		out[i] = e
	}
	return out
}

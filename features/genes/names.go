package genes

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// pattern compiles a regular expression when it is first asked for, because most commands read no genes.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// ensembl is a gene identifier of Ensembl with a version.
var ensembl = pattern(`^(ENS[A-Z]*G\d{11})\.\d+$`)

// onY is a copy on chromosome Y of a gene of X, as GENCODE names it: ENSG00000182378.15_PAR_Y, and before version 25 ENSGR0000182378.10.
var onY = pattern(`_PAR_Y$|^ENSGR\d{10}(\.\d+)?$`)

// summaryRows are rows of count files that are no genes, of STAR and of HTSeq.
var summaryRows = []string{"N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous",
	"__no_feature", "__ambiguous", "__too_low_aQual", "__not_aligned", "__alignment_not_unique"}

// CleanNames applies the documented rules to gene names, in place, and returns which rows to drop and what was done:
// a version of an Ensembl identifier is cut off; a copy on chromosome Y (_PAR_Y) is dropped; a name that a spreadsheet took for a
// date is restored, or dropped where two genes became the same date or the date can have been two genes; a row without a name (blank, ?)
// is dropped, and so is what STAR and HTSeq count without a gene.
func CleanNames(names []string) (drop []int, notes []string) {
	count := map[string]int{}
	for _, n := range names {
		if n = strings.TrimSpace(n); len(Mangled(n)) > 0 {
			count[n]++
		}
	}
	var par, blank, summary int
	var restored, lost []string
	for i, n := range names {
		n = strings.TrimSpace(n)
		if m := ensembl().FindStringSubmatch(n); m != nil {
			n = m[1]
		}
		switch {
		case onY().MatchString(n):
			par++
			drop = append(drop, i)
		case slices.Contains(summaryRows, n):
			summary++
			drop = append(drop, i)
		case n == "" || n == "?" || n == "NA" || n == "---":
			blank++
			drop = append(drop, i)
		default:
			switch was := Mangled(n); {
			case len(was) == 0:
			case len(was) > 1 || count[n] > 1:
				lost = append(lost, n)
				drop = append(drop, i)
			default:
				restored = append(restored, n+" → "+was[0])
				n = was[0]
			}
		}
		names[i] = n
	}
	if par > 0 {
		notes = append(notes, plural(par, "copy on chromosome Y (_PAR_Y)", "copies on chromosome Y (_PAR_Y)")+" dropped")
	}
	if summary > 0 {
		notes = append(notes, plural(summary, "row", "rows")+" of reads without a gene dropped")
	}
	if blank > 0 {
		notes = append(notes, plural(blank, "row without a gene", "rows without a gene")+" dropped")
	}
	if len(restored) > 0 {
		notes = append(notes, "symbols that a spreadsheet made dates were restored: "+some(restored))
	}
	if len(lost) > 0 {
		notes = append(notes, "dropped, because a spreadsheet made two symbols the same date: "+some(slices.Compact(slices.Sorted(slices.Values(lost)))))
	}
	return drop, notes
}

// some lists the first names.
func some(names []string) string {
	if len(names) <= 8 {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:8], ", ") + ", …"
}

// dropGenes returns the matrix without these rows, which are sorted.
func (m *Matrix) dropGenes(drop []int) *Matrix {
	if len(drop) == 0 {
		return m
	}
	keep := make([]int, 0, len(m.Genes)-len(drop))
	for g := range m.Genes {
		if len(drop) > 0 && drop[0] == g {
			drop = drop[1:]
			continue
		}
		keep = append(keep, g)
	}
	return m.SelectGenes(keep)
}

// Tidy applies CleanNames and then makes rows of one gene one, by a rule of Duplicates; an empty rule is mean. It returns notes on
// what was done.
func Tidy(m *Matrix, duplicates string) (*Matrix, []string, error) {
	if duplicates == "" {
		duplicates = "mean"
	}
	drop, notes := CleanNames(m.Genes)
	m, gone, err := m.dropGenes(drop).Collapse(duplicates)
	if err != nil {
		return nil, nil, err
	}
	if gone > 0 {
		notes = append(notes, plural(gone, "row", "rows")+" of a gene that has another were joined to it ("+duplicates+")")
	}
	if len(m.Genes) == 0 {
		return nil, nil, errors.New("no gene is left")
	}
	return m, notes, nil
}

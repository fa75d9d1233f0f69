package genes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/table"
)

// ReadFusions reads structural variants as cBioPortal writes them (Sample_Id, Site1_Hugo_Symbol, Site2_Hugo_Symbol, SV_Status), and the
// older fusion files (Tumor_Sample_Barcode, Hugo_Symbol). A gene of either side has a call; germline events are left out.
func ReadFusions(path string) (*Mutations, error) {
	in, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	s := table.NewScanner(in)
	s.Separator, s.Plain, s.Comment = '\t', true, "#"
	if !s.Scan() {
		return nil, fmt.Errorf("%s: the file is empty", path)
	}
	var header []string
	for _, f := range s.Fields() {
		header = append(header, strings.TrimSpace(string(f)))
	}
	column := func(names ...string) int {
		return slices.IndexFunc(header, func(h string) bool {
			return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(h, n) })
		})
	}
	sample, status := column("Sample_Id", "Tumor_Sample_Barcode"), column("SV_Status")
	sites := []int{column("Site1_Hugo_Symbol", "Hugo_Symbol"), column("Site2_Hugo_Symbol")}
	if sample < 0 || sites[0] < 0 {
		return nil, fmt.Errorf("%s: a file of structural variants has Sample_Id and Site1_Hugo_Symbol; the header has %s", path, some(header))
	}
	samples, genes := names{at: map[string]int32{}}, names{at: map[string]int32{}}
	var calls []Call
	var problems table.Problems
	germline := 0
	for s.Scan() {
		f := s.Fields()
		if len(f) != len(header) {
			problems.Add(path, s.Line(), "", "%d fields where the header has %d", len(f), len(header))
			continue
		}
		who := samples.number(f[sample])
		if status >= 0 && strings.EqualFold(string(f[status]), "germline") {
			germline++
			continue
		}
		for _, j := range sites {
			if j >= 0 && !table.IsMissing(f[j]) {
				calls = append(calls, Call{who, genes.number(f[j])})
			}
		}
	}
	if s.Err() != nil {
		return nil, fmt.Errorf("%s: %w", path, s.Err())
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	m := &mafReader{samples: samples, genes: genes, calls: calls, count: make([]int, len(samples.list)), germline: germline}
	return m.mutations(), nil
}

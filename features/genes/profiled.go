package genes

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/table"
)

// Panel is the list of genes that an assay looks at.
type Panel struct {
	Name  string
	Genes []string // sorted
}

// Has reports whether the assay looks at a gene.
func (p Panel) Has(gene string) bool {
	_, ok := slices.BinarySearch(p.Genes, gene)
	return ok
}

// Profiled says which samples were looked at, and with which panel.
type Profiled struct {
	Samples []string
	Panels  []string // of each sample; "" where every gene was looked at
}

// maxList bounds lists of samples, panels and gene sets, which are read whole.
const maxList = 64 << 20

func readAll(path string) (string, error) {
	in, err := table.Open(path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxList+1))
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if len(b) > maxList {
		return "", fmt.Errorf("%s: more than %d bytes", path, maxList)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n"), nil
}

// ReadProfiled reads which samples were sequenced: a plain list, one a line; a cBioPortal case list (case_list_ids: …); or a
// cBioPortal gene-panel matrix (SAMPLE_ID, mutations), whose cells name the panel of each sample, NA standing for none and WES or
// WGS for every gene.
func ReadProfiled(path string) (Profiled, error) {
	text, err := readAll(path)
	if err != nil {
		return Profiled{}, err
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	var p Profiled
	add := func(sample, panel string) {
		p.Samples = append(p.Samples, sample)
		p.Panels = append(p.Panels, panel)
	}
	head := strings.Split(lines[0], "\t")
	if at := slices.Index(head, "SAMPLE_ID"); at >= 0 {
		which := slices.Index(head, "mutations")
		if which < 0 {
			return p, fmt.Errorf("%s: a gene-panel matrix has a column mutations", path)
		}
		for n, line := range lines[1:] {
			f := strings.Split(line, "\t")
			if len(f) != len(head) {
				return p, fmt.Errorf("%s, line %d: %d fields where the header has %d", path, n+2, len(f), len(head))
			}
			switch panel := strings.TrimSpace(f[which]); strings.ToUpper(panel) {
			case "NA", "":
			case "WES", "WGS", "WXS":
				add(f[at], "")
			default:
				add(f[at], panel)
			}
		}
	} else if k := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "case_list_ids:") }); k >= 0 {
		for _, s := range strings.Fields(strings.TrimPrefix(lines[k], "case_list_ids:")) {
			add(s, "")
		}
	} else {
		for n, line := range lines {
			s := strings.TrimSpace(line)
			if strings.ContainsAny(s, "\t,;") {
				return p, fmt.Errorf("%s, line %d: one sample a line is wanted", path, n+1)
			}
			if s != "" && !strings.HasPrefix(s, "#") {
				add(s, "")
			}
		}
	}
	if len(p.Samples) == 0 {
		return p, fmt.Errorf("%s: no sample is listed", path)
	}
	return p, nil
}

// ReadPanel reads a gene panel as cBioPortal writes it: stable_id: NAME and gene_list: genes, tab-separated.
func ReadPanel(path string) (Panel, error) {
	text, err := readAll(path)
	if err != nil {
		return Panel{}, err
	}
	var p Panel
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "stable_id":
			p.Name = strings.TrimSpace(value)
		case "gene_list":
			p.Genes = strings.Fields(value)
		}
	}
	if p.Name == "" || len(p.Genes) == 0 {
		return p, fmt.Errorf("%s: a gene panel has the lines stable_id and gene_list", path)
	}
	slices.Sort(p.Genes)
	return p, nil
}

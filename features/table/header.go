package table

import (
	"fmt"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/settings"
)

// keyNames are headers taken for the patient column when none is named, in this order.
var keyNames = []string{"patient", "patient_id", "patientid", "patient id", "pid", "case", "case_id", "case id", "subject", "subject_id", "id", "sample", "sample_id"}

// header is what the first record of a file says about the others.
type header struct {
	names []string
	// rowNames says that records have one field more than the header, because R leaves the header of row names out.
	rowNames bool
	keys     [5]int // fields of patient, visit, lesion, region, reader; -1 where there is none
	take     []int  // fields of the columns to read
}

// width is the number of fields that a record has.
func (h header) width() int { return len(h.names) }

// readHeader finds the key and the columns to take. Only columns that are taken need sound names.
func readHeader(name string, line int, fields [][]byte, firstWidth int, o Options, p *Problems) header {
	h := header{names: make([]string, len(fields))}
	for j, f := range fields {
		h.names[j] = strings.TrimSpace(string(f))
	}
	if firstWidth == len(h.names)+1 {
		h.rowNames = true
		h.names = append([]string{""}, h.names...)
	}
	h.keys = [5]int{h.patient(o.Key), -1, -1, -1, -1}
	for k, want := range []string{o.Visit, o.Lesion, o.Region, o.Reader} {
		if want == "" {
			continue
		}
		h.keys[k+1] = slices.Index(h.names, want)
		if h.keys[k+1] < 0 {
			p.Add(name, line, "", "there is no column %q%s", want, suggestion(want, h.names))
		}
	}
	switch {
	case h.keys[0] >= 0:
	case o.Key != "":
		p.Add(name, line, "", "there is no column %q%s", o.Key, suggestion(o.Key, h.names))
	default:
		p.Add(name, line, "", "no column is named as patients' (%s); name the one that is, with id", strings.Join(keyNames, ", "))
	}
	h.choose(name, line, o, p)
	return h
}

// patient is the field of the patient column, or -1.
func (h header) patient(want string) int {
	if want != "" {
		return slices.Index(h.names, want)
	}
	for _, k := range keyNames {
		if j := slices.IndexFunc(h.names, func(n string) bool { return strings.EqualFold(n, k) }); j >= 0 {
			return j
		}
	}
	if len(h.names) > 0 && h.names[0] == "" {
		return 0
	}
	return -1
}

// notFeatures are columns of a PyRadiomics result that describe its making; they are taken only when asked for by name.
func notFeature(name string) bool {
	return name == "Image" || name == "Mask" || name == "Label" || name == "Label_channel" || strings.HasPrefix(name, "diagnostics_")
}

// choose fills take.
func (h *header) choose(name string, line int, o Options, p *Problems) {
	first := map[string]int{}
	used := make([]bool, len(o.Columns))
	pyradiomics := slices.ContainsFunc(h.names, func(n string) bool { return strings.HasPrefix(n, "diagnostics_") })
	for j, n := range h.names {
		if slices.Contains(h.keys[:], j) {
			if k := slices.Index(o.Columns, n); k >= 0 {
				used[k] = true
			}
			continue
		}
		named, matched := false, len(o.Columns) == 0
		for k, c := range o.Columns {
			if c == n || Match(c, n) {
				used[k], matched = true, true
				named = named || !isPattern(c)
			}
		}
		if !matched || MatchAny(o.Drop, n) || pyradiomics && !named && notFeature(n) {
			continue
		}
		if n == "" {
			if len(o.Columns) == 0 && j < len(h.names)-1 {
				p.Add(name, line, "", "the header of field %d is blank; name it, or list the columns to read", j+1)
			}
			continue
		}
		if before, ok := first[n]; ok {
			p.Add(name, line, n, "two columns have this name, fields %d and %d; rename one", before+1, j+1)
			continue
		}
		first[n] = j
		h.take = append(h.take, j)
	}
	for k, c := range o.Columns {
		switch {
		case used[k]:
		case isPattern(c):
			p.Add(name, line, "", "no column has the form %q", c)
		default:
			p.Add(name, line, "", "there is no column %q%s", c, suggestion(c, h.names))
		}
	}
}

func suggestion(want string, names []string) string {
	if near := settings.Nearest(want, names); near != "" {
		return "; did you mean \"" + near + "\"?"
	}
	shown := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "" })
	if len(shown) > 12 {
		return "; the columns begin " + strings.Join(shown[:12], ", ") + ", …"
	}
	return "; there are " + strings.Join(shown, ", ")
}

// Header returns the names in the first record of a CSV or TSV file, behind lines that begin with #.
func Header(path string) ([]string, error) {
	in, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	s := NewScanner(in)
	s.Comment = "#"
	if !s.Scan() {
		if s.Err() != nil {
			return nil, fmt.Errorf("%s: %w", path, s.Err())
		}
		return nil, fmt.Errorf("%s: the file is empty", path)
	}
	names := make([]string, len(s.Fields()))
	for j, f := range s.Fields() {
		names[j] = strings.TrimSpace(string(f))
	}
	return names, nil
}

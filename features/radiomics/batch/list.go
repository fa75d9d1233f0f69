package batch

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxCases bounds a list of cases.
const maxCases = 1 << 20

// ReadList reads a PyRadiomics batch file: a CSV with the columns Image and Mask, and Label and Label_channel if some rows have one of their own (Layer
// is -1 where a row has none). Other
// columns are passed through. Paths are relative to the file. It returns the cases and the names of the columns that are passed
// through, in order; the error lists every problem with its row and column.
func ReadList(path string) ([]Case, []string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	b := bufio.NewReader(f)
	if mark, err := b.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		b.Discard(3)
	}
	r := csv.NewReader(b)
	header, err := r.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	at := map[string]int{}
	var extra []string
	for i, name := range header {
		name = strings.TrimSpace(name)
		if _, twice := at[name]; twice {
			return nil, nil, fmt.Errorf("%s: column %q is there twice", path, name)
		}
		at[name] = i
		if !slices.Contains([]string{"Image", "Mask", "Label", "Label_channel"}, name) {
			extra = append(extra, name)
		}
	}
	for _, name := range []string{"Image", "Mask"} {
		if _, ok := at[name]; !ok {
			return nil, nil, fmt.Errorf("%s: column %s is missing; a batch file has Image, Mask and, if needed, Label", path, name)
		}
	}
	var cases []Case
	var problems []error
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, errors.Join(append(problems, fmt.Errorf("%s: %w", path, err))...)
		}
		line, _ := r.FieldPos(0)
		c, err := parseCase(fields, at, extra, filepath.Dir(path))
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: row %d: %w", path, line, err))
		}
		if cases = append(cases, c); len(cases) > maxCases {
			return nil, nil, fmt.Errorf("%s: more than %d rows", path, maxCases)
		}
	}
	if len(cases) == 0 && len(problems) == 0 {
		problems = append(problems, fmt.Errorf("%s: no case below the header", path))
	}
	return cases, extra, errors.Join(problems...)
}

func parseCase(fields []string, at map[string]int, extra []string, dir string) (Case, error) {
	var c Case
	var problems []error
	file := func(column string) string {
		name := fields[at[column]]
		if name == "" {
			problems = append(problems, fmt.Errorf("column %s is empty", column))
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return name
	}
	c.Image, c.Mask = file("Image"), file("Mask")
	if i, ok := at["Label"]; ok && fields[i] != "" {
		l, err := strconv.Atoi(strings.TrimSuffix(fields[i], ".0"))
		if err != nil || l < 1 || l > 65535 {
			problems = append(problems, fmt.Errorf("column Label is %q: want a whole number of 1 to 65535", fields[i]))
		}
		c.Labels = []int{l}
	}
	c.Layer = -1 // that of the parameters
	if i, ok := at["Label_channel"]; ok && fields[i] != "" {
		l, err := strconv.Atoi(strings.TrimSuffix(fields[i], ".0"))
		if err != nil || l < 0 || l > 65535 {
			problems = append(problems, fmt.Errorf("column Label_channel is %q: want a whole number of 0 to 65535", fields[i]))
		}
		c.Layer = l
	}
	c.Extra = map[string]string{}
	for _, name := range extra {
		c.Extra[name] = fields[at[name]]
	}
	return c, errors.Join(problems...)
}

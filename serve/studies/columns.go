package studies

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/voxgene/voxgene/features/table"
)

// numbers reads the parts that hold features as they are: a JSON object, a table of one row, a table of expression.
func (s *study) numbers() error {
	if text := s.fields["features"]; text != "" {
		if err := json.Unmarshal([]byte(text), &s.features); err != nil || s.features == nil {
			return refused(http.StatusUnprocessableEntity, "the part features is a JSON object of names and values")
		}
	}
	if text := s.fields["table"]; text != "" {
		rows, err := read(text)
		if err != nil || len(rows) != 2 {
			return refused(http.StatusUnprocessableEntity, "the part table has a header and one row, the patient's, separated by commas or tabs")
		}
		for i, name := range rows[0] {
			s.set(name, rows[1][i], "")
		}
	}
	text := s.fields["expression"]
	if text == "" {
		return nil
	}
	for _, source := range transformed(s.entry.Bundle.Config) {
		if !slices.Contains(strings.Split(s.fields["prepared"], ","), source.Name) {
			return refused(http.StatusUnprocessableEntity, "source %s was trained on values after %s; send them so, and say so with the part prepared=%s", source.Name, strings.Join(source.Transform, ", "), source.Name)
		}
	}
	rows, err := read(text)
	if err != nil || len(rows) == 0 || len(rows[0]) != 2 {
		return refused(http.StatusUnprocessableEntity, "the part expression has two columns, gene and value, separated by commas or tabs")
	}
	found := 0
	for _, row := range rows {
		if s.set(row[0], row[1], "gene") {
			found++
		}
	}
	if found == 0 {
		return refused(http.StatusUnprocessableEntity, "the part expression has none of the genes that the model reads")
	}
	return nil
}

// expression is what a bundle's configuration says of a source of expression.
type expression struct {
	Name      string   `yaml:"name"`
	Kind      string   `yaml:"kind"`
	Transform []string `yaml:"transform"`
}

// transformed are the sources of expression whose values were transformed.
func transformed(config []byte) []expression {
	var c struct {
		Sources []expression `yaml:"sources"`
	}
	if yaml.Unmarshal(config, &c) != nil {
		return nil
	}
	return slices.DeleteFunc(c.Sources, func(e expression) bool { return e.Kind != "expression" || len(e.Transform) == 0 })
}

// read reads a table whose fields are separated by tabs where the first line has one, else by commas.
func read(text string) ([][]string, error) {
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	if first, _, _ := strings.Cut(text, "\n"); strings.Contains(first, "\t") {
		in.Comma = '\t'
	}
	return in.ReadAll()
}

// set gives an input its value, by its full name, or by its bare one where one input of the group has that. It reports whether there is one.
func (s *study) set(name, text, group string) bool {
	at := s.entry.Bundle.Find(name)
	if at < 0 {
		for i, in := range s.entry.Bundle.Inputs {
			if strings.TrimPrefix(in.Name, in.Source+".") == name && (group == "" || in.Group == group) {
				if at >= 0 {
					return false
				}
				at = i
			}
		}
	}
	if at < 0 {
		return false
	}
	in := s.entry.Bundle.Inputs[at]
	if text == "" || strings.EqualFold(text, "NA") || strings.EqualFold(text, "NaN") {
		return true
	}
	s.features[in.Name] = text
	if in.Kind == table.Numeric {
		if v, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
			s.features[in.Name] = v
		}
	}
	return true
}

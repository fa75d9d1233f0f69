package association

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

// row is a pair as association.parquet holds it.
type row struct {
	X          string   `parquet:"x,dict"`
	Y          string   `parquet:"y,dict"`
	Effect     *float64 `parquet:"effect,optional"`
	P          *float64 `parquet:"p,optional"`
	Q          *float64 `parquet:"q,optional"`
	FamilyWise *float64 `parquet:"family_wise,optional"`
	N          int32    `parquet:"n"`
}

// Write leaves in dir: association.parquet (every pair), found.csv (those within the level, strongest first), association.json (the
// summary) and map.html (one page that needs no network). The bytes depend on the map and the name alone.
func (m *Map) Write(dir, name string, t *table.Table) (Summary, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Summary{}, err
	}
	s := m.Summarise(name, t)
	summary, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return s, err
	}
	page, err := page(s)
	if err != nil {
		return s, err
	}
	parquet, err := m.parquet()
	if err != nil {
		return s, err
	}
	for file, b := range map[string][]byte{
		"association.parquet": parquet, "found.csv": m.found(s.Found), "association.json": append(summary, '\n'), "map.html": page,
	} {
		if err := work.WriteFile(filepath.Join(dir, file), b, 0o644); err != nil {
			return s, err
		}
	}
	return s, nil
}

// parquet holds every pair, x-major. A number that is not there is null.
func (m *Map) parquet() ([]byte, error) {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.Compression(&parquet.Zstd))
	chunk := make([]row, 0, len(m.Y))
	for i := range m.X {
		chunk = chunk[:0]
		for j := range m.Y {
			k := i*len(m.Y) + j
			r := row{X: m.X[i].Name, Y: m.Y[j].Name, Effect: present(m.Effect, k), P: present(m.P, k), Q: present(m.Q, k), N: m.N[k]}
			if m.FamilyWise != nil {
				r.FamilyWise = present(m.FamilyWise, k)
			}
			chunk = append(chunk, r)
		}
		if _, err := w.Write(chunk); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// present points at a value that is a number.
func present(v []float64, k int) *float64 {
	if table.Missing(v[k]) {
		return nil
	}
	return &v[k]
}

// found lists the pairs within the level.
func (m *Map) found(count int) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"x", "y", "effect", "p", "q", "family_wise", "n"}) // a bytes.Buffer takes everything
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 10, 64) }
	for _, k := range m.strongest(max(count, 1)) {
		p := m.pair(k)
		if p.Q > m.Config.Level {
			continue
		}
		familyWise := ""
		if p.FamilyWise != nil {
			familyWise = number(*p.FamilyWise)
		}
		_ = w.Write([]string{p.X, p.Y, number(p.Effect), number(p.P), number(p.Q), familyWise, strconv.Itoa(p.N)})
	}
	w.Flush()
	return b.Bytes()
}

package association

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"

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
	RawEffect  *float64 `parquet:"raw_effect,optional"` // without removing the covariates
	RawP       *float64 `parquet:"raw_p,optional"`
	N          int32    `parquet:"n"`
}

// Write leaves in dir: association.parquet (every pair), found.csv (those within the level, strongest first, up to 100,000), association.json (the
// summary), map.html (one page that needs no network), heat.svg and volcano.svg; sets.csv, modules.csv and replication.csv where they were asked
// for. The bytes depend on the map, the name and the seed alone.
func (m *Map) Write(dir, name string, t *table.Table, seed work.Seed) (Summary, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Summary{}, err
	}
	s := m.Summarise(name, t, seed)
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
	files := map[string][]byte{
		"association.parquet": parquet, "found.csv": m.foundTable(), "association.json": append(summary, '\n'), "map.html": page,
		"heat.svg": heatSVG(s), "volcano.svg": volcanoSVG(s),
	}
	if m.Sets != nil {
		files["sets.csv"] = m.Sets.table()
	}
	if m.Modules != nil {
		files["modules.csv"] = m.Modules.table()
	}
	if m.Replicated != nil {
		files["replication.csv"] = m.Replicated.table()
	}
	for file, b := range files {
		if err := work.WriteFile(filepath.Join(dir, file), b, 0o644); err != nil {
			return s, err
		}
	}
	return s, nil
}

// parquet holds every pair, or those found, x-major. A number that is not there is null.
func (m *Map) parquet() ([]byte, error) {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.Compression(&parquet.Zstd))
	chunk := make([]row, 0, len(m.Y))
	for i := range m.X {
		chunk = chunk[:0]
		for j := range m.Y {
			k := i*len(m.Y) + j
			if m.Config.Keep == "found" && !(m.Q[k] <= m.Config.Level) {
				continue
			}
			r := row{X: m.X[i].Name, Y: m.Y[j].Name, Effect: present(m.Effect[k]), P: present(m.PValue(k)), Q: present(m.Q[k]), N: int32(m.Count(k))}
			if m.FamilyWise != nil {
				r.FamilyWise = present(m.FamilyWise[k])
			}
			if m.Raw != nil {
				r.RawEffect, r.RawP = present(m.Raw.Effect[k]), present(m.Raw.PValue(k))
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
func present(v float64) *float64 {
	if table.Missing(v) {
		return nil
	}
	return &v
}

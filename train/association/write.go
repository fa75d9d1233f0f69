package association

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

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
	files := map[string][]byte{
		"found.csv": m.foundTable(), "association.json": append(summary, '\n'), "map.html": page,
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
	return s, work.WriteTo(filepath.Join(dir, "association.parquet"), 0o644, m.writeParquet)
}

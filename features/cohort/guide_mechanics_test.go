package cohort

import (
	"os"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/settings"
)

// Every source and outcome that the guides show decodes.
func TestGuides(t *testing.T) {
	shown := 0
	for _, path := range []string{"../../docs/tables.md", "../../docs/genes.md"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(b), "\n") {
			entry, ok := strings.CutPrefix(strings.TrimSpace(line), "- {name:")
			if !ok {
				continue
			}
			shown++
			block := "sources"
			if strings.Contains(entry, "kind: class") || strings.Contains(entry, "kind: survival") {
				block = "outcomes"
			}
			text := "cohort: {patients: p.csv}\n"
			if block == "outcomes" {
				text += "sources: [{name: other, kind: table, path: p.csv}]\n"
			}
			root, err := settings.Parse(path, []byte(text+block+":\n  - {name:"+entry+"\n"))
			if err != nil {
				t.Errorf("%s, line %d: %v", path, n+1, err)
				continue
			}
			var p settings.Problems
			Decode(root, &p)
			if err := p.Err(); err != nil {
				t.Errorf("%s, line %d: %v", path, n+1, err)
			}
		}
	}
	if shown < 15 {
		t.Errorf("%d sources and outcomes in the guides", shown)
	}
}

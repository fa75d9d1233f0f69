package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/train/association"
)

// Every command of docs/associate.md works, in order, and the block that the page shows is read without a complaint.
func TestAssociateGuide(t *testing.T) {
	if testing.Short() {
		t.Skip("makes and maps a cohort")
	}
	page, err := os.ReadFile("../../docs/associate.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	root, err := settings.Parse("docs/associate.md", block[1])
	if err != nil {
		t.Fatal(err)
	}
	var p settings.Problems
	association.Decode(root.Get("association"), &p)
	if err := p.Err(); err != nil {
		t.Error(err)
	}
	t.Chdir(t.TempDir())
	commands := 0
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllSubmatch(page, -1) {
		for line := range strings.Lines(string(m[1])) {
			args := strings.Fields(line)
			if code, stdout, stderr := voxgene(args[1:]...); code != 0 {
				t.Fatalf("%sexit %d\n%s%s", line, code, stdout, stderr)
			}
			commands++
		}
	}
	if commands != 5 {
		t.Errorf("the guide has %d commands; this test knows 5", commands)
	}
	for _, name := range []string{"map/map.html", "map-given/modules.csv", "map-subtype/found.csv", "map-portal/data_radiomics.txt"} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}

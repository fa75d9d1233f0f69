package cohort_test

import (
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/settings"
)

// What is there only after the decision cannot predict it; points have to be on the timeline.
func TestTimeline(t *testing.T) {
	for _, c := range []struct {
		name, timeline, available, decision string
		want                                []string
	}{
		{"in time", "timeline: [imaging, surgery]", "imaging", "surgery", nil},
		{"at the decision", "timeline: [imaging, surgery]", "surgery", "surgery", nil},
		{"too late", "timeline: [imaging, surgery]", "surgery", "imaging", []string{"e.yaml:3:", "source path is there from surgery on, after the decision on outcome y at imaging"}},
		{"misspelt", "timeline: [imaging, surgery]", "surgry", "imaging", []string{`did you mean "surgery"`}},
		{"no timeline", "site: s", "surgery", "imaging", []string{"cohort: {timeline:"}},
	} {
		n, err := settings.Parse("e.yaml", []byte("cohort: {patients: p.csv, "+c.timeline+"}\nsources:\n  - {name: path, kind: table, path: p.csv, available: "+c.available+
			"}\noutcomes:\n  - {name: y, kind: class, column: y, decision: "+c.decision+"}\n"))
		if err != nil {
			t.Fatal(err)
		}
		var p settings.Problems
		cohort.Decode(n, &p)
		got := p.Err()
		if len(c.want) == 0 && got != nil {
			t.Errorf("%s: %v", c.name, got)
		}
		for _, w := range c.want {
			if got == nil || !strings.Contains(got.Error(), w) {
				t.Errorf("%s: %v, want %q", c.name, got, w)
			}
		}
	}
}

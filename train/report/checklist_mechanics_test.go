package report_test

import (
	"fmt"
	"testing"

	"github.com/voxgene/voxgene/train/report"
)

// The checklists have the items of their papers, numbered through, and an item is filled by evidence alone.
func TestChecklists(t *testing.T) {
	for want, c := range map[int]report.Checklist{58: report.CLEAR(nil), 30: report.METRICS(nil)} {
		if len(c.Items) != want {
			t.Errorf("%s has %d items, want %d", c.Name, len(c.Items), want)
		}
		for k, i := range c.Items {
			if i.Number != k+1 || i.Text == "" || i.Section == "" {
				t.Errorf("%s: item %d: %+v", c.Name, k+1, i)
			}
			if i.State == "filled" || i.State == "partly" {
				t.Errorf("%s: item %d is %s without evidence", c.Name, k+1, i.State)
			}
		}
	}
	// CLEAR: 24 items that software can fill, 18 in part, 16 for people.
	n := report.CLEAR(nil).Counts()
	if n["not found"] != 42 || n["authors"] != 16 {
		t.Errorf("counts %v", n)
	}
}

func ExampleCLEAR() {
	c := report.CLEAR(map[int]report.Evidence{15: {Text: "5 folds of patients, repeated 5 times"}})
	fmt.Println(c.Items[14].State, "–", c.Items[14].Evidence)
	// Output: filled – 5 folds of patients, repeated 5 times
}

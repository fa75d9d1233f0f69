package report_test

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/voxgene/voxgene/train/report"
)

// The checklists have the items of their papers, numbered through, and an item is filled by evidence alone.
func TestChecklists(t *testing.T) {
	for want, c := range map[int]report.Checklist{58: report.CLEAR(nil), 30: report.METRICS(nil), 16: report.RQS(nil), 27: report.TRIPOD(nil)} {
		if len(c.Items) != want {
			t.Errorf("%s has %d items, want %d", c.Name, len(c.Items), want)
		}
		for k, i := range c.Items {
			if i.Number != k+1 || i.Text == "" || i.Section == "" {
				t.Errorf("%s: item %d: %+v", c.Name, k+1, i)
			}
			if i.State != report.NotFound && i.State != report.Authors {
				t.Errorf("%s: item %d is %s without evidence", c.Name, k+1, i.State)
			}
		}
	}
	// CLEAR: 24 items that software can fill, 18 in part, 16 for people.
	n := report.CLEAR(nil).Counts()
	if n[report.NotFound] != 42 || n[report.Authors] != 16 {
		t.Errorf("counts %v", n)
	}
}

// The weights of METRICS sum to 1, as its paper says.
func TestMetricsWeights(t *testing.T) {
	sum := 0.0
	for _, i := range report.METRICS(nil).Items {
		w, err := strconv.ParseFloat(i.Weight, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += w
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("the weights sum to %v", sum)
	}
}

// Evidence fills an item for software, completes one for people only in part, and can shut one off.
func TestStatesOfItems(t *testing.T) {
	c := report.CLEAR(map[int]report.Evidence{15: {Text: "folds"}, 16: {Text: "spacing", Open: true}, 8: {Text: "number 12"}, 31: {Text: "one reader", Outside: true}})
	for n, want := range map[int]string{15: report.Filled, 16: report.Partly, 8: report.Partly, 31: report.NotApplicable, 22: report.NotFound, 1: report.Authors} {
		if got := c.Items[n-1].State; got != want {
			t.Errorf("item %d is %s, want %s", n, got, want)
		}
	}
}

func ExampleCLEAR() {
	c := report.CLEAR(map[int]report.Evidence{15: {Text: "5 folds of patients, repeated 5 times"}})
	fmt.Println(c.Items[14].State, "–", c.Items[14].Evidence)
	// Output: filled – 5 folds of patients, repeated 5 times
}

package studies_test

import (
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/scans"
	"github.com/voxgene/voxgene/serve/studies"
)

// What came and what became of it is on the worklist, one entry a patient and study, whose reason names nobody. What is of no known patient is not.
func TestCases(t *testing.T) {
	s := serve(t, plain)
	img, mask := pair(t)
	who := part{"patient", "", []byte("CANARY-17")}
	want := func(status results.Status, reason string) results.Case {
		t.Helper()
		list, err := s.store.Cases("upload", 0)
		if err != nil || len(list) != 1 || list[0].Status != status || !strings.Contains(list[0].Reason, reason) || strings.Contains(list[0].Reason, "CANARY") {
			t.Fatalf("want %s %q: %+v (%v)", status, reason, list, err)
		}
		return list[0]
	}
	ask(s, part{"image", "i", img}, part{"mask", "m", mask})
	if list, err := s.store.Cases("", 0); err != nil || len(list) > 0 {
		t.Fatalf("%+v (%v)", list, err)
	}
	ask(s, part{"image", "i", img}, who)
	first := want(results.NeedsMask, "needs a mask")
	ask(s, part{"image", "i", []byte("CANARY-17 is no image")}, part{"mask", "m", mask}, who)
	want(results.Refused, "source adc")
	_, got := ask(s, part{"image", "i", img}, part{"mask", "m", mask}, who)
	if done := want(results.Done, ""); done.ID != first.ID || done.Result != got["result"] || done.Time != first.Time {
		t.Errorf("%+v, result %v", done, got["result"])
	}
}

// Images are held for the client that sent them, with the region and the map of a feature that counted, as long as the configuration says; without
// that the answer has none.
func TestScan(t *testing.T) {
	img, mask := pair(t)
	parts := []part{{"image", "i", img}, {"mask", "m", mask}, {"patient", "", []byte("CANARY-17")}}
	if _, got := ask(serve(t, plain), parts...); got["scan"] != nil {
		t.Errorf("images are kept where nothing says so: %v", got["scan"])
	}
	var held *scans.Store
	s := serveWith(t, plain, func(o *studies.Options) {
		held = scans.New(scans.Limits{Keep: time.Minute, Bytes: 1 << 20})
		o.Scans = held
	})
	t.Cleanup(held.Close)
	_, got := ask(s, parts...)
	about, _ := got["scan"].(map[string]any)
	id, _ := about["id"].(string)
	scan := held.Find(id, auth.Principal{})
	if scan == nil || scan.Result != got["result"] || scan.Model != "prostate" || len(scan.Images) != 1 || held.Find(id, auth.Principal{Name: "other"}) != nil {
		t.Fatalf("%v: %+v", got["scan"], scan)
	}
	im := scan.Images[0]
	if im.Size != [3]int{12, 12, 12} || im.Region() != 64 || len(im.Layers) != 2 || im.Layers[1].Feature != "adc.original_firstorder_Mean" || im.Layers[1].Outcome != "grade" {
		t.Errorf("%v, %d voxels, %+v", im.Size, im.Region(), im.Layers)
	}
	if held.Of(scan.Result, auth.Principal{}) != scan {
		t.Error("the scan is not found by its result")
	}
	small := serveWith(t, plain, func(o *studies.Options) { o.Scans = scans.New(scans.Limits{Keep: time.Minute, Bytes: 100}) })
	if code, got := ask(small, parts...); code != 200 || got["scan"] != nil || !strings.Contains(strings.Join(texts(got["notes"]), " "), "too large to be kept") {
		t.Errorf("a scan beyond the bound: %d %v", code, got)
	}
}

func texts(v any) []string {
	var out []string
	list, _ := v.([]any)
	for _, e := range list {
		text, _ := e.(string)
		out = append(out, text)
	}
	return out
}

package api_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// In whatever order names come, however they are written and spaced, the answer is the same; a name that comes twice is refused in any order.
func TestOrder(t *testing.T) {
	b, x := bundletest.Wide(t, 12)
	h, _, _ := served(t, b)
	body := func(order []int, written func(j int) string) string {
		var s strings.Builder
		for k, j := range order {
			if k > 0 {
				s.WriteByte(',')
			}
			fmt.Fprintf(&s, "%s%v", written(j), x.Column(j)[3])
		}
		return `{"patients":[{"id":"a","features":{` + s.String() + `}}]}`
	}
	straight := make([]int, len(b.Inputs))
	for j := range straight {
		straight[j] = j
	}
	plain := func(j int) string { return `"` + b.Inputs[j].Name + `":` }
	want := ask(h, "POST", "/v1/models/wide/predict", body(straight, plain))
	if want.Code != 200 {
		t.Fatal(want.Body)
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		order := r.Perm(len(straight))
		if r.IntN(3) == 0 {
			order = straight
		}
		written := func(j int) string {
			name := b.Inputs[j].Name
			switch r.IntN(5) {
			case 0:
				return "\n \"" + name + "\" :\t"
			case 1:
				return `"\u0066` + name[1:] + `": `
			case 2:
				return `"` + b.Inputs[j].Column.Name[len("f."):] + `":`
			}
			return plain(j)
		}
		text := body(order, written)
		if got := ask(h, "POST", "/v1/models/wide/predict", text); got.Body.String() != want.Body.String() {
			t.Fatalf("%s\ngot  %s\nwant %s", text, got.Body, want.Body)
		}
		twice := body(append(append([]int{}, order...), r.IntN(len(order))), written)
		if got := ask(h, "POST", "/v1/models/wide/predict", twice); got.Code != 422 || !strings.Contains(got.Body.String(), "there twice") {
			t.Fatalf("%s\n%d %s", twice, got.Code, got.Body)
		}
	}
}

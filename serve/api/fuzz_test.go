package api_test

import (
	"math/rand/v2"
	"testing"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// Ten thousand bodies with bytes changed, cut, doubled and swapped: no answer is a fault of ours.
func TestMutatedBodies(t *testing.T) {
	b, _ := bundletest.New(t)
	h, _, _ := served(t, b)
	r := rand.New(rand.NewPCG(3, 4))
	codes := map[int]int{}
	for range 10_000 {
		body := []byte(sound)
		for range 1 + r.IntN(4) {
			i, j := r.IntN(len(body)), r.IntN(len(body))
			switch r.IntN(5) {
			case 0:
				body[i] = byte(r.IntN(256))
			case 1:
				body = append(body[:i], body[min(len(body), i+1+r.IntN(8)):]...)
			case 2:
				body = append(body[:i:i], append([]byte(sound[min(i, len(sound)):min(len(sound), i+20)]), body[i:]...)...)
			case 3:
				body[i], body[j] = body[j], body[i]
			case 4:
				body[i] = `{}[]",:0-.eE\ntf`[r.IntN(16)]
			}
			if len(body) == 0 {
				body = []byte{'{'}
			}
		}
		w := ask(h, "POST", "/v1/models/glioma/predict", string(body))
		codes[w.Code]++
		if w.Code >= 500 {
			t.Fatalf("%q: %d %s", body, w.Code, w.Body)
		}
	}
	if codes[200] < 50 || codes[400] < 100 || codes[422] < 100 {
		t.Errorf("the changes test too little: %v", codes)
	}
}

// No body makes the decoder panic or answer with a fault of ours.
func FuzzPredict(f *testing.F) {
	b, _ := bundletest.New(f)
	h, _, _ := served(f, b)
	f.Add(sound)
	f.Add(`{"patients": [{"features": {"age": 61}}], "times": [{"value": 1e9, "unit": "wk"}], "explain": {"top": 1}}`)
	f.Fuzz(func(t *testing.T, body string) {
		if w := ask(h, "POST", "/v1/models/glioma/explain", body); w.Code >= 500 {
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
	})
}

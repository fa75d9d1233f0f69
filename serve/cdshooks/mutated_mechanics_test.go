package cdshooks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/voxgene/voxgene/features/work"
)

// Ten thousand calls and feedbacks of a known client, each a sound one with some bytes changed, doubled, cut or replaced: none is answered as a fault of ours, and no log names
// the patient.
func TestMutatedCalls(t *testing.T) {
	h := newHospital(t)
	r0 := h.keep(t, "sha256:1")
	feedback := fmt.Sprintf(`{"feedback":[{"card":"%s-%s","outcome":"overridden","overrideReason":{"userComment":"CANARY says no"},"outcomeTimestamp":"2026-01-01T00:00:00Z"}]}`, r0.ID[:8], r0.ID[8:])
	const words = `{}[]",:0123456789.eE+-\u0000 null true "1e999" urn:oid:1.2.3 CANARY-1 identifier`
	r := work.Seed(9).Rand()
	codes := map[int]int{}
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	for i := range n {
		path, body := service, []byte(view)
		if i%2 == 1 {
			path, body = service+"/feedback", []byte(feedback)
		}
		for range 1 + r.IntN(3) {
			at := r.IntN(len(body) + 1)
			switch end := min(len(body), at+r.IntN(20)); r.IntN(4) {
			case 0:
				body = append(body[:at:at], body[end:]...)
			case 1:
				body = append(body[:end:end], body[at:]...)
			case 2:
				if at < len(body) {
					body[at] = byte(r.IntN(256))
				}
			case 3:
				from := r.IntN(len(words))
				body = append(append(body[:at:at], words[from:min(len(words), from+1+r.IntN(6))]...), body[end:]...)
			}
		}
		w := h.ask("POST", path, h.token(t, path, jwt.SigningMethodES384, h.ec, nil), string(body))
		if codes[w.Code]++; w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%q: %d %s", body, w.Code, w.Body)
		}
	}
	if codes[200] < n/100 || codes[400] < n/100 || codes[412] < n/1000 {
		t.Errorf("the changes test too little: %v", codes)
	}
	if bytes.Contains(h.log.Bytes(), []byte("CANARY")) {
		t.Error("the log names the patient")
	}
}

package worklist_test

import (
	"bytes"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/serve/results"
)

// Ten thousand requests to each route that takes something, each a sound one with some bytes of its body, path or query changed, doubled, cut or replaced: none
// is answered as a fault of ours, none makes of the result what nobody asked for, and neither answers nor the log name the patient.
func TestMutatedRequests(t *testing.T) {
	h, store, r, log := served(t)
	for route, sound := range map[string]string{
		"POST /v1/results/find":                     `{"patient": "CANARY-17", "issuer": "HOSPITAL"}`,
		"POST /v1/results/" + r.ID + "/finalise":    `{"by": "Dr A"}`,
		"POST /v1/results/none/retract":             `{"by": "Dr A", "reason": "another lesion", "rejection": "quality"}`, // of no result
		"GET /v1/cases?limit=17":                    "",
		"GET /v1/results?limit=17&patient=CANARY-9": "",
	} {
		random := work.Seed(12).Split(route).Rand()
		method, address, _ := strings.Cut(route, " ")
		codes := map[int]int{}
		requests := 10_000
		if testing.Short() {
			requests /= 5
		}
		for range requests {
			body, path := []byte(sound), []byte(address)
			for range 1 + random.IntN(3) {
				what := &body
				if len(sound) == 0 || random.IntN(4) == 0 {
					what = &path
				}
				at := random.IntN(len(*what) + 1)
				switch end := min(len(*what), at+1+random.IntN(12)); random.IntN(4) {
				case 0:
					*what = append((*what)[:at:at], (*what)[end:]...)
				case 1:
					*what = append((*what)[:end:end], (*what)[at:]...)
				case 2:
					if at < len(*what) {
						(*what)[at] = byte(random.IntN(256))
					}
				case 3:
					*what = (*what)[:at:at]
				}
			}
			u, err := url.Parse("http://h/" + strings.TrimLeft(string(path), "/"))
			if err != nil {
				continue // which no client could send
			}
			q := httptest.NewRequest(method, "/", bytes.NewReader(body))
			q.URL = u
			q.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, q)
			if codes[w.Code]++; w.Code >= 500 || strings.Contains(w.Body.String(), "CANARY") && w.Code < 300 {
				t.Fatalf("%s: %d %s", route, w.Code, w.Body)
			}
		}
		if len(codes) < 3 {
			t.Errorf("%s: the changes test too little: %v", route, codes)
		}
	}
	if got, err := store.Get(r.ID); err != nil || got.State != results.Final || got.Reason != "" {
		t.Errorf("%+v (%v)", got.State, err)
	}
	if strings.Contains(log.String(), "CANARY") || strings.Contains(log.String(), "panic") {
		t.Error("the log names the patient, or has a panic")
	}
}

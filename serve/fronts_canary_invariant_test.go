package serve_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/cdshooks"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/viewing"
)

// In clinical use, over the worklist, jobs, the scan, STOW-RS, CDS Hooks with a stored result, and deliveries to a PACS and an EHR that fail and repeat
// what they were sent: the name is in no answer, no log and no file, the identifier only in the answer to who sent it; the databases hold neither
// in plain. Pixels are gone after a study that went well, one that failed and one that was cancelled. Who looked at what is in the audit, once. And
// after the patient is erased nothing of them can be read, and the audit's chain holds.
func TestHospital(t *testing.T) {
	images, mask := planted(t)
	h := newHospital(t)
	status, result := h.study(images, mask, false)
	if result == "" {
		t.Fatal(status)
	}
	h.empty("after a study")
	if status, _ := h.study(images[:1], images[0], false); status != "failed" && status != "422" {
		t.Errorf("a study without a mask: %s", status)
	}
	h.empty("after a fault")
	h.study(images, mask, true)
	h.empty("after a cancelled job")

	h.pages(result)
	h.hooks(result)

	// STOW-RS: what is sent is predicted by the poller of the spool; half an instance is refused.
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for _, content := range append(images[:len(images):len(images)], mask, images[0][:300], []byte(canaryName)) {
		w, err := m.CreatePart(map[string][]string{"Content-Type": {"application/dicom"}})
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	m.Close()
	if w := h.ask("POST", "/dicom-web/studies", `multipart/related; type="application/dicom"; boundary=`+m.Boundary(), b.String(), false); w.Code != http.StatusAccepted {
		t.Errorf("STOW: %d %s", w.Code, w.Body)
	}
	type entry struct{ Source, Status string }
	done := false
	for range 400 {
		for _, c := range decoded[struct{ Cases []entry }](t, h.ask("GET", "/v1/cases", "application/json", "", false)).Cases {
			done = done || c.Source == "stow" && c.Status == "done"
		}
		if done {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if !done {
		t.Error("what was sent by STOW-RS was not predicted")
	}
	h.empty("after STOW-RS")
	h.stop()
	h.deliver(t)
	h.silent("after all")
	h.empty("after all")
	h.viewed(t, result)
	h.erase(t, result)
}

// pages asks what the page asks, again and again as it does.
func (h *hospital) pages(result string) {
	t := h.t
	js := "application/json"
	for range 5 {
		for _, path := range []string{"/", "/v1/cases", "/v1/results", "/v1/results/" + result, "/v1/scans", "/v1/results/" + strings.Repeat("0", 32)} {
			h.ask("GET", path, js, "", false)
		}
	}
	scans := decoded[struct{ Scans []struct{ Scan string } }](t, h.ask("GET", "/v1/scans", js, "", false)).Scans
	if len(scans) == 0 {
		t.Fatal("no scan is kept")
	}
	at := "/v1/scans/" + scans[len(scans)-1].Scan
	for slice := range 15 {
		for _, layer := range []string{"image", "0"} {
			if w := h.ask("GET", fmt.Sprintf("%s/0/%s/axial/%d", at, layer, slice), js, "", false); w.Code != http.StatusOK {
				t.Errorf("slice %d: %d %s", slice, w.Code, w.Body)
			}
		}
	}
	h.ask("GET", at, js, "", false)
	found := decoded[struct{ Results []struct{ ID string } }](t, h.ask("POST", "/v1/results/find", js, `{"patient": "`+canaryID+`"}`, false))
	if len(found.Results) == 0 {
		t.Error("the patient is not found")
	}
	h.ask("POST", "/v1/results/find", js, `{"patient": "`+canaryName+`", "x": 1}`, false)
	if w := h.ask("POST", "/v1/results/"+result+"/finalise", js, `{"by": "Dr A"}`, false); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// hooks asks for the card of the patient, rightly and wrongly.
func (h *hospital) hooks(result string) {
	t := h.t
	path := "/cds-services/" + cdshooks.Service
	n := 0
	token := func() string {
		n++
		now := time.Now()
		tok := jwt.NewWithClaims(jwt.SigningMethodES384, jwt.MapClaims{"iss": "https://ehr.example", "aud": h.config.CDSHooks.URL + path, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": fmt.Sprint(n)})
		tok.Header["kid"] = "e"
		s, err := tok.SignedString(h.key)
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + s
	}
	body := `{"hook":"patient-view","hookInstance":"d1577c69-dfbe-44ad-ba6d-3e05e953b2ea","context":{"userId":"Practitioner/1","patientId":"17"},
		"prefetch":{"patient":{"resourceType":"Patient","id":"17","name":[{"family":"` + canaryName + `"}],"identifier":[{"system":"urn:oid:1.2.3","value":"` + canaryID + `"}]}}}`
	w := h.ask("POST", path, "application/json", body, false, "Authorization", token())
	if cards := decoded[struct{ Cards []struct{ UUID string } }](t, w).Cards; len(cards) != 1 || strings.ReplaceAll(cards[0].UUID, "-", "") != result {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, wrong := range []string{body[:len(body)-9] + canaryName, strings.Replace(body, `"17"`, `"`+canaryName+`"`, 1), strings.Replace(body, `"patient-view"`, `"`+canaryName+`"`, 1), `"` + canaryName + `"`} {
		h.ask("POST", path, "application/json", wrong, false, "Authorization", token())
	}
	h.ask("POST", path, "application/json", body, false, "Authorization", "Bearer "+canaryName)
	h.ask("POST", path+"/feedback", "application/json", `{"feedback":[{"card":"`+canaryName+`","outcome":"accepted"}]}`, false, "Authorization", token())
}

// deliver tries what is due at the PACS and the EHR, which fail, and looks at what is told of it.
func (h *hospital) deliver(t *testing.T) {
	store, err := results.Open(h.config.Results.Path)
	if err != nil {
		t.Fatal(err)
	}
	outbox, err := serve.NewOutbox(h.config, store, slog.New(slog.NewJSONHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug})), "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := outbox.Deliver(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	store.Close()
	h.start()
	list := decoded[struct{ Results []struct{ ID string } }](t, h.ask("GET", "/v1/results", "application/json", "", false)).Results
	tried := 0
	for _, r := range list {
		w := h.ask("GET", "/v1/results/"+r.ID, "application/json", "", false)
		for _, d := range decoded[struct{ Deliveries []struct{ Accepted bool } }](t, w).Deliveries {
			if tried++; d.Accepted {
				t.Errorf("%s", w.Body)
			}
		}
	}
	if tried < 2 {
		t.Errorf("%d deliveries were tried", tried)
	}
	h.stop()
}

// viewed checks that the audit has each view once: what was asked a hundred times too.
func (h *hospital) viewed(t *testing.T, result string) {
	log, err := audit.Open(h.config.Audit.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	count := map[string]int{}
	err = log.Each(viewing.Route, func(e audit.Entry) error {
		var event viewing.Event
		if err := json.Unmarshal(e.Answer, &event); err != nil {
			return err
		}
		what := e.Route
		if event.Object == result && e.Who == "" {
			what += " of the result"
		}
		if count[what]++; event.Code == "" || event.Action == "" || e.Time.IsZero() {
			t.Errorf("%+v %s", e, e.Answer)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// A server that was started again knows nothing of the views before: the results were listed and looked at a second time.
	want := map[string]int{"view list": 3, "view result of the result": 2, "view scan": 1, "view search": 1, "view verify of the result": 1, "view result": 1}
	for what, n := range want {
		if what == "view result" { // the card, and other results that were looked at after the deliveries
			if count[what] < n {
				t.Errorf("%s: %d", what, count[what])
			}
		} else if count[what] != n {
			t.Errorf("%s: %d, want %d (%v)", what, count[what], n, count)
		}
	}
	of, err := log.Of(canaryID)
	views := 0
	for _, e := range of {
		if strings.HasPrefix(e.Route, viewing.Route) {
			views++
		}
	}
	if err != nil || views < 4 {
		t.Errorf("%d views stand under the patient (%v)", views, err)
	}
}

// erase erases the patient from the results and the audit.
func (h *hospital) erase(t *testing.T, result string) {
	store, err := results.Open(h.config.Results.Path)
	if err != nil {
		t.Fatal(err)
	}
	before, err := store.Get(result)
	if err != nil || before.Identity.Patient != canaryID {
		t.Fatalf("%+v %v", before.Identity, err)
	}
	secrets := column(t, h.config.Results.Path, "SELECT key FROM keys UNION SELECT content FROM results UNION SELECT content FROM cases")
	if n, err := store.Erase(canaryID, ""); err != nil || n == 0 {
		t.Errorf("%d results erased (%v)", n, err)
	}
	store.Close()
	log, err := audit.Open(h.config.Audit.Path)
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, column(t, h.config.Audit.Path, "SELECT key FROM keys WHERE patient = ?1 UNION SELECT payload FROM entries WHERE patient = ?1", log.Hash(canaryID))...)
	if n, err := log.Erase(t.Context(), canaryID, "test"); err != nil || n == 0 {
		t.Errorf("%d entries erased (%v)", n, err)
	}
	if _, err := log.Verify(); err != nil {
		t.Error(err)
	}
	if left, err := log.Of(canaryID); err != nil || len(left) != 0 {
		t.Errorf("%d entries are left (%v)", len(left), err)
	}
	log.Close()
	h.start()
	js := "application/json"
	w := h.ask("GET", "/v1/results/"+result, js, "", false)
	if got := decoded[struct {
		Erased     bool
		Prediction json.RawMessage
		Features   []any
		Deliveries []any
	}](t, w); !got.Erased || got.Prediction != nil || got.Features != nil {
		t.Errorf("%s", w.Body)
	}
	for _, c := range decoded[struct {
		Cases []struct{ Result, Reason string }
	}](t, h.ask("GET", "/v1/cases", js, "", false)).Cases {
		if c.Reason != "" {
			t.Errorf("a case says %q", c.Reason)
		}
	}
	if found := decoded[struct{ Results []struct{ Erased bool } }](t, h.ask("POST", "/v1/results/find", js, `{"patient": "`+canaryID+`"}`, false)).Results; len(found) > 0 && !found[0].Erased {
		t.Error("the patient's results can still be read")
	}
	h.stop()
	store, err = results.Open(h.config.Results.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	after, err := store.Get(result)
	if err != nil || !after.Erased || after.Identity.Patient != "" || after.Identity.Study != "" || len(after.Prediction) != 0 {
		t.Errorf("%+v %v", after, err)
	}
	outbox, err := serve.NewOutbox(h.config, store, slog.New(slog.NewJSONHandler(&h.log, nil)), "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := outbox.Deliver(t.Context(), ""); err != nil {
		t.Error(err)
	}
	h.silent("after the erasure")
	if len(secrets) < 8 {
		t.Errorf("only %d keys and payloads were there", len(secrets))
	}
	// Neither the keys nor what they opened stand in the databases, in pages that are free or in a journal.
	h.files(func(name string, b []byte) {
		for _, secret := range secrets {
			if len(secret) >= 16 && bytes.Contains(b, secret[:16]) {
				t.Errorf("%s still holds a key or a payload", filepath.Base(name))
			}
		}
	})
}

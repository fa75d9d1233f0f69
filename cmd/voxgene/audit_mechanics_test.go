package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Predictions of every front are in the audit of the server that made them; a patient can be shown, then erased, and the chain holds.
func TestAudit(t *testing.T) {
	dir := t.TempDir()
	db, config := filepath.Join(dir, "audit.db"), filepath.Join(dir, "serve.yaml")
	if err := os.WriteFile(config, []byte("audit: {path: "+db+", keep: 24h}\nlog: {access: false}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var out, errs pipe
	done := make(chan int)
	go func() {
		done <- run(ctx, []string{"serve", trained, "--addr", "127.0.0.1:0", "--config", config}, &out, &errs)
	}()
	for range 500 {
		if strings.Contains(out.String(), "\n") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	_, address, ok := strings.Cut(strings.TrimSpace(out.String()), "listening on ")
	if !ok {
		t.Fatalf("%s %s", &out, &errs)
	}
	for path, body := range map[string]string{
		"/v1/models/phantom/predict": `{"patients": [{"id": "CANARY", "features": {"age": 50, "sex": "male"}}, {"id": "other", "features": {"age": 60, "sex": "female"}}]}`,
		"/v2/models/phantom/infer":   `{"inputs": [{"name": "clinical.age", "shape": [1], "datatype": "FP64", "data": [50]}]}`,
		"/fhir/$predict":             `{"resourceType": "Parameters", "parameter": [{"name": "subject", "valueReference": {"reference": "Patient/CANARY"}}, {"name": "feature", "part": [{"name": "name", "valueString": "age"}, {"name": "value", "valueDecimal": 50}]}]}`,
	} {
		r, err := http.Post(address+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if r.Body.Close(); r.StatusCode != 200 {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
	// The audit can be verified and a patient erased while the server runs.
	if code, text, stderr := voxgene("audit", "verify", db); code != 0 || !strings.HasPrefix(text, "4 entries, 0 of them erased") {
		t.Errorf("%d %s %s", code, text, stderr)
	}
	if code, text, stderr := voxgene("audit", "show", db, "CANARY"); code != 0 || !strings.Contains(text, `"route":"POST /v1/models/{model}/predict"`) || !strings.Contains(text, `"probabilities"`) {
		t.Errorf("%d %s %s", code, text, stderr)
	}
	if code, text, stderr := voxgene("audit", "erase", db, "CANARY"); code != 0 || text != "1 entries erased\n" {
		t.Errorf("%d %s %s", code, text, stderr)
	}
	stop()
	if code := <-done; code != 0 {
		t.Errorf("exit %d: %s", code, &errs)
	}
	if code, text, _ := voxgene("audit", "show", db, "CANARY"); code != 0 || text != "" {
		t.Errorf("after erasure: %d %s", code, text)
	}
	if code, text, stderr := voxgene("audit", "verify", db); code != 0 || !strings.HasPrefix(text, "5 entries, 1 of them erased") {
		t.Errorf("%d %s %s", code, text, stderr)
	}
	if strings.Contains(errs.String(), "CANARY") {
		t.Errorf("the log names the patient: %s", &errs)
	}
	files, err := filepath.Glob(db + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if b, err := os.ReadFile(f); err != nil || strings.Contains(string(b), "CANARY") {
			t.Errorf("%s names the patient (%v)", f, err)
		}
	}
	for _, args := range [][]string{{"audit", "verify", filepath.Join(dir, "none.db")}, {"audit", "verify", dir}, {"audit", "erase", db}, {"audit", "verify", config}} {
		if code, _, stderr := voxgene(args...); code == 0 {
			t.Errorf("%v: exit %d %s", args, code, stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "none.db")); err == nil {
		t.Error("verifying made a database")
	}
}

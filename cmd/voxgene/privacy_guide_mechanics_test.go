package main

import (
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/viewing"
)

// The configuration of docs/privacy.md is one that a server starts with, and its commands erase a patient from both databases.
func TestPrivacyGuide(t *testing.T) {
	page, err := os.ReadFile("../../docs/privacy.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	config := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindSubmatch(page)
	if err := os.WriteFile("serve.yaml", config[1], 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := serve.ReadConfig("serve.yaml")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, "model.voxgene")
	if c.Models = []string{"model.voxgene"}; c.Privacy != serve.Research || c.Check() != nil {
		t.Errorf("%+v %v", c.Privacy, c.Check())
	}
	store, err := results.Open("results.db")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Keep(results.Kept{Model: "glioma", Version: "sha256:ff", Inputs: "sha256:01", Content: results.Content{
		Identity: results.Identity{Patient: "PATIENT", Issuer: "HOSPITAL"}, Prediction: []byte(`{"outcomes":{}}`)}}); err != nil {
		t.Fatal(err)
	}
	store.Close()
	log, err := audit.Open("audit.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Record(t.Context(), []audit.Entry{{Time: time.Now(), Patient: "PATIENT", Answer: []byte("{}")}}); err != nil {
		t.Fatal(err)
	}
	if err := viewing.New(log).Record(httptest.NewRequest("GET", "/", nil), viewing.View{Kind: viewing.Result, Object: "r1", Patient: "OTHER"}); err != nil {
		t.Fatal(err)
	}
	log.Close()
	commands := 0
	for _, m := range regexp.MustCompile(`(?m)^voxgene (.*)$`).FindAllSubmatch(page, -1) {
		args := regexp.MustCompile(`\S+`).FindAllString(string(m[1]), -1)
		if code, out, errs := voxgene(args...); code != 0 || !regexp.MustCompile(`1\b`).MatchString(out) {
			t.Errorf("%v: exit %d: %s%s", args, code, out, errs)
		}
		commands++
	}
	if commands != 3 {
		t.Errorf("%d commands", commands)
	}
	if code, out, errs := voxgene("audit", "views", "audit.db", "r1"); code != 0 || !strings.Contains(out, `"what":"result"`) || !strings.Contains(out, `"meaning":"Patient Record"`) {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if code, out, _ := voxgene("audit", "views", "audit.db", "r2"); code != 0 || out != "" {
		t.Errorf("of another result: exit %d: %s", code, out)
	}
}

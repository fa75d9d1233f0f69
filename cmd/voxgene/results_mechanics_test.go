package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/serve/results"
)

// The commands of the guide's section on results, over a database with two results of one study and one patient beside them.
func TestResultsGuide(t *testing.T) {
	guide, err := os.ReadFile("../../docs/serve.md")
	if err != nil {
		t.Fatal(err)
	}
	pacsGuide, err := os.ReadFile("../../docs/dicom-integration.md")
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(guide), "voxgene results erase") // after which nothing can be written
	if !found {
		t.Fatal("the guide erases nothing")
	}
	commands := before + string(pacsGuide) + "\nvoxgene results erase" + after
	t.Chdir(t.TempDir())
	s, err := results.Open("results.db")
	if err != nil {
		t.Fatal(err)
	}
	keep := func(patient, mask, version string) string {
		r, _, err := s.Keep(results.Kept{Model: "glioma", Version: version, Use: "research", Inputs: "sha256:01", Content: results.Content{
			Identity: results.Identity{Patient: patient, Issuer: "HOSPITAL", Study: "1.2.3", Series: []string{"1.2.3.1"}, Mask: mask}, Prediction: []byte(`{"outcomes":{}}`),
			Evidence: []results.Instance{{Class: "1.2.840.10008.5.1.4.1.1.4", Instance: "1.2.3.1.1", Series: "1.2.3.1"}}}})
		if err != nil {
			t.Fatal(err)
		}
		return r.ID
	}
	id := keep("PATIENT", "1.9", "sha256:ff")
	keep("OTHER", "1.9", "sha256:0123456789abcdef")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	pacs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/studies/1.2.3" || !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/related") {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer pacs.Close()
	allowed := "dicomweb: {systems: [{name: pacs, url: \"" + pacs.URL + "\"}]}\nwriteback: {approved_by: board, protocol: \"17-4\", expires: \"" + time.Now().AddDate(0, 1, 0).Format(time.DateOnly) + "\"}\n"
	if err := os.WriteFile("serve.yaml", []byte(allowed), 0o600); err != nil {
		t.Fatal(err)
	}
	voxgene := func(want int, args ...string) string {
		t.Helper()
		var out, said bytes.Buffer
		if code := run(context.Background(), args, &out, &said); code != want {
			t.Errorf("%v: exit %d, want %d: %s", args, code, want, said.String())
		}
		return out.String() + said.String()
	}
	says := func(text string, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if !strings.Contains(text, p) {
				t.Errorf("no %q in:\n%s", p, text)
			}
		}
	}
	says(voxgene(2, "results", "dicom", "results.db", id, "-o", "report.dcm"), "not permitted", "writeback")
	says(voxgene(2, "results", "show", "absent.db", id), "no such file")
	says(voxgene(2, "results", "retract", "results.db", id, "--by", "x"), "--reason")
	says(voxgene(2, "results", "retract", "results.db", "--bundle", "sha256:0", "--by", "x", "--reason", "y"), "eight digits")

	// Every command of the guide, its ID put in.
	outputs := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^voxgene (results .*)$`).FindAllStringSubmatch(commands, -1) {
		var args []string
		for _, a := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(m[1], -1) {
			if a = strings.Trim(a, `"`); a == "ID" {
				a = id
			}
			args = append(args, a)
		}
		outputs[args[1]] += voxgene(0, args...)
	}
	if len(outputs) != 8 {
		t.Fatalf("the guide has commands %v", outputs)
	}
	says(outputs["list"], "PATIENT", "OTHER", "preliminary")
	says(outputs["show"], `"patient": "PATIENT"`, "research use only")
	says(outputs["finalise"], "is final")
	says(outputs["send"], "pacs accepted: sr final stored")
	says(outputs["queue"], "result", "tries")
	says(outputs["retract"], "is entered-in-error; it stands in 1 other systems", "  pacs, written", ": accepted the retraction", "it stands in 0 other systems")
	says(outputs["erase"], "1 results and cases erased")
	note, err := os.ReadFile("rejection.dcm")
	if err != nil || !bytes.Contains(note, []byte("Rejected for Patient Safety Reasons")) {
		t.Errorf("the rejection note: %v", err)
	}
	b, err := os.ReadFile("report.dcm")
	if err != nil || !bytes.Contains(b, []byte("Retracted (entered in error): mask of another lesion")) {
		t.Errorf("the report of the retraction: %v", err)
	}
}

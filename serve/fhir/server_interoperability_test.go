//go:build interoperability

package fhir_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/fhir"
	"github.com/voxgene/voxgene/serve/results"
)

// medplum starts a FHIR server of Medplum's packages, which validates what it is given by HL7's own profiles, and returns its address. Node 18.20 and
// npm 9.2, which Debian 12 has, will do (the packages ask for Node 22, and need nothing of it here); without the network nothing will.
func medplum(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "server"))); err != nil {
		t.Fatal(err)
	}
	install := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v; this needs node 18 or later and npm 9 or later (packages nodejs and npm of Debian 12 or later), and the registry of npm: %.500s", err, out)
	}
	server := exec.Command("node", "server.cjs")
	server.Dir, server.Stderr = dir, os.Stderr
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

// call sends a resource and returns what is answered.
func call(t *testing.T, method, address string, body []byte) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/fhir+json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %.300s", err, text)
	}
	return answer.StatusCode, v
}

// A FHIR server that is not ours takes our results, has each once, finds them by identifier, and has them entered-in-error after a retraction; its
// validator finds no fault in what we answer, and finds those that are put in.
func TestInteroperabilityFHIR(t *testing.T) {
	base := medplum(t)
	code, made := call(t, "POST", base+"/Patient", []byte(known))
	if code != 201 {
		t.Fatalf("%d %v", code, made)
	}
	c := fhir.SystemConfig{Name: "ehr", Config: client.Config{URL: base, Timeout: time.Minute}, Issuers: []fhir.Issuer{{System: "urn:oid:1.2.3", Issuer: "HOSPITAL"}}}
	s := system(t, c)
	for i := range uint64(12) {
		r := kept(t)
		r.ID, r.Prediction = fmt.Sprintf("%032x", i), prediction(i).AppendJSON(nil)
		if i%2 == 0 {
			r.Origin, r.Identity.Study = "2024-02-29", "1.2.3"
		}
		d := s.Write(t.Context(), r)
		if !d.Accepted {
			t.Fatalf("result %d: %s", i, d.Detail)
		}
		if again := s.Write(t.Context(), r); !again.Accepted || again.Detail != "was there already" {
			t.Errorf("result %d again: %s", i, again.Detail)
		}
		r.State = results.Final
		if d := s.Write(t.Context(), r); !d.Accepted {
			t.Errorf("result %d, final: %s", i, d.Detail)
		}
		status := func() string {
			_, found := call(t, "GET", base+"/DiagnosticReport?identifier="+url.QueryEscape(fhir.ResultSystem+"|"+r.ID), nil)
			entries, _ := found["entry"].([]any)
			if len(entries) != 1 {
				t.Fatalf("%d reports of result %d", len(entries), i)
			}
			return entries[0].(map[string]any)["resource"].(map[string]any)["status"].(string)
		}
		if got := status(); got != "final" {
			t.Errorf("result %d is %s", i, got)
		}
		r.State, r.Reason = results.EnteredInError, "mask of another lesion"
		if d := s.Withdraw(t.Context(), r, d); !d.Accepted {
			t.Errorf("result %d, retracted: %s", i, d.Detail)
		}
		if got := status(); got != "entered-in-error" {
			t.Errorf("result %d is %s after its retraction", i, got)
		}
	}
	if _, devices := call(t, "GET", base+"/Device?_count=50", nil); len(devices["entry"].([]any)) != 1 {
		t.Errorf("%d devices of one bundle", len(devices["entry"].([]any)))
	}

	// Its validator reads the answers of the operation.
	b, _ := bundletest.New(t)
	abstaining, _ := bundletest.New(t)
	abstaining.Abstain = &bundle.Abstain{OutOfRange: 0.1}
	for _, q := range []string{parameters, observations, strings.Replace(parameters, `{"name": "origin", "valueDate": "2024-01-31"},`, "", 1)} {
		for _, served := range []*bundle.Bundle{b, abstaining} {
			code, text := ask(front(t, served), "POST", "/fhir/$predict", q)
			if status, said := call(t, "POST", base+"/$check", text); code != 200 || status != 200 {
				t.Errorf("%d, %d %v", code, status, said)
			}
			for _, change := range [][2]string{{`"status":"preliminary"`, `"status":7`}, {`"device":{`, `"devise":{`}} {
				if broken := bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1); bytes.Equal(broken, text) {
					t.Errorf("no %s", change[0])
				} else if status, _ := call(t, "POST", base+"/$check", broken); status == 200 {
					t.Errorf("the validator takes %s", change[1])
				}
			}
		}
	}
	for _, path := range []string{"/fhir/metadata", "/fhir/OperationDefinition/predict"} {
		_, text := ask(front(t, b), "GET", path, "")
		if status, said := call(t, "POST", base+"/$check", text); status != 200 {
			t.Errorf("%s: %v", path, said)
		}
	}
}

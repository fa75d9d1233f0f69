package serve_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/results"
)

// opened is a server of one bundle, glioma, that keeps results, with one that is kept, and its log of errors.
func opened(t *testing.T, edit func(*serve.Config)) (*serve.Server, *bundle.Bundle, results.Result, *synced) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "model.voxgene")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	c, err := serve.ReadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	c.Models, c.Results.Path = []string{path}, filepath.Join(dir, "results.db")
	if edit != nil {
		edit(&c)
	}
	store, err := results.Open(c.Results.Path)
	if err != nil {
		t.Fatal(err)
	}
	kept, _, err := store.Keep(results.Kept{Model: b.Name, Version: b.Version(), Content: results.Content{Identity: results.Identity{Patient: "CANARY-17", Issuer: "HOSPITAL"}, Prediction: []byte(`{"id":"CANARY-17","outcomes":{},"warnings":[]}`)}})
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	log := &synced{}
	s, err := serve.New(c, slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelError})), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, b, kept, log
}

// said is what a refusal says, by the protocol of the front; empty where it says nothing.
func said(t *testing.T, body []byte) string {
	t.Helper()
	var v struct {
		Detail, Error, Message string
		Errors                 []struct{ Pointer, Detail string }
		Issue                  []struct{ Diagnostics string }
	}
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	for _, i := range v.Issue {
		v.Detail += i.Diagnostics
	}
	for _, e := range v.Errors {
		if !strings.HasPrefix(e.Pointer, "#") || e.Detail == "" {
			t.Fatalf("a fault without a place or words: %s", body)
		}
	}
	return v.Detail + v.Error + v.Message
}

// raw is JSON, or what looks like it, as it is written.
type raw string

// hostile are values of the wrong kind, at the edge of what is a number, or none.
var hostile = []raw{"null", "true", "false", "0", "-0", "1", "-1", "0.5", "1e30", "1e308", "1e999", "-1e999", "1e-999", "1e+99999999999999999999", "9007199254740993", "18446744073709551616",
	"123456789012345678901234567890123456789012345678901234567890", "NaN", "Infinity", "-Infinity", "0x10", "01", "1.", ".5", "+1", "1_000", "--1", `""`, `"a"`, `"1"`, `"NaN"`, `"\u0000"`, `"\ud800"`,
	`"\ud83d\ude00"`, `"\x"`, "\"\xff\xfe\"", "\"\n\"", `"../../../etc/passwd"`, `"%00%2e%2e"`, `"<script>alert(1)</script>"`, `"__proto__"`, `"CANARY-17"`, "[]", "{}", "[[]]", "[{}]", `{"":0}`, `{"a":{}}`,
	"[null]", "[1,2]", `[[1,2],[3]]`, "'a'", "", " ", ",", "[,]", "{,}", `{"a"}`, `[1`, `{"a":1`, "/*a*/1", "\ufeff1",
	raw(strings.Repeat("[", 300) + strings.Repeat("]", 300)), raw(strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300)), raw(strings.Repeat("[", 20_000)), raw(`"` + strings.Repeat("a", 5000) + `"`),
	raw("1" + strings.Repeat("0", 2000)), raw("0." + strings.Repeat("3", 2000)), raw("[" + strings.Repeat("0,", 2000) + "0]")}

// change makes one change somewhere in a JSON value.
func change(r *rand.Rand, v any) any {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		if len(keys) == 0 || r.IntN(12) == 0 {
			break
		}
		k := keys[r.IntN(len(keys))]
		switch r.IntN(10) {
		case 0:
			delete(v, k)
		case 1: // the same member twice
			var b bytes.Buffer
			write(&b, v)
			var first bytes.Buffer
			write(&first, map[string]any{k: v[k]})
			return raw(strings.TrimSuffix(b.String(), "}") + "," + strings.TrimPrefix(first.String(), "{"))
		case 2:
			v[strings.ToUpper(k)] = v[k]
		case 3:
			v[string(hostile[r.IntN(len(hostile))][:0])+"\x7f"+k] = v[k]
		default:
			v[k] = change(r, v[k])
		}
		return v
	case []any:
		if len(v) == 0 || r.IntN(12) == 0 {
			break
		}
		i := r.IntN(len(v))
		switch r.IntN(8) {
		case 0:
			return slices.Delete(v, i, i+1)
		case 1:
			return append(v, v[i])
		case 2:
			return append(v, hostile[r.IntN(len(hostile))])
		}
		v[i] = change(r, v[i])
		return v
	}
	return hostile[r.IntN(len(hostile))]
}

// write writes a JSON value with what is raw in it.
func write(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case raw:
		b.WriteString(string(v))
	case map[string]any:
		b.WriteByte('{')
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for i, k := range keys {
			if i > 0 {
				b.WriteByte(',')
			}
			name, _ := json.Marshal(k)
			b.Write(append(name, ':'))
			write(b, v[k])
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			write(b, e)
		}
		b.WriteByte(']')
	default:
		text, _ := json.Marshal(v)
		b.Write(text)
	}
}

// Ten thousand bodies to each front (fewer in short runs), two or three forms of one sharing them, whose structure was changed: values of another type, members left out, repeated or renamed, numbers beyond every range,
// texts that are none, deep nesting. None is answered as a fault of ours, and each refusal says what is wrong.
func TestMutatedStructure(t *testing.T) {
	s, _, kept, log := opened(t, nil)
	h := s.Handler()
	const patients = `"patients": [{"id": "CANARY-17", "features": {"clinical.age": 61, "clinical.sex": "M", "t1.volume": 900.5, "rna.EGFR": 0.1, "rna.TP53": null}}, {"features": {"age": 50}}]`
	const tensors = `{"id": "CANARY", "parameters": {"times": "12mo,24mo", "binary_data_output": false}, "inputs": [{"name": "clinical.age", "shape": [2, 1], "datatype": "FP64", "data": [[50], [60]]},
		{"name": "clinical.sex", "shape": [2], "datatype": "BYTES", "parameters": {"content_type": "str"}, "data": ["M", "F"]}, {"name": "rna.TP53", "shape": [2], "datatype": "BOOL", "data": [true, false]}], "outputs": [{"name": "warnings"}]}`
	const observations = `{"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "CANARY"}},
		{"resource": {"resourceType": "Observation", "id": "b", "status": "final", "subject": {"reference": "urn:uuid:1"}, "code": {"coding": [{"system": "urn:voxgene:feature", "code": "clinical.age"}]},
		"valueQuantity": {"value": 61, "system": "http://unitsofmeasure.org", "code": "a"}, "component": [{"code": {"coding": [{"system": "urn:voxgene:feature", "code": "clinical.sex"}]}, "valueCodeableConcept": {"text": "M"}}]}}]}`
	total := 10_000
	if testing.Short() {
		total = 1000
	}
	for _, front := range []struct{ path, media, sound string }{
		{"/v1/models/glioma/predict", "application/json", `{` + patients + `, "outcomes": ["idh", "os"], "times": [{"value": 1, "unit": "a"}], "explain": false}`},
		{"/v1/models/glioma/explain", "application/json", `{` + patients + `, "outcomes": ["idh"], "explain": {"top": 3, "group_by": "source", "method": "linear", "scale": "log-odds", "at": [{"value": 12, "unit": "mo"}], "interactions": false}}`},
		{"/v2/models/glioma/infer", "application/json", tensors},
		{"/v2/models/glioma/explain", "application/json", strings.Replace(tensors, `, "outputs": [{"name": "warnings"}]`, "", 1)},
		{"/v1/models/glioma:predict", "application/json", `{"instances": [{"age": 61, "sex": "M", "volume": 900.5}, [50, "F", 1000, 0.5, -0.5]]}`},
		{"/v1/models/glioma:explain", "application/json", `{"instances": [{"age": 61, "sex": "M", "volume": 900.5}]}`},
		{"/invocations", "application/json", `{"dataframe_split": {"index": [0, 1], "columns": ["age", "sex"], "data": [[61, "M"], [50, null]]}, "params": {"outcomes": ["os"], "times": [{"value": 1, "unit": "a"}], "explain": {"top": 2}}}`},
		{"/invocations", "application/json", `{"inputs": {"age": [61, 50], "sex": [["M"], ["F"]]}, "params": {}}`},
		{"/fhir/$predict", "application/fhir+json", observations},
		{"/fhir/$predict", "application/fhir+json", `{"resourceType": "Parameters", "parameter": [{"name": "subject", "valueReference": {"reference": "Patient/CANARY"}}, {"name": "origin", "valueDate": "2026-01-02"},
			{"name": "feature", "part": [{"name": "name", "valueString": "age"}, {"name": "value", "valueDecimal": 50}]}, {"name": "time", "valueDuration": {"value": 1, "system": "http://unitsofmeasure.org", "code": "a"}}, {"name": "bundle", "resource": ` + observations + `}]}`},
		{"/v1/results/find", "application/json", `{"patient": "CANARY-17", "issuer": "HOSPITAL"}`},
		{"/v1/results/RESULT/finalise", "application/json", `{"by": "CANARY"}`},
		{"/v1/results/RESULT/retract", "application/json", `{"by": "CANARY", "reason": "CANARY"}`},
	} {
		path := strings.Replace(front.path, "RESULT", kept.ID, 1)
		r := work.Seed(11).Split("structure", front.sound).Rand()
		codes := map[int]int{}
		var body bytes.Buffer
		n := total / 2
		if strings.Contains(path, "/results/") {
			n = total / 3
		}
		for range n {
			var v any
			if err := json.Unmarshal([]byte(front.sound), &v); err != nil {
				t.Fatal(err)
			}
			for range r.IntN(3) + 1 {
				v = change(r, v)
			}
			body.Reset()
			write(&body, v)
			q := httptest.NewRequest("POST", path, bytes.NewReader(body.Bytes()))
			q.Header.Set("Content-Type", front.media)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, q)
			codes[w.Code]++
			if w.Code >= 500 || w.Code >= 400 && len(said(t, w.Body.Bytes())) < 10 {
				t.Fatalf("%s: %d %s\n%.2000s", path, w.Code, w.Body, body.Bytes())
			}
			if w.Code == 200 && !json.Valid(w.Body.Bytes()) {
				t.Fatalf("%s: not JSON: %s", path, w.Body)
			}
		}
		if refused := n - codes[200]; refused < n/10 || codes[200] < n/500 && !strings.Contains(path, kept.ID) {
			t.Errorf("%s: the changes test too little: %v", path, codes)
		}
	}
	if log.Len() > 0 {
		t.Errorf("the log has faults: %.2000s", log)
	}
}

// exchange writes a request as it stands and returns the answer, nil where the connection was closed without one.
func exchange(t *testing.T, address, request string) (*http.Response, []byte) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	go io.WriteString(c, request) // a server may answer before it has read all
	method, _, _ := strings.Cut(request, " ")
	reader := bufio.NewReader(c)
	for {
		answer, err := http.ReadResponse(reader, &http.Request{Method: method})
		if err != nil {
			return nil, nil
		}
		if answer.StatusCode == http.StatusContinue {
			continue
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatalf("%v in the answer to %.300q", err, request)
		}
		return answer, body
	}
}

// Every route answers every method, media type, coding and shape of a request, over a real connection, with what is right and never with a fault of ours.
func TestHostileRequests(t *testing.T) {
	s, b, kept, log := opened(t, nil)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	address := server.Listener.Addr().String()
	_, document := exchange(t, address, "GET /openapi.json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	var d struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write(make([]byte, 32<<20))
	z.Close()
	sound := `{"patients": [{"features": {"age": 61}}]}`
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\nX-Checksum: 1\r\n\r\n", len(sound), sound)
	long := strings.Repeat("a", 30_000)
	fill := strings.NewReplacer("{model}", "glioma", "{version}", b.Version(), "{result}", kept.ID, "{job}", "0", "{scan}", "0", "{image}", "0", "{layer}", "image", "{plane}", "axial", "{slice}", "0")
	codes := map[int]int{}
	check := func(request string, want ...int) {
		t.Helper()
		answer, body := exchange(t, address, request)
		if answer == nil {
			t.Errorf("no answer to %.300q", request)
			return
		}
		codes[answer.StatusCode]++
		if answer.StatusCode >= 500 && answer.StatusCode != http.StatusNotImplemented || len(want) > 0 && !slices.Contains(want, answer.StatusCode) {
			t.Errorf("%.200q: %d, want %v: %.300s", request, answer.StatusCode, want, body)
		}
		if strings.Contains(string(body), "CANARY") {
			t.Errorf("%.200q names the patient: %.300s", request, body)
		}
	}
	for template, item := range d.Paths {
		path := fill.Replace(template)
		post, refused := item["post"] != nil, []int{405}
		if strings.Contains(path, "glioma:") || strings.HasSuffix(path, "/find") { // which GET takes for the name of a model, or of a result
			refused = append(refused, 404)
		}
		head := func(method, version, headers string) string {
			return method + " " + path + " HTTP/" + version + "\r\nHost: a\r\nConnection: close\r\n" + headers + "\r\n"
		}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "FOO"} {
			switch listed := item[strings.ToLower(method)] != nil || method == "HEAD" && item["get"] != nil; {
			case method == "POST" && listed: // below
			case listed:
				check(head(method, "1.1", ""))
			default:
				check(head(method, "1.1", "Content-Length: 0\r\n"), refused...)
			}
		}
		if !post {
			check(head("GET", "1.1", "Content-Type: application/json\r\nContent-Length: 2\r\n") + "{}") // a body where none is read
			check(head("GET", "1.0", ""))
			continue
		}
		json := "Content-Type: application/json\r\n"
		media := []int{415}
		if strings.HasSuffix(path, "/studies") {
			media, json = []int{400, 415, 422}, "Content-Type: multipart/form-data; boundary=a\r\n"
		}
		for _, wrong := range []string{"", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n", "Content-Type: application/json; charset=utf-16\r\n",
			"Content-Type: application/octet-stream\r\n", "Content-Type: ;;;\r\n", "Content-Type: " + long + "\r\n"} {
			check(head("POST", "1.1", wrong+fmt.Sprintf("Content-Length: %d\r\n", len(sound)))+sound, append(media, 400)...)
		}
		for _, coding := range []string{"gzip", "deflate", "br", "identity, gzip", "zstd"} {
			check(head("POST", "1.1", json+"Content-Encoding: "+coding+fmt.Sprintf("\r\nContent-Length: %d\r\n", bomb.Len()))+bomb.String(), 400, 413, 415, 422)
		}
		check(head("POST", "1.1", json+"Transfer-Encoding: chunked\r\nTrailer: X-Checksum\r\n") + chunked)
		check(head("POST", "1.1", json+"Expect: 100-continue\r\n"+fmt.Sprintf("Content-Length: %d\r\n", len(sound))) + sound)
		check(head("POST", "1.1", json+"Expect: 200-maybe\r\n"+fmt.Sprintf("Content-Length: %d\r\n", len(sound)))+sound, 417)
		check(head("POST", "1.0", json+fmt.Sprintf("Content-Length: %d\r\n", len(sound))) + sound)
		check(head("POST", "1.0", json)+sound, 400, 415, 422)                                                                                              // a body of no length is none
		check(head("POST", "1.1", json+"Content-Length: 2\r\nContent-Length: 3\r\n")+"{}", 400)                                                            // RFC 9112, 6.3
		check(head("POST", "1.1", json+"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")+"0\r\n\r\n", 400, 415, 422)                                  // chunked has precedence
		check(head("POST", "1.1", json+"Transfer-Encoding: chunked\r\n")+"zz\r\n\r\n", 400, 415, 422)                                                      // no length of a chunk
		check(head("POST", "1.1", json+"Transfer-Encoding: gzip\r\n")+"{}", 400, 501)                                                                      // a coding that HTTP/1.1 servers may not know
		check(head("POST", "1.1", json+"Content-Length: 99999999999\r\n")+"{}", 413)                                                                       // longer than is taken
		check(strings.Replace(head("POST", "1.1", json+"Content-Length: 2\r\n"), " HTTP", "?limit=1&limit=x&"+long+"=1;&%zz HTTP", 1)+"{}", 400, 415, 422) // a hostile query
	}
	for _, template := range []string{"/v1/models/%s", "/v1/models/%s/schema", "/v1/models/glioma/versions/%s", "/v1/models/glioma/versions/%s/schema", "/v1/jobs/%s", "/v1/results/%s", "/v1/scans/%s", "/v1/scans/%s/0/image/axial/0",
		"/v1/scans/0/%s/image/axial/0", "/v1/scans/0/0/image/axial/%s", "/v2/models/%s", "/v2/models/%s/ready", "/fhir/OperationDefinition/%s", "/page/%s", "/%s", "/v1/models?x=%s", "/v1/results?limit=%s", "/v1/cases?limit=%s&limit=2"} {
		for _, id := range []string{"..", "../../etc/passwd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c..%5cwindows", "%00", "a%00b", "%ff%fe", "%C0%AE%C0%AE", "glioma%2F..%2F..", "a%20b", "%zz", long, "-1", "1e9", "99999999999999999999", "NaN",
			"CON", "sha256:", "sha256:" + strings.Repeat("f", 64), "'%20OR%201=1--", "%3Cscript%3E", "%E2%80%AE", "//", ".", "%2e", ":", ":predict", "{model}", "*"} {
			request := "GET " + fmt.Sprintf(template, id) + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
			if !strings.HasPrefix(template, "/v1/models?") {
				check(request, 200, 301, 307, 400, 403, 404, 405, 410, 422)
			} else {
				check(request, 200, 400)
			}
		}
	}
	if codes[405] < 200 || codes[415] < 50 || codes[404] < 100 {
		t.Errorf("the requests test too little: %v", codes)
	}
	if log.Len() > 0 {
		t.Errorf("the log has faults: %.2000s", log)
	}
}

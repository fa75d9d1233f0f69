package dicomweb_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/voxgene/voxgene/serve/dicomweb"
	"github.com/voxgene/voxgene/serve/results"
)

// uploaded is what became of files that were uploaded.
type uploaded struct{ Inputs, Result, Previous string }

// upload sends files to /v1 and returns what became of them.
func upload(t *testing.T, h http.Handler, parts func(m *multipart.Writer)) uploaded {
	t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	parts(m)
	m.Close()
	r := httptest.NewRequest("POST", "/v1/models/prostate/studies", &body)
	r.Header.Set("Content-Type", m.FormDataContentType())
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var out uploaded
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != 200 || out.Result == "" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return out
}

// file adds a part with a file.
func file(m *multipart.Writer, part, name string, content []byte) {
	w, err := m.CreateFormFile(part, name)
	if err != nil {
		panic(err)
	}
	w.Write(content)
}

// zipped is an archive of files under names that say nothing.
func zipped(files ...[]byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i, f := range files {
		w, err := z.Create(fmt.Sprintf("folder%d/x%d", i%2, i))
		if err != nil {
			panic(err)
		}
		w.Write(f)
	}
	z.Close()
	return b.Bytes()
}

// rewritten is the same object in a file that another program wrote: with another preamble, and another header.
func rewritten(t *testing.T, b []byte) []byte {
	t.Helper()
	const version = "\x02\x00\x13\x00SH"
	at := bytes.Index(b, []byte(version))
	if at < 0 {
		t.Fatal("no ImplementationVersionName")
	}
	out := append(bytes.Repeat([]byte("X"), 128), b[128:]...)
	n := int(b[at+6])
	copy(out[at+8:at+8+n], bytes.Repeat([]byte("Z"), n))
	if bytes.Equal(out, b) {
		t.Fatal("nothing is changed")
	}
	return out
}

// The same images and mask are the same inputs and give the same result whatever way they come: in parts, in an archive, with the mask among the images, in
// another order, under other names, in files that another archive wrote, beside a series that is not read, and by STOW-RS. Another mask is a new version.
func TestOneHash(t *testing.T) {
	const study = "1.2.3.4"
	slicesOf, drawn := images(t, study), mask(t, study)
	var other [][]byte // a series that the model does not read, and no part of what is hashed
	for _, b := range images(t, study)[:1] {
		for _, change := range [][2]string{{study + ".1\x00", study + ".8\x00"}, {study + ".1.", study + ".8."}, {"CS\x02\x00MR", "CS\x02\x00CT"}} {
			if !bytes.Contains(b, []byte(change[0])) {
				t.Fatalf("no %q", change[0])
			}
			b = bytes.ReplaceAll(b, []byte(change[0]), []byte(change[1]))
		}
		other = append(other, b)
	}
	s, mux, store := both(t)
	plain := func(files [][]byte, mask []byte) func(*multipart.Writer) {
		return func(m *multipart.Writer) {
			for i, f := range files {
				file(m, "image", fmt.Sprintf("%d.dcm", i), f)
			}
			file(m, "mask", "mask.dcm", mask)
		}
	}
	first := upload(t, mux, plain(slicesOf, drawn))
	backwards := slices.Clone(slicesOf)
	slices.Reverse(backwards)
	var others [][]byte
	for _, f := range slicesOf {
		others = append(others, rewritten(t, f))
	}
	for name, parts := range map[string]func(*multipart.Writer){
		"again":        plain(slicesOf, drawn),
		"backwards":    plain(backwards, drawn),
		"written anew": plain(others, rewritten(t, drawn)),
		"an archive": func(m *multipart.Writer) {
			file(m, "mask", "x", drawn)
			file(m, "image", "y.zip", zipped(backwards...))
		},
		"mask within": func(m *multipart.Writer) { file(m, "image", "z.zip", zipped(append([][]byte{drawn}, slicesOf...)...)) },
		"another series": func(m *multipart.Writer) {
			file(m, "image", "z.zip", zipped(append(slices.Concat(other, slicesOf), drawn)...))
		},
		"of one source": func(m *multipart.Writer) {
			file(m, "image.adc", "z.zip", zipped(slicesOf...))
			file(m, "mask.adc", "m", drawn)
		},
	} {
		if got := upload(t, mux, parts); got.Result != first.Result || got.Inputs != first.Inputs || got.Previous != "" {
			t.Errorf("%s: %+v, want %+v", name, got, first)
		}
	}
	if code, _ := send(t, mux, "/dicom-web/studies", append(others, drawn)...); code != 200 {
		t.Fatal(code)
	}
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := only(t, store); c.Status != results.Done || c.Result != first.Result {
		t.Errorf("by STOW-RS: %+v, want the result %s", c, first.Result)
	}
	// Another value, another mask and another way of explaining are other inputs.
	changed := slices.Clone(slicesOf)
	changed[2] = slices.Clone(changed[2])
	changed[2][len(changed[2])-100]++
	seen := map[string]bool{first.Inputs: true}
	before, valued := first.Result, ""
	for name, parts := range map[string]func(*multipart.Writer){
		"another pixel": plain(changed, drawn),
		"another mask":  plain(slicesOf, otherMask(t, drawn)),
		"a value":       func(m *multipart.Writer) { plain(slicesOf, drawn)(m); m.WriteField("features", `{"clinical.age": 61}`) },
		"explained":     func(m *multipart.Writer) { plain(slicesOf, drawn)(m); m.WriteField("explain", "source") },
	} {
		got := upload(t, mux, parts)
		if seen[got.Inputs] || got.Previous != before {
			t.Errorf("%s: %+v after %s", name, got, before)
		}
		seen[got.Inputs], before = true, got.Result
		if name == "a value" {
			valued = got.Inputs
		}
	}
	// Values are the same however they are written.
	for _, text := range []string{`{"age": 61.0}`, ` {"clinical.age":6.1e1}`} {
		if got := upload(t, mux, func(m *multipart.Writer) { plain(slicesOf, drawn)(m); m.WriteField("features", text) }); got.Inputs != valued {
			t.Errorf("%s: %s, want %s", text, got.Inputs, valued)
		}
	}
	if got := upload(t, mux, func(m *multipart.Writer) { plain(slicesOf, drawn)(m); m.WriteField("table", "age\n61\n") }); got.Inputs != valued {
		t.Errorf("a table: %s, want %s", got.Inputs, valued)
	}
}

// otherMask is a mask of one pixel less, in another object.
func otherMask(t *testing.T, b []byte) []byte {
	t.Helper()
	out := bytes.ReplaceAll(b, []byte(".2.1\x00"), []byte(".2.9\x00"))
	for k := bytes.LastIndex(out, []byte("\xe0\x7f\x10\x00OB")) + 12; k < len(out); k++ {
		if out[k] != 0 {
			out[k] &= out[k] - 1
			return out
		}
	}
	t.Fatal("an empty mask")
	return nil
}

// A result that was kept under the hash that there was before, of the identifiers of the objects, is found by the same objects: nothing that a person has
// verified is replaced because the program is another.
func TestFormerHash(t *testing.T) {
	const study = "1.2.3.4"
	_, mux, store := both(t)
	parts := func(m *multipart.Writer) {
		for i, f := range images(t, study) {
			file(m, "image", fmt.Sprint(i), f)
		}
		file(m, "mask", "mask", mask(t, study))
	}
	got := upload(t, mux, parts)
	r, err := store.Get(got.Result)
	if err != nil {
		t.Fatal(err)
	}
	// As it was kept before: under the SHA-256 of the JSON list of "instance segment", sorted.
	instances := []string{study + ".2.1 1"}
	for k := range slicesCount {
		instances = append(instances, fmt.Sprintf("%s.1.%d 0", study, k+1))
	}
	slices.Sort(instances)
	text, err := json.Marshal(instances)
	if err != nil {
		t.Fatal(err)
	}
	older := open(t)
	old, made, err := older.Keep(results.Kept{Model: r.Model, Version: r.Version, Use: r.Use, Inputs: fmt.Sprintf("sha256:%x", sha256.Sum256(text)), Content: r.Content})
	if err != nil || !made {
		t.Fatal(made, err)
	}
	if _, err := older.Finalise(old.ID, "Dr A"); err != nil {
		t.Fatal(err)
	}
	in := intakeTo(t, older, nil, io.Discard, nil)
	again := http.NewServeMux()
	in.Studies.Register(again)
	if got := upload(t, again, parts); got.Result != old.ID || got.Previous != "" {
		t.Errorf("%+v, want %s", got, old.ID)
	}
	if kept, err := older.Get(old.ID); err != nil || kept.State != results.Final || kept.Next != "" {
		t.Errorf("%+v %v", kept, err)
	}
}

// both are uploads and STOW-RS over one bundle and one store.
func both(t *testing.T) (*dicomweb.Stow, *http.ServeMux, *results.Store) {
	t.Helper()
	in, store := intake(t, io.Discard, nil)
	s, err := dicomweb.NewStow(dicomweb.StowConfig{Path: "/dicom-web", Spool: t.TempDir(), Settle: time.Nanosecond, Keep: time.Hour}, in)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.Register(mux)
	in.Studies.Register(mux)
	return s, mux, store
}

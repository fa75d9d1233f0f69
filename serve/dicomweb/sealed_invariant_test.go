package dicomweb_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/serve/dicomweb"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/scratch"
)

// spooled is our side of STOW-RS over folders that the test looks into.
type spooled struct {
	t         *testing.T
	in        *dicomweb.Intake
	stow      *dicomweb.Stow
	mux       *http.ServeMux
	store     *results.Store
	dir, temp string // of the spool, and of files that are worked on
	database  string
}

func newSpooled(t *testing.T, log io.Writer) *spooled {
	t.Helper()
	s := &spooled{t: t, dir: filepath.Join(t.TempDir(), "spool"), database: t.TempDir()}
	store, err := results.Open(filepath.Join(s.database, "results.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s.store = store
	s.in = intakeTo(t, store, nil, log, nil)
	s.temp = s.in.Limits.Temp
	s.start()
	return s
}

// start is a server that starts over the same spool.
func (s *spooled) start() {
	s.t.Helper()
	var err error
	if s.stow, err = dicomweb.NewStow(dicomweb.StowConfig{Path: "/dicom-web", Spool: s.dir, Settle: time.Nanosecond, Keep: time.Hour}, s.in); err != nil {
		s.t.Fatal(err)
	}
	s.mux = http.NewServeMux()
	s.stow.Register(s.mux)
}

func (s *spooled) sweep() {
	s.t.Helper()
	if err := s.stow.Sweep(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// files are all that lie on the disk.
func (s *spooled) files() map[string][]byte {
	s.t.Helper()
	out := map[string][]byte{}
	for _, root := range []string{s.dir, s.temp, s.database} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			out[path] = b
			return err
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return out
}

// silent checks that no file holds the canaries, in its content or its name, nor a run of the pixels of what was sent.
func (s *spooled) silent(when, study string, sent [][]byte) {
	s.t.Helper()
	files := s.files()
	inSpool := 0
	for path, b := range files {
		if strings.HasPrefix(path, s.dir) {
			inSpool++
		}
		for _, canary := range []string{"CANARY", "HOSPITAL", "SCANNER", study, "DICM"} {
			if bytes.Contains(b, []byte(canary)) || strings.Contains(path, canary) {
				s.t.Errorf("%s: %s holds %q", when, filepath.Base(path), canary)
			}
		}
		for _, f := range sent {
			for at := 0; at+16 <= len(f); at += 16 {
				if run := f[len(f)-16-at : len(f)-at]; at < 2*columns*columns-16 && !bytes.Equal(run, make([]byte, 16)) && bytes.Contains(b, run) {
					s.t.Fatalf("%s: %s holds a run of pixels", when, filepath.Base(path))
				}
			}
		}
	}
	if inSpool == 0 {
		s.t.Errorf("%s: nothing lies in the spool", when)
	}
}

// What arrives by STOW-RS lies nowhere as it came: not while it arrives, not while it waits, not after a look at it, not after a restart. It is predicted when the
// mask has come, also by a server that was started since, and nothing is left of it then, its key least of all.
func TestSpoolSealed(t *testing.T) {
	const study = "1.2.840.4711.1"
	var log bytes.Buffer
	s := newSpooled(t, &log)
	files := images(t, study)

	// A sender that stops in the middle of an instance.
	in, out := io.Pipe()
	answered := make(chan int)
	go func() {
		r := httptest.NewRequest("POST", "/dicom-web/studies", in)
		r.Header.Set("Content-Type", `multipart/related; type="application/dicom"; boundary=b`)
		w := httptest.NewRecorder()
		s.mux.ServeHTTP(w, r)
		answered <- w.Code
	}()
	long := append(bytes.Clone(files[0]), bytes.Repeat([]byte("CANARY PIXELS "), 20_000)...)
	fmt.Fprintf(out, "--b\r\nContent-Type: application/dicom\r\n\r\n%s", long)
	waited := 0
	for ; waited < 1000; waited++ {
		if found, _ := filepath.Glob(filepath.Join(s.dir, "arriving-*")); len(found) == 1 {
			if info, err := os.Stat(found[0]); err == nil && info.Size() > 100_000 {
				break
			}
		}
		time.Sleep(time.Millisecond)
	}
	s.silent("while an instance arrives", study, files)
	// Another process that starts leaves alone what this one works on.
	s.start()
	if found, _ := filepath.Glob(filepath.Join(s.dir, "arriving-*")); len(found) != 1 || waited == 1000 {
		t.Errorf("%v are arriving", found)
	}
	out.CloseWithError(io.ErrUnexpectedEOF)
	if code := <-answered; code != 400 {
		t.Error(code)
	}
	if left, err := os.ReadDir(s.dir); err != nil || len(left) != 0 {
		t.Errorf("%v is left (%v)", left, err)
	}

	if code, d := send(t, s.mux, "/dicom-web/studies", files...); code != 200 {
		t.Fatal(code, d)
	}
	s.silent("before it was looked at", study, files)
	temp := s.in.Limits.Temp
	s.in.Limits.Temp = filepath.Join(temp, "missing") // nothing is copied to be looked at
	s.sweep()
	s.in.Limits.Temp = temp
	if c := only(t, s.store); c.Status != results.NeedsMask {
		t.Fatalf("%+v", c)
	}
	s.silent("while it waits for a mask", study, files)

	// What a server that was killed was receiving goes, and what waits is taken up.
	dead := filepath.Join(s.dir, "arriving-1234")
	if err := os.WriteFile(dead, []byte("half an instance"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Errorf("what was arriving is there still (%v)", err)
	}
	s.silent("after a restart", study, files)
	if code, d := send(t, s.mux, "/dicom-web/studies", mask(t, study)); code != 200 {
		t.Fatal(code, d)
	}
	s.silent("when the mask has come", study, files)
	s.sweep()
	c := only(t, s.store)
	if c.Status != results.Done {
		t.Fatalf("%+v", c)
	}
	if r, err := s.store.Get(c.Result); err != nil || *r.Features[1].Value != 64 {
		t.Errorf("%+v (%v)", r.Features, err)
	}
	if left, err := os.ReadDir(s.dir); err != nil || len(left) != 0 {
		t.Errorf("%v is left (%v)", left, err)
	}
	if left, err := os.ReadDir(s.temp); err != nil || len(left) != 0 {
		t.Errorf("%v is left of what was worked on (%v)", left, err)
	}
	if _, err := s.store.OpenSpool(folderOf(study)); err != results.ErrNotFound {
		t.Errorf("the key is there still (%v)", err)
	}
	if strings.Contains(log.String(), "CANARY") || strings.Contains(log.String(), study) {
		t.Error("the log names the patient or the study: " + log.String())
	}
}

// folderOf is the name of a study's folder in the spool.
func folderOf(study string) string {
	sum := sha256.Sum256([]byte(study))
	return "study-" + hex.EncodeToString(sum[:16])
}

// Erasing a patient ends what waits of theirs: it cannot be read from then on, and goes at the next look. So does what was damaged; the worklist says that the study has to
// be sent again, and the others go on.
func TestSpoolLost(t *testing.T) {
	for name, harm := range map[string]func(s *spooled, path string){
		"the patient is erased": func(s *spooled, _ string) {
			if _, err := s.store.Erase("CANARY-1", "HOSPITAL"); err != nil {
				s.t.Fatal(err)
			}
		},
		"a byte of the head": func(s *spooled, path string) { flip(s.t, path, 40) },
		"a byte of the file": func(s *spooled, path string) { flip(s.t, path, 200) },
		"half of the file is gone": func(s *spooled, path string) {
			if err := os.Truncate(path, 150); err != nil {
				s.t.Fatal(err)
			}
		},
		"nothing is in it": func(s *spooled, path string) {
			if err := os.Truncate(path, 0); err != nil {
				s.t.Fatal(err)
			}
		},
	} {
		var log bytes.Buffer
		s := newSpooled(t, &log)
		send(t, s.mux, "/dicom-web/studies", images(t, "1.2.3")...)
		s.sweep()
		found, err := filepath.Glob(filepath.Join(s.dir, folderOf("1.2.3"), "*"))
		if err != nil || len(found) != slicesCount {
			t.Fatal(found, err)
		}
		harm(s, found[0])
		s.stow.Sweep(t.Context()) // the second look is the one that comes when something has changed
		if err := os.Chtimes(found[1], time.Time{}, time.Now().Add(-time.Minute)); err == nil {
			s.sweep()
		}
		if left, err := os.ReadDir(s.dir); err != nil || len(left) != 0 {
			t.Errorf("%s: %v is left (%v)", name, left, err)
		}
		if _, err := s.store.OpenSpool(folderOf("1.2.3")); err != results.ErrNotFound {
			t.Errorf("%s: the key is there still (%v)", name, err)
		}
		if c := only(t, s.store); name != "the patient is erased" && (c.Status != results.Refused || !strings.Contains(c.Reason, "send it again")) {
			t.Errorf("%s: %+v", name, c)
		}
		if !strings.Contains(log.String(), "cannot be read and is removed") || strings.Contains(log.String(), "CANARY") || strings.Contains(log.String(), "1.2.3") {
			t.Errorf("%s: the log is %s", name, &log)
		}
		// The same study, sent again, is taken as ever.
		send(t, s.mux, "/dicom-web/studies", append(images(t, "1.2.3"), mask(t, "1.2.3"))...)
		s.sweep()
		if list, err := s.store.List(results.Filter{}); err != nil || len(list) != 1 {
			t.Errorf("%s: %d results after it was sent again (%v)", name, len(list), err)
		}
	}
}

func flip(t *testing.T, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What an earlier version of the program left in the spool as it came is encrypted when the server starts, keeps how long it has waited, and is predicted.
func TestSpoolOfEarlierVersion(t *testing.T) {
	const study = "1.2.840.4711.2"
	s := newSpooled(t, io.Discard)
	dir := filepath.Join(s.dir, folderOf(study))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	files := append(images(t, study), mask(t, study))
	was := time.Now().Add(-10 * time.Minute).Truncate(time.Second)
	for i, b := range files {
		path := filepath.Join(dir, fmt.Sprintf("%032x", i))
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, was, was); err != nil {
			t.Fatal(err)
		}
	}
	plain := 0
	for _, b := range s.files() {
		if bytes.Contains(b, []byte("CANARY")) && bytes.Contains(b, []byte(study)) && bytes.Contains(b, files[0][len(files[0])-48:len(files[0])-32]) {
			plain++
		}
	}
	if plain == 0 {
		t.Fatal("what is to be encrypted cannot be found before")
	}
	s.start()
	s.silent("after the start", study, files[:slicesCount])
	if info, err := os.Stat(filepath.Join(dir, fmt.Sprintf("%032x", 0))); err != nil || !info.ModTime().Equal(was) {
		t.Errorf("%v (%v)", info, err)
	}
	s.start() // nothing is encrypted twice
	s.sweep()
	if c := only(t, s.store); c.Status != results.Done {
		t.Errorf("%+v", c)
	}
}

// A file that a process works on is held until it is closed.
func TestHold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	scratch.Hold(f)
	abandoned := func() bool {
		g, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		return scratch.Abandoned(g)
	}
	if abandoned() {
		t.Error("a file that is held is abandoned")
	}
	f.Close()
	if !abandoned() {
		t.Error("a file that nobody holds is not abandoned")
	}
}

package audit_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/voxgene/voxgene/serve/audit"
)

func entry(patient string, n int) audit.Entry {
	return audit.Entry{Time: time.UnixMicro(int64(1e15 + n)).UTC(), Who: "pacs", Route: "POST /v1", Model: "glioma", Version: "sha256:1", Patient: patient,
		Inputs: []float64{float64(n), 0.5}, Answer: fmt.Appendf(nil, `{"n":%d}`, n)}
}

// database is one of the two that a log can be kept in.
type database struct {
	open        func(testing.TB) *audit.Log
	exec        func(testing.TB, string) // a change from outside
	environment []string                 // that makes a test a victim of this database
}

// file is a new SQLite database.
func file(t testing.TB) database {
	path := filepath.Join(t.TempDir(), "audit.db")
	return database{
		open: func(t testing.TB) *audit.Log { return open(t, path) },
		exec: func(t testing.TB, change string) {
			db, err := sql.Open("sqlite", "file:"+path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(change); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		},
		environment: []string{"VOXGENE_AUDIT_VICTIM=" + path},
	}
}

func open(t testing.TB, path string) *audit.Log {
	t.Helper()
	l, err := audit.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// fill writes 30 entries of three patients.
func (d database) fill(t testing.TB) {
	t.Helper()
	l := d.open(t)
	var group sync.WaitGroup
	for n := range 30 {
		group.Go(func() {
			if err := l.Record(context.Background(), []audit.Entry{entry(fmt.Sprintf("CANARY-%d", n%3), n)}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// filled is a file of such entries.
func filled(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.db")
	database{open: func(t testing.TB) *audit.Log { return open(t, path) }}.fill(t)
	return path
}

func TestRecord(t *testing.T) { file(t).testRecord(t) }

func (d database) testRecord(t *testing.T) {
	l := d.open(t)
	want := entry("a", 1)
	if err := l.Record(context.Background(), []audit.Entry{want, entry("b", 2)}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Record(context.Background(), []audit.Entry{want}); err == nil {
		t.Error("a closed log took an entry")
	}
	l = d.open(t)
	defer l.Close()
	if err := l.Record(context.Background(), []audit.Entry{entry("a", 3)}); err != nil {
		t.Fatal(err)
	}
	got, err := l.Of("a")
	if err != nil || len(got) != 2 || fmt.Sprintf("%+v", got[0]) != fmt.Sprintf("%+v", want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	if r, err := l.Verify(); err != nil || r.Entries != 3 || r.Erased != 0 || len(r.Digest) != 64 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A log that is closed under load has written every entry that it took, and takes no other.
func TestCloseUnderLoad(t *testing.T) {
	d := file(t)
	l := d.open(t)
	var written atomic.Int64
	var group sync.WaitGroup
	for w := range 20 {
		group.Go(func() {
			for n := 0; ; n++ {
				if err := l.Record(context.Background(), []audit.Entry{entry(fmt.Sprint(w%5), n), entry("both", n)}); err != nil {
					return
				}
				written.Add(2)
			}
		})
	}
	for written.Load() < 400 {
		time.Sleep(time.Millisecond)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	l = d.open(t)
	defer l.Close()
	if err := l.Record(ended, []audit.Entry{entry("a", 1)}); err != context.Canceled {
		t.Errorf("an entry whose request had ended: %v", err)
	}
	if r, err := l.Verify(); err != nil || int64(r.Entries) != written.Load() {
		t.Errorf("%+v, %v; want %d entries", r, err, written.Load())
	}
}

// The file names no patient and holds no answer in clear.
func TestSealed(t *testing.T) {
	sealed, err := os.ReadFile(filled(t))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("CANARY")) || bytes.Contains(sealed, []byte(`"n":`)) {
		t.Error("the file names a patient or holds an answer in clear")
	}
}

// After erasure nothing of the patient can be read, the others can, and the chain verifies; expiry does the same by time.
func TestErase(t *testing.T) { file(t).testErase(t) }

func (d database) testErase(t *testing.T) {
	d.fill(t)
	l := d.open(t)
	if n, err := l.Erase(context.Background(), "CANARY-1", "somebody"); err != nil || n != 10 {
		t.Errorf("%d erased, %v", n, err)
	}
	if e, err := l.Of("CANARY-1"); err != nil || len(e) != 0 {
		t.Errorf("%d entries after erasure, %v", len(e), err)
	}
	if e, err := l.Of("CANARY-2"); err != nil || len(e) != 10 {
		t.Errorf("%d entries of another patient, %v", len(e), err)
	}
	if r, err := l.Verify(); err != nil || r.Entries != 31 || r.Erased != 10 || r.Tombstones != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	// The patient may come back, under a new key.
	if err := l.Record(context.Background(), []audit.Entry{entry("CANARY-1", 31)}); err != nil {
		t.Fatal(err)
	}
	if e, err := l.Of("CANARY-1"); err != nil || len(e) != 1 {
		t.Errorf("%d entries after the return, %v", len(e), err)
	}
	if n, err := l.Expire(context.Background(), time.UnixMicro(1e15+15)); err != nil || n != 10 { // of the first fifteen, five were erased
		t.Errorf("%d expired, %v", n, err)
	}
	if r, err := l.Verify(); err != nil || r.Entries != 33 || r.Erased != 20 || r.Tombstones != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// Any change to a row is found: of a field, of the payload, of the order, a row taken out, a payload emptied without a tombstone.
func TestTampering(t *testing.T) {
	for change, want := range tampering {
		d := file(t)
		d.fill(t)
		d.exec(t, change)
		d.testFound(t, change, want)
	}
}

var tampering = map[string]string{
	"UPDATE entries SET model = 'lung' WHERE seq = 7":                                        "row 7 was altered",
	"UPDATE entries SET who = '' WHERE seq = 30":                                             "row 30 was altered",
	"UPDATE entries SET time = time + 1 WHERE seq = 1":                                       "row 1 was altered",
	"UPDATE entries SET payload = (SELECT payload FROM entries WHERE seq = 2) WHERE seq = 9": "the payload of row 9 was altered",
	"UPDATE entries SET payload = NULL WHERE seq = 9":                                        "the payload of row 9 is gone, and no erasure or expiry says why",
	"DELETE FROM keys": "the payload of row 1 is gone",
	"UPDATE entries SET hash = (SELECT hash FROM entries WHERE seq = 2) WHERE seq = 9":                                               "row 9 was altered",
	"UPDATE entries SET route = 'erase' WHERE seq = 30":                                                                              "row 30 was altered",
	"DELETE FROM entries WHERE seq = 12":                                                                                             "row 12 is missing",
	"UPDATE entries SET seq = -1 WHERE seq = 3; UPDATE entries SET seq = 3 WHERE seq = 4; UPDATE entries SET seq = 4 WHERE seq = -1": "row 3 was altered",
}

func (d database) testFound(t *testing.T, change, want string) {
	t.Helper()
	l := d.open(t)
	if _, err := l.Verify(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %s", change, err, want)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenBadInput(t *testing.T) {
	path := filled(t)
	key, err := os.ReadFile(path + ".key")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path + ".key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file can be read by others: %v, %v", info.Mode(), err)
	}
	if err := os.Remove(path + ".key"); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Open(path); err == nil || !strings.Contains(err.Error(), ".key is missing") {
		t.Errorf("without its key: %v", err)
	}
	if err := os.WriteFile(path+".key", []byte(strings.Repeat("0", len(key)-1)), 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, path)
	if _, err := l.Verify(); err == nil || !strings.Contains(err.Error(), "key file is not the one") {
		t.Errorf("with another key: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path+".key", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Open(path); err == nil {
		t.Error("a damaged key file was taken")
	}
}

// A process that is killed while it writes has every entry that it was told is on disk, and the chain verifies.
func TestKill(t *testing.T) {
	if path := os.Getenv("VOXGENE_AUDIT_VICTIM"); path != "" {
		victim(open(t, path))
	}
	d := file(t)
	d.testKill(t, "^TestKill$", func(p *os.Process) error { return p.Kill() })
}

// victim writes and says what it was told is on disk, until it is killed or cannot write.
func victim(l *audit.Log) {
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ; n++ {
				if err := l.Record(context.Background(), []audit.Entry{entry(strconv.Itoa(w), n)}); err != nil {
					return
				}
				fmt.Printf("done %d %d\n", w, n)
			}
		})
	}
	writers.Wait()
	os.Exit(3)
}

// testKill runs the named test in a process that becomes a victim, and kills that, or what it writes to, in the middle.
func (d database) testKill(t *testing.T, name string, kill func(*os.Process) error) {
	c := exec.Command(os.Args[0], "-test.run", name)
	c.Env = append(os.Environ(), d.environment...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	last := map[string]int{}
	lines := 0
	for s := bufio.NewScanner(out); s.Scan(); {
		f := strings.Fields(s.Text())
		if len(f) != 3 || f[0] != "done" {
			continue
		}
		n, err := strconv.Atoi(f[2])
		if err != nil {
			continue
		}
		last[f[1]] = max(last[f[1]], n)
		if lines++; lines == 200 {
			if err := kill(c.Process); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Wait(); err == nil {
		t.Error("the process was not killed")
	}
	l := d.open(t)
	defer l.Close()
	r, err := l.Verify()
	if err != nil {
		t.Error(err)
	}
	for w, n := range last {
		if e, err := l.Of(w); err != nil || len(e) < n+1 {
			t.Errorf("writer %s was told of %d entries and %d are there (%v)", w, n+1, len(e), err)
		}
	}
	if lines < 200 || r.Entries < 200 {
		t.Errorf("%d lines, %d entries", lines, r.Entries)
	}
}

package dicomweb_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/voxgene/voxgene/serve/dicomweb"
	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/results"
)

// list are all results, of which there have to be so many.
func list(t testing.TB, s *results.Store, want int) []results.Result {
	t.Helper()
	all, err := s.List(results.Filter{})
	if err != nil || len(all) != want {
		t.Fatalf("%d results, want %d (%v)", len(all), want, err)
	}
	return all
}

// another is a poller of the same name on the same store: that of a server which was started anew, or of another server.
func another(t testing.TB, a *archive, s *results.Store) *dicomweb.Poller {
	t.Helper()
	in := intakeTo(t, s, nil, &bytes.Buffer{}, nil)
	p, err := dicomweb.NewPoller(dicomweb.PollerConfig{Name: "orthanc", Config: client.Config{URL: a.URL}, From: "start", Every: time.Nanosecond}, in, in.Log)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Orthanc goes down while a study is fetched, and the server after it: the study is predicted once when both are back.
func TestPollerRestartsInTheMiddle(t *testing.T) {
	a := newArchive(t)
	p, store, _ := polled(t, a, "start", nil)
	a.put("a", "MR", "SCANNER", images(t, "1.2.3")...)
	a.put("a", "SEG", "A WORKSTATION", mask(t, "1.2.3"))
	a.after = func(n int) { a.down = n == 3 }
	if err := p.Poll(t.Context()); err == nil {
		t.Fatal("no error while it breaks off")
	}
	if err := p.Poll(t.Context()); err == nil || len(cases(t, store)) != 0 {
		t.Fatalf("%v; %+v", err, cases(t, store))
	}
	a.mu.Lock()
	a.after, a.down = nil, false
	a.mu.Unlock()
	p = another(t, a, store)
	poll(t, p)
	poll(t, p)
	if c := cases(t, store)["a"]; c.Status != results.Done || c.Result != list(t, store, 1)[0].ID {
		t.Errorf("%+v", c)
	}
}

// Another database in Orthanc's place is noticed although its count has come as far, or farther: what is new in it is predicted, what was there
// before is not again.
func TestPollerDatabaseReplaced(t *testing.T) {
	for _, further := range []int{0, 2} {
		a := newArchive(t)
		p, store, log := polled(t, a, "start", nil)
		a.put("a", "MR", "SCANNER", images(t, "1.2.3")...)
		a.put("a", "SEG", "A WORKSTATION", mask(t, "1.2.3"))
		poll(t, p)
		first, before := list(t, store, 1)[0].ID, a.count()
		a.mu.Lock()
		old := len(a.changes)
		a.changes = nil
		a.mu.Unlock()
		a.put("new", "MR", "SCANNER", images(t, "1.2.3")[0])
		a.put("a", "CT", "SCANNER", []byte("a scout"))
		for i := len(a.changes); i < old+further; i++ {
			a.mu.Lock()
			a.changes = append(a.changes, map[string]any{"ChangeType": "NewSeries", "ID": fmt.Sprint("x", i), "Seq": i + 1})
			a.mu.Unlock()
		}
		poll(t, p)
		all := cases(t, store)
		if all["new"].Status != results.NeedsMask || all["a"].Result != first || a.count() != before+1 || !strings.Contains(log.String(), "counts its changes anew") {
			t.Errorf("%d further: %+v, %d files fetched", further, all, a.count()-before)
		}
		list(t, store, 1)
		poll(t, p)
		if strings.Count(log.String(), "counts its changes anew") != 1 {
			t.Error("it is read from the start again and again")
		}
	}
}

// A study that grows after its result is predicted again: a new version, which names the one before.
func TestPollerStudyGrows(t *testing.T) {
	a := newArchive(t)
	p, store, _ := polled(t, a, "start", nil)
	slices := images(t, "1.2.3")
	a.put("a", "MR", "SCANNER", slices[:slicesCount-1]...)
	a.put("a", "SEG", "A WORKSTATION", mask(t, "1.2.3"))
	poll(t, p)
	first := list(t, store, 1)[0]
	a.put("a", "MR", "SCANNER", slices[slicesCount-1])
	poll(t, p)
	all := list(t, store, 2)
	if all[0].Previous != first.ID || cases(t, store)["a"].Result != all[0].ID {
		t.Errorf("%+v after %s", all[0].ID, first.ID)
	}
	if before, err := store.Get(first.ID); err != nil || before.Next != all[0].ID || before.Current() {
		t.Errorf("the first version is current still (%v)", err)
	}
}

// A study that is deleted while it is fetched is no case and holds up nobody.
func TestPollerStudyDeleted(t *testing.T) {
	a := newArchive(t)
	p, store, _ := polled(t, a, "start", nil)
	for _, study := range []string{"a", "b"} {
		a.put(study, "MR", "SCANNER", images(t, "1.2.3")...)
		a.put(study, "SEG", "A WORKSTATION", mask(t, "1.2.3"))
	}
	a.after = func(n int) {
		if n == 3 {
			delete(a.series, "a")
			for id := range a.files {
				if strings.HasPrefix(id, "a-") {
					delete(a.files, id)
				}
			}
		}
	}
	for range 3 {
		poll(t, p)
	}
	all := cases(t, store)
	if len(all) != 1 || all["b"].Status != results.Done {
		t.Errorf("%+v", all)
	}
	if left, err := store.Mark("poller orthanc behind"); err != nil || left != "[]" {
		t.Errorf("%s is tried again (%v)", left, err)
	}
}

// A study of which a file cannot be read is put off, and the others go on. It is predicted when the file is there again, also after a restart, and
// refused with the reason where it does not come.
func TestPollerFileMissing(t *testing.T) {
	for _, comes := range []bool{true, false} {
		a := newArchive(t)
		p, store, log := polled(t, a, "start", nil)
		for _, study := range []string{"a", "b"} {
			a.put(study, "MR", "SCANNER", images(t, "1.2.3")...)
			a.put(study, "SEG", "A WORKSTATION", mask(t, "1.2.3"))
		}
		a.gone = map[string]bool{"a-0-4": true}
		poll(t, p)
		if all := cases(t, store); len(all) != 1 || all["b"].Status != results.Done {
			t.Fatalf("%+v", all)
		}
		want, reason := results.Refused, "cannot be read where they lie: answered 404"
		if comes {
			a.mu.Lock()
			a.gone = nil
			a.mu.Unlock()
			p, want, reason = another(t, a, store), results.Done, ""
		}
		for range 10 {
			time.Sleep(time.Microsecond) // more than the first wait after 1 ns, doubled ten times
			poll(t, p)
		}
		if c := cases(t, store)["a"]; c.Status != want || !strings.Contains(c.Reason, reason) {
			t.Errorf("%+v", c)
		}
		if strings.Contains(log.String(), "CANARY") {
			t.Error("the log names the patient")
		}
	}
}

// An object of 500 MB is refused by the limits of the server and of the connection with the reason, and is not read to its end.
func TestPollerHugeObject(t *testing.T) {
	for name, want := range map[string]string{"server": "studies.unpacked", "connection": "connection's limit"} {
		a := newArchive(t)
		store := open(t)
		in := intakeTo(t, store, nil, &bytes.Buffer{}, nil)
		c := dicomweb.PollerConfig{Name: "orthanc", Config: client.Config{URL: a.URL}, From: "start"}
		if name == "server" {
			in.Limits.Unpacked = 1 << 20
		} else {
			c.Limit = 1 << 20
		}
		p, err := dicomweb.NewPoller(c, in, in.Log)
		if err != nil {
			t.Fatal(err)
		}
		a.put("a", "MR", "SCANNER", images(t, "1.2.3")...)
		a.put("a", "SEG", "A WORKSTATION", mask(t, "1.2.3"))
		a.huge = map[string]int64{"a-0-2": 500 << 20}
		start := time.Now()
		poll(t, p)
		if c := cases(t, store)["a"]; c.Status != results.Refused || !strings.Contains(c.Reason, want) {
			t.Errorf("%s: %+v", name, c)
		}
		if time.Since(start) > 20*time.Second {
			t.Errorf("%s: it took %v", name, time.Since(start))
		}
	}
}

// Two servers that poll one Orthanc and share their results make one result of a study; where each keeps its own, each makes one.
func TestPollersTogether(t *testing.T) {
	a := newArchive(t)
	a.put("a", "MR", "SCANNER", images(t, "1.2.3")...)
	a.put("a", "SEG", "A WORKSTATION", mask(t, "1.2.3"))
	p, store, _ := polled(t, a, "start", nil)
	var both sync.WaitGroup
	for _, p := range []*dicomweb.Poller{p, another(t, a, store)} {
		both.Go(func() {
			if err := p.Poll(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	first := list(t, store, 1)[0]
	if all := cases(t, store); len(all) != 1 || all["a"].Result != first.ID {
		t.Errorf("%+v", all)
	}
	alone, other, _ := polled(t, a, "start", nil)
	poll(t, alone)
	if second := list(t, other, 1)[0]; second.ID == first.ID {
		t.Error("results of two stores have one name")
	}
}

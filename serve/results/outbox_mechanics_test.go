package results_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/voxgene/voxgene/serve/results"
)

// system is a system that answers as it is told.
type system struct {
	name     string
	verified bool // takes no other results
	follows  bool
	states   []results.State // of what was written
	mu       sync.Mutex
	says     func(action string) results.Delivery
	got      []string
}

func (s *system) Name() string  { return s.name }
func (s *system) Follows() bool { return s.follows }
func (s *system) Takes(r *results.Result) bool {
	return r.Identity.Study != "" && (!s.verified || r.State == results.Final)
}
func (s *system) answer(action string) results.Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, action)
	return s.says(action)
}
func (s *system) Write(_ context.Context, r results.Result) results.Delivery {
	d := s.answer(results.Write)
	s.states = append(s.states, r.State)
	return d
}
func (s *system) Withdraw(_ context.Context, r results.Result, written results.Delivery) results.Delivery {
	if r.State != results.EnteredInError || written.Objects["sr"] == "" {
		return results.Delivery{Detail: "called wrongly"}
	}
	return s.answer(results.Withdraw)
}

func accepts(string) results.Delivery {
	return results.Delivery{Accepted: true, Objects: map[string]string{"sr": "2.25.1"}}
}

func isDown(string) results.Delivery {
	return results.Delivery{Retry: true, Detail: "no answer"}
}

// outbox is one over two systems, pacs and archive, that may write until tomorrow.
func outbox(s *results.Store) (*results.Outbox, *system, *system) {
	pacs, archive := &system{name: "pacs", says: accepts}, &system{name: "archive", says: accepts}
	return &results.Outbox{Store: s, Systems: []results.System{pacs, archive}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Writeback: results.Writeback{ApprovedBy: "board", Protocol: "17-4", Expires: time.Now().AddDate(0, 0, 1).Format(time.DateOnly)}}, pacs, archive
}

// A result goes to every system once. One that is down keeps its turn, and a retraction reaches those that accepted, and no other.
func TestOutbox(t *testing.T) {
	s, _ := store(t)
	o, pacs, archive := outbox(s)
	archive.says = isDown
	r := keep(t, s, kept("P1", "1.9"))
	names, err := o.Write(r.ID)
	if err != nil || !slices.Equal(names, []string{"pacs", "archive"}) {
		t.Fatal(names, err)
	}
	if d, err := o.Deliver(t.Context(), ""); err != nil || len(d) != 2 {
		t.Fatal(d, err)
	}
	if d, err := o.Deliver(t.Context(), ""); err != nil || len(d) != 0 {
		t.Errorf("before it is due: %v (%v)", d, err)
	}
	standing, err := s.Standing(r.ID)
	if err != nil || !slices.Equal(slices.Collect(maps.Keys(standing)), []string{"pacs"}) {
		t.Errorf("%v (%v)", standing, err)
	}
	q, err := s.Queue(r.ID)
	if err != nil || len(q) != 1 || q[0].System != "archive" || q[0].Tries != 1 || !q[0].Due.After(time.Now()) {
		t.Errorf("%+v (%v)", q, err)
	}
	if _, err := s.Retract(r.ID, "Dr A", "wrong mask", ""); err != nil {
		t.Fatal(err)
	}
	if names, err := o.Withdraw(r.ID); err != nil || !slices.Equal(names, []string{"pacs"}) {
		t.Errorf("%v (%v)", names, err)
	}
	pacs.says = isDown
	for range 2 { // asked for by its result, it is tried although it is not due
		if d, err := o.Deliver(t.Context(), r.ID); err != nil || len(d) != 1 || d[0].Accepted {
			t.Errorf("%+v (%v)", d, err)
		}
	}
	pacs.says = accepts
	if d, err := o.Deliver(t.Context(), r.ID); err != nil || len(d) != 1 || !d[0].Accepted || d[0].Action != results.Withdraw {
		t.Errorf("%+v (%v)", d, err)
	}
	if q, err := s.Queue(""); err != nil || len(q) != 0 {
		t.Errorf("%+v (%v)", q, err)
	}
	if !slices.Equal(archive.got, []string{results.Write}) {
		t.Errorf("the archive was asked for %v", archive.got)
	}
	all, err := s.Deliveries(r.ID)
	if err != nil || len(all) != 4 { // written, not written, and of three withdrawals the first and the last
		t.Errorf("%+v (%v)", all, err)
	}
}

// What was stored in part, or may have been because the answer was lost, is withdrawn as well.
func TestOutboxInPart(t *testing.T) {
	for name, d := range map[string]results.Delivery{"in part": {Objects: map[string]string{"sr": "1.2"}}, "no answer": {Retry: true, Objects: map[string]string{"sr": "1.2"}}} {
		s, _ := store(t)
		o, pacs, _ := outbox(s)
		o.Systems = o.Systems[:1]
		r := keep(t, s, kept("P1", "1.9"))
		pacs.says = isDown
		if _, err := o.Write(r.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Deliver(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		pacs.says = func(string) results.Delivery { return d }
		if _, err := o.Deliver(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		standing, err := s.Standing(r.ID)
		if err != nil || standing["pacs"].Accepted || standing["pacs"].Objects["sr"] != "1.2" {
			t.Errorf("%s: %+v (%v)", name, standing, err)
		}
		if _, err := s.Retract(r.ID, "Dr A", "wrong mask", ""); err != nil {
			t.Fatal(err)
		}
		if names, err := o.Withdraw(r.ID); err != nil || len(names) != 1 {
			t.Errorf("%s: %v (%v)", name, names, err)
		}
	}
}

// A result that is retracted while it is on its way is withdrawn as soon as it has arrived.
func TestOutboxRetractedOnItsWay(t *testing.T) {
	s, _ := store(t)
	o, pacs, archive := outbox(s)
	o.Systems = o.Systems[:1]
	r := keep(t, s, kept("P1", "1.9"))
	pacs.says = func(action string) results.Delivery {
		if action == results.Write {
			if _, err := s.Retract(r.ID, "Dr A", "wrong mask", ""); err != nil {
				t.Error(err)
			}
			if _, err := o.Withdraw(r.ID); err != nil {
				t.Error(err)
			}
		}
		return accepts(action)
	}
	if _, err := o.Write(r.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := o.Deliver(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(pacs.got, []string{results.Write, results.Withdraw}) || archive.got != nil {
		t.Errorf("%v", pacs.got)
	}
	if standing, err := s.Standing(r.ID); err != nil || len(standing) != 0 {
		t.Errorf("%v (%v)", standing, err)
	}
}

// Nothing is written without permission, and nothing of a result that was replaced, retracted or erased.
func TestOutboxRefuses(t *testing.T) {
	s, _ := store(t)
	o, pacs, _ := outbox(s)
	first := keep(t, s, kept("P1", "1.9"))
	if _, err := o.Write(first.ID); err != nil {
		t.Fatal(err)
	}
	keep(t, s, kept("P1", "1.10")) // replaces the first before it was sent
	if d, err := o.Deliver(t.Context(), ""); err != nil || len(d) != 2 || d[0].Accepted || pacs.got != nil {
		t.Errorf("%+v (%v)", d, err)
	}
	if _, err := o.Write(first.ID); !errors.Is(err, results.ErrState) {
		t.Errorf("replaced: %v", err)
	}
	if _, err := o.Write("0"); !errors.Is(err, results.ErrNotFound) {
		t.Errorf("absent: %v", err)
	}
	other := keep(t, s, kept("P2", "1.9"))
	o.Writeback.Expires = "2020-01-01"
	if _, err := o.Write(other.ID); !errors.Is(err, results.ErrNotPermitted) {
		t.Errorf("expired: %v", err)
	}
	o.Writeback.Expires = time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	if _, err := o.Write(other.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Erase("P2", "HOSPITAL"); err != nil {
		t.Fatal(err)
	}
	if d, err := o.Deliver(t.Context(), ""); err != nil || len(d) != 2 || d[0].Accepted || d[0].Retry || pacs.got != nil {
		t.Errorf("%+v (%v)", d, err)
	}
}

// A system that follows is written to again when a result becomes final and when a later version replaces it, also after the permission ended; another
// one keeps what it has. What becomes due while it is under way is delivered after that.
func TestOutboxFollows(t *testing.T) {
	s, _ := store(t)
	o, pacs, archive := outbox(s)
	pacs.follows = true
	deliver := func() {
		t.Helper()
		if _, err := o.Deliver(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	r := keep(t, s, kept("P1", "1.9"))
	o.Systems = []results.System{archive}
	if _, err := o.Write(r.ID); err != nil {
		t.Fatal(err)
	}
	deliver()
	if err := o.Verified(r.ID); err != nil {
		t.Fatal(err)
	}
	deliver()
	o.Systems = []results.System{pacs}
	if _, err := o.Write(r.ID); err != nil {
		t.Fatal(err)
	}
	o.Systems = []results.System{pacs, archive}
	pacs.says = func(action string) results.Delivery { // a person verifies it while it is on its way
		pacs.says = accepts
		if _, err := s.Finalise(r.ID, "Dr A"); err != nil {
			t.Error(err)
		}
		if err := o.Verified(r.ID); err != nil {
			t.Error(err)
		}
		return accepts(action)
	}
	deliver()
	deliver()
	if !slices.Equal(pacs.states, []results.State{results.Preliminary, results.Final}) || len(archive.states) != 1 {
		t.Fatalf("%v, %v", pacs.states, archive.states)
	}
	next := keep(t, s, kept("P1", "1.10"))
	if _, err := o.Write(next.ID); err != nil {
		t.Fatal(err)
	}
	o.Writeback.Expires = "2020-01-01"
	deliver()
	if !slices.Equal(pacs.states, []results.State{results.Preliminary, results.Final, results.Amended}) || len(archive.states) != 1 {
		t.Errorf("%v, %v", pacs.states, archive.states)
	}
	if left, err := s.Queue(""); err != nil || len(left) != 0 {
		t.Errorf("%v wait (%v)", left, err)
	}
}

// Two processes on one store do not deliver the same thing twice.
func TestOutboxTogether(t *testing.T) {
	s, path := store(t)
	o, pacs, _ := outbox(s)
	o.Systems = o.Systems[:1]
	second, err := results.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	other := *o
	other.Store = second
	for i := range 8 {
		if _, err := o.Write(keep(t, s, kept("P"+string(rune('0'+i)), "1.9")).ID); err != nil {
			t.Fatal(err)
		}
	}
	var both sync.WaitGroup
	for _, o := range []*results.Outbox{o, &other} {
		both.Go(func() {
			if _, err := o.Deliver(t.Context(), ""); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if len(pacs.got) != 8 {
		t.Errorf("%d deliveries", len(pacs.got))
	}
}

// A system that takes verified results alone gets one when a person has made it final; until then the objects that need pixels are kept.
func TestOutboxVerified(t *testing.T) {
	s, _ := store(t)
	o, pacs, archive := outbox(s)
	archive.verified = true
	r := keep(t, s, kept("P1", "1.9"))
	if !o.Wants(&r) {
		t.Error("a result that may become final is not wanted")
	}
	if err := s.Attach(r.ID, []results.Object{{Kind: "seg", Name: "ct", Source: "ct", Instance: results.Instance{Instance: "2.25.2"}, Content: []byte("CANARY")}}); err != nil {
		t.Fatal(err)
	}
	content := func() string {
		t.Helper()
		all, err := s.Attached(r.ID)
		if err != nil || len(all) != 1 || all[0].Instance.Instance != "2.25.2" || all[0].Kind+all[0].Name+all[0].Source != "segctct" {
			t.Fatalf("%+v (%v)", all, err)
		}
		return string(all[0].Content)
	}
	deliver := func() {
		t.Helper()
		if _, err := o.Deliver(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := o.Write(r.ID); err != nil || !slices.Equal(names, []string{"pacs"}) {
		t.Fatal(names, err)
	}
	deliver()
	if content() != "CANARY" {
		t.Error("objects are dropped before every system has them")
	}
	if _, err := s.Finalise(r.ID, "Dr A"); err != nil {
		t.Fatal(err)
	}
	if err := o.Verified(r.ID); err != nil {
		t.Fatal(err)
	}
	deliver()
	if len(pacs.got) != 1 || len(archive.got) != 1 || content() != "" {
		t.Errorf("%v, %v, %q", pacs.got, archive.got, content())
	}
	o.Systems = nil
	if o.Wants(&r) {
		t.Error("a result is wanted by nobody")
	}
}

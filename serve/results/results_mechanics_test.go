package results_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/voxgene/voxgene/serve/results"
)

// store is a new store.
func store(t testing.TB) (*results.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "results.db")
	s, err := results.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, path
}

// kept is a prediction of a patient's study.
func kept(patient, mask string) results.Kept {
	return results.Kept{Model: "glioma", Version: "sha256:aa", Use: "research", Inputs: "sha256:01" + mask, Content: results.Content{
		Identity:   results.Identity{Patient: patient, Issuer: "HOSPITAL", Name: "CANARY^NAME", Study: "1.2.3", Series: []string{"1.2.3.2", "1.2.3.1"}, Mask: mask},
		Prediction: []byte(`{"outcomes":{}}`)}}
}

func keep(t testing.TB, s *results.Store, k results.Kept) results.Result {
	t.Helper()
	r, made, err := s.Keep(k)
	if err != nil || !made {
		t.Fatalf("kept %v: %v", made, err)
	}
	return r
}

// The same inputs give the same result, whatever the order of series; another mask gives a version that is linked to the one before.
func TestVersions(t *testing.T) {
	s, _ := store(t)
	first := keep(t, s, kept("P1", "1.9"))
	again := kept("P1", "1.9")
	again.Content.Identity.Series = []string{"1.2.3.1", "1.2.3.2"}
	again.Content.Prediction = []byte(`{"outcomes":{"x":1}}`)
	same, made, err := s.Keep(again)
	if err != nil || made || same.ID != first.ID || string(same.Prediction) != `{"outcomes":{}}` {
		t.Fatalf("again: %+v, made %v (%v)", same, made, err)
	}
	if first.State != results.Preliminary || first.Subject != s.Subject("P1", "HOSPITAL") || !first.Current() {
		t.Errorf("first: %+v", first)
	}
	if _, err := s.Finalise(first.ID, "Dr A"); err != nil {
		t.Fatal(err)
	}
	second := keep(t, s, kept("P1", "1.10"))
	old, err := s.Get(first.ID)
	if err != nil || second.Previous != first.ID || old.Next != second.ID || old.State != results.Amended || old.Current() {
		t.Errorf("old %+v, new %+v (%v)", old, second, err)
	}
	if _, err := s.Finalise(first.ID, "Dr A"); !errors.Is(err, results.ErrState) {
		t.Errorf("an amended result became final: %v", err)
	}
	other := kept("P1", "1.10")
	other.Content.Identity.Issuer = "ELSEWHERE"
	if r := keep(t, s, other); r.Previous != "" || r.Subject == first.Subject {
		t.Error("the same number of another issuer is taken for the same patient")
	}
	newer := kept("P1", "1.10")
	newer.Version = "sha256:bb"
	if r := keep(t, s, newer); r.Previous != second.ID {
		t.Errorf("another bundle's version follows %q, want %q", r.Previous, second.ID)
	}
	all, err := s.Of("P1", "HOSPITAL")
	if err != nil || len(all) != 3 || all[0].Version != "sha256:bb" {
		t.Errorf("%d results (%v)", len(all), err)
	}
	if got, err := s.List(results.Filter{Version: "sha256:b", Study: "1.2.3", Model: "glioma", State: results.Preliminary, Limit: 9}); err != nil || len(got) != 1 {
		t.Errorf("%d results by version (%v)", len(got), err)
	}
}

// A retraction is for good, and its reason is kept.
func TestRetract(t *testing.T) {
	s, _ := store(t)
	r := keep(t, s, kept("P1", "1.9"))
	if _, err := s.Retract(r.ID, "me", "why", "whim"); err == nil {
		t.Error("a rejection of no kind")
	}
	if _, err := s.Retract(r.ID, "me", " ", ""); err == nil {
		t.Error("retracted without a reason")
	}
	got, err := s.Retract(r.ID, "me", "wrong patient", results.Quality)
	if err != nil || got.State != results.EnteredInError {
		t.Fatalf("%+v (%v)", got, err)
	}
	same, made, err := s.Keep(kept("P1", "1.9"))
	if err != nil || made || same.State != results.EnteredInError || same.Reason != "wrong patient" || same.By != "me" || same.Current() {
		t.Errorf("the same inputs after a retraction: %+v, made %v (%v)", same, made, err)
	}
	if again, err := s.Retract(r.ID, "other", "another reason", ""); err != nil || again.Reason != "wrong patient" || again.Rejection != results.Quality {
		t.Errorf("retracted twice: %+v (%v)", again, err)
	}
	if _, err := s.Finalise(r.ID, "me"); !errors.Is(err, results.ErrState) {
		t.Errorf("final after a retraction: %v", err)
	}
	if _, err := s.Retract("0", "me", "x", ""); !errors.Is(err, results.ErrNotFound) {
		t.Errorf("absent: %v", err)
	}
	if next := keep(t, s, kept("P1", "1.10")); next.Previous != "" {
		t.Error("a retracted result became a previous version")
	}
}

// What was written elsewhere is known until its withdrawal was accepted there.
func TestDeliveries(t *testing.T) {
	s, _ := store(t)
	r := keep(t, s, kept("P1", "1.9"))
	for _, d := range []results.Delivery{
		{System: "pacs", Action: results.Write, Accepted: true, Detail: "200", Objects: map[string]string{"sr": "2.25.1"}},
		{System: "ehr", Action: results.Write, Accepted: true, Objects: map[string]string{"report": "DiagnosticReport/7"}},
		{System: "other", Action: results.Write, Detail: "503"},
		{System: "ehr", Action: results.Withdraw, Accepted: true},
		{System: "pacs", Action: results.Withdraw, Detail: "409"},
	} {
		if err := s.Delivered(r.ID, d); err != nil {
			t.Fatal(err)
		}
	}
	standing, err := s.Standing(r.ID)
	if err != nil || len(standing) != 1 || standing["pacs"].Objects["sr"] != "2.25.1" {
		t.Errorf("%+v (%v)", standing, err)
	}
	if err := s.Delivered("0", results.Delivery{}); !errors.Is(err, results.ErrNotFound) {
		t.Errorf("absent: %v", err)
	}
}

// Nothing in the files says who the patient is; an erased patient leaves tombstones, and can come again.
func TestErase(t *testing.T) {
	s, path := store(t)
	r := keep(t, s, kept("CANARY-1", "1.9"))
	if _, err := s.PutCase(results.Case{Source: "pacs", Model: "glioma", Status: results.Refused, Reason: "no CT", Content: results.CaseContent{Identity: r.Identity}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Retract(r.ID, "me", "CANARY was someone else", ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Delivered(r.ID, results.Delivery{System: "ehr", Action: results.Write, Accepted: true, Objects: map[string]string{"report": "CANARY/7"}}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Dir(path) + "/*")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("CANARY")) || bytes.Contains(b, []byte("1.2.3.1")) || bytes.Contains(b, []byte("HOSPITAL")) {
			t.Errorf("%s names the patient", f)
		}
	}
	if n, err := s.Erase("CANARY-1", "HOSPITAL"); err != nil || n != 2 {
		t.Errorf("%d erased (%v)", n, err)
	}
	if n, err := s.Erase("CANARY-1", "HOSPITAL"); err != nil || n != 0 {
		t.Errorf("%d erased twice (%v)", n, err)
	}
	got, err := s.Get(r.ID)
	if err != nil || !got.Erased || got.Identity.Patient != "" || got.Prediction != nil || got.Current() {
		t.Errorf("%+v (%v)", got, err)
	}
	if d, err := s.Deliveries(r.ID); err != nil || len(d) != 1 || d[0].Objects != nil {
		t.Errorf("%+v (%v)", d, err)
	}
	again := keep(t, s, kept("CANARY-1", "1.9"))
	if again.ID == r.ID || again.Previous != "" {
		t.Errorf("%+v", again)
	}
}

// Many writers at once make one result of one input, and two processes share a file.
func TestTogether(t *testing.T) {
	s, path := store(t)
	second, err := results.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	var wait sync.WaitGroup
	ids := make([]string, 40)
	for i := range ids {
		wait.Go(func() {
			r, _, err := []*results.Store{s, second}[i%2].Keep(kept(fmt.Sprint("P", i%4), "1.9"))
			if err != nil {
				t.Error(err)
			}
			ids[i] = r.ID
		})
	}
	wait.Wait()
	for i := range ids {
		if ids[i] != ids[i%4] {
			t.Errorf("results %s and %s of one input", ids[i], ids[i%4])
		}
	}
	if err := s.SetMark("pacs", "17"); err != nil {
		t.Fatal(err)
	}
	if err := s.SetMark("pacs", "18"); err != nil {
		t.Fatal(err)
	}
	if v, err := second.Mark("pacs"); err != nil || v != "18" {
		t.Errorf("mark %q (%v)", v, err)
	}
}

func TestCases(t *testing.T) {
	s, _ := store(t)
	c := results.Case{Source: "pacs", Model: "glioma", Status: results.Waiting, Reason: "for a series of CT", Content: results.CaseContent{
		Identity: results.Identity{Patient: "P1", Study: "1.2"}, Where: "abc", Seen: "7"}}
	a, err := s.PutCase(c)
	if err != nil {
		t.Fatal(err)
	}
	c.Status, c.Reason, c.Result, c.Content.Seen = results.Done, "", "r", "8"
	b, err := s.PutCase(c)
	if err != nil || a.ID != b.ID || !a.Time.Equal(b.Time.Truncate(time.Microsecond)) && a.Time.Sub(b.Time).Abs() > time.Millisecond {
		t.Errorf("%+v, then %+v (%v)", a, b, err)
	}
	c.Content.Where = "def"
	if _, err := s.PutCase(c); err != nil {
		t.Fatal(err)
	}
	all, err := s.Cases("pacs", 0)
	if err != nil || len(all) != 2 || all[1].ID != a.ID || all[1].Status != results.Done || all[1].Content.Seen != "8" {
		t.Errorf("%+v (%v)", all, err)
	}
	if none, err := s.Cases("elsewhere", 5); err != nil || len(none) != 0 {
		t.Errorf("%+v (%v)", none, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	s, path := store(t)
	keep(t, s, kept("P1", "1.9"))
	if _, _, err := s.Keep(results.Kept{Content: results.Content{Prediction: []byte("{}")}}); err == nil {
		t.Error("a result without a patient")
	}
	bad := kept("P2", "")
	bad.Content.Prediction = []byte("{")
	if _, _, err := s.Keep(bad); err == nil {
		t.Error("a prediction that is not JSON")
	}
	if err := os.Rename(path+".key", path+".elsewhere"); err != nil {
		t.Fatal(err)
	}
	if _, err := results.Open(path); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("without its key: %v", err)
	}
	if err := os.WriteFile(path+".key", []byte(strings.Repeat("00", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := results.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if all, err := other.List(results.Filter{}); err == nil && (len(all) != 1 || !all[0].Erased) {
		t.Errorf("another key reads %+v", all)
	}
}

func TestWriteback(t *testing.T) {
	now := time.Date(2026, 6, 30, 23, 0, 0, 0, time.UTC)
	w := results.Writeback{ApprovedBy: "board", Protocol: "17-4", Expires: "2026-06-30", Models: []string{"glioma"}}
	if err := errors.Join(w.Check(), results.Writeback{}.Check(), w.Permits("glioma", now)); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{"configuration has no": results.Writeback{}.Permits("glioma", now), "expired on 2026-06-30": w.Permits("glioma", now.Add(2*time.Hour)), "not for model lung": w.Permits("lung", now)} {
		if !errors.Is(err, results.ErrNotPermitted) || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
	if err := (results.Writeback{Expires: "soon"}).Check(); err == nil || strings.Count(err.Error(), "writeback.") != 3 {
		t.Errorf("%v", err)
	}
}

// A database of before retractions said what archives are told is brought up to date when it is opened, and loses nothing.
func TestUpgrade(t *testing.T) {
	s, path := store(t)
	r := keep(t, s, kept("P1", "1.9"))
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("ALTER TABLE results DROP COLUMN rejection"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		again, err := results.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := again.Retract(r.ID, "me", "why", results.Quality); err != nil || got.Rejection != results.Quality || got.Identity.Patient != "P1" {
			t.Errorf("%+v (%v)", got, err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

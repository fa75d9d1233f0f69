// Package scans shows the scan that a prediction was made from, for a while: slices in three planes with the region and heat maps over
// them, under /v1/scans.
//
// Pixels name a patient as surely as a name does, so they are kept only where the configuration says for how long, in memory alone, within
// a bound on bytes, under an identifier that says nothing. They can be asked for by the client that sent them, and then are gone.
package scans

import (
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/seal"
)

// Limits bound what is kept.
type Limits struct {
	Keep  time.Duration // how long; 0 keeps none
	Bytes int64         // of all scans together; the oldest make room
}

// Check returns what is wrong with the limits.
func (l Limits) Check() error {
	if l.Keep < 0 || l.Keep > 24*time.Hour {
		return errors.New("studies.keep_images: want 0 (none) to 24h")
	}
	if l.Keep > 0 && l.Bytes <= 0 {
		return errors.New("studies.keep_bytes: want more than 0")
	}
	return nil
}

// Scan is what is kept of one study.
type Scan struct {
	ID     string // 32 hexadecimal digits that say nothing
	Until  time.Time
	Owner  string // the client that sent it
	Shared bool   // came by itself: whoever may ask the model may see it
	Model  string
	Result string // of the store, empty where none was kept
	// Patient is whose the scan is, for the audit of who looks at it; nothing that is answered holds it.
	Patient string
	Images  []*Image

	size  int64
	timer *time.Timer
}

// may reports whether a client may see the scan.
func (s *Scan) may(who auth.Principal) bool {
	return who.May(s.Model) && (s.Shared || s.Owner == who.Name)
}

// Store keeps scans in memory. It is safe for concurrent use. A nil Store keeps nothing.
type Store struct {
	limits Limits

	mu    sync.Mutex
	byID  map[string]*Scan
	order []*Scan // oldest first
	used  int64
}

// New returns a store, nil where nothing is to be kept.
func New(l Limits) *Store {
	if l.Keep <= 0 {
		return nil
	}
	return &Store{limits: l, byID: map[string]*Scan{}}
}

// Put keeps a scan and gives it its ID and its end. Where there is no room even without all others, it is not kept and false is returned.
func (s *Store) Put(scan *Scan) bool {
	if s == nil {
		return false
	}
	scan.size = 0
	for _, im := range scan.Images {
		scan.size += im.bytes()
	}
	if len(scan.Images) == 0 || scan.size > s.limits.Bytes {
		return false
	}
	scan.ID, scan.Until = hex.EncodeToString(seal.Random(16)), time.Now().Add(s.limits.Keep).UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.used+scan.size > s.limits.Bytes {
		s.drop(s.order[0])
	}
	s.byID[scan.ID], s.order, s.used = scan, append(s.order, scan), s.used+scan.size
	scan.timer = time.AfterFunc(s.limits.Keep, func() { s.Drop(scan.ID) })
	return true
}

// Drop forgets a scan.
func (s *Store) Drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if scan := s.byID[id]; scan != nil {
		s.drop(scan)
	}
}

func (s *Store) drop(scan *Scan) {
	scan.timer.Stop()
	delete(s.byID, scan.ID)
	for i, o := range s.order {
		if o == scan {
			s.order = append(s.order[:i:i], s.order[i+1:]...)
			break
		}
	}
	s.used -= scan.size
}

// Find returns a scan that a client may see; nil where there is none, or none any more.
func (s *Store) Find(id string, who auth.Principal) *Scan {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if scan := s.byID[id]; scan != nil && scan.may(who) {
		return scan
	}
	return nil
}

// Of returns the newest scan of a result that a client may see; nil where there is none.
func (s *Store) Of(result string, who auth.Principal) *Scan {
	if s == nil || result == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.order) - 1; i >= 0; i-- {
		if scan := s.order[i]; scan.Result == result && scan.may(who) {
			return scan
		}
	}
	return nil
}

// All returns the scans that a client may see, newest first.
func (s *Store) All(who auth.Principal) []*Scan {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*Scan
	for i := len(s.order) - 1; i >= 0; i-- {
		if s.order[i].may(who) {
			out = append(out, s.order[i])
		}
	}
	return out
}

// Keep is how long scans are kept; 0 where none are.
func (s *Store) Keep() time.Duration {
	if s == nil {
		return 0
	}
	return s.limits.Keep
}

// Close forgets all scans.
func (s *Store) Close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.order) > 0 {
		s.drop(s.order[0])
	}
}

package dicomweb

import (
	"errors"
	"net/http"
	"sync"

	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/problem"
)

// How often a study that fails is tried.
const (
	mostTries   = 3  // where the fault is not one of the network
	mostAnswers = 10 // where its source answers, and has not what it says it has: a disk may be away
	mostBreaks  = 5  // where its source breaks off, before the others go on without it
)

// attempts counts how often things failed. The zero value has counted nothing.
type attempts struct {
	mu sync.Mutex
	of map[string]int
}

// again notes a failure and reports whether it is worth another try, of so many at most.
func (a *attempts) again(key string, most int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = map[string]int{}
	}
	if a.of[key]++; a.of[key] < most {
		return true
	}
	delete(a.of, key)
	return false
}

// later reports whether an error is of a kind that passes by itself: the other side is down, or we are busy.
func later(err error) bool {
	var e *client.Error
	if errors.As(err, &e) {
		return client.Later(err)
	}
	var p problem.Problem
	return errors.As(err, &p) && p.Status == 429
}

// answered reports whether a source answered that it cannot give what it lists: the source is there, and the study is at fault.
func answered(err error) bool {
	var e *client.Error
	return errors.As(err, &e) && (e.Status == http.StatusNotFound || e.Status >= 500 && e.Status != http.StatusServiceUnavailable)
}

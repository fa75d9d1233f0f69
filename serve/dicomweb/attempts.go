package dicomweb

import (
	"errors"
	"sync"

	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/problem"
)

// mostTries is how often a study that fails is tried, where the fault is not one of the network.
const mostTries = 3

// attempts counts how often things failed. The zero value has counted nothing.
type attempts struct {
	mu sync.Mutex
	of map[string]int
}

// again notes a failure and reports whether it is worth another try.
func (a *attempts) again(key string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = map[string]int{}
	}
	if a.of[key]++; a.of[key] < mostTries {
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

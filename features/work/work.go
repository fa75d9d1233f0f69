// Package work runs the project's pieces of work: extractions, fold fits, permutations, bootstraps.
//
// A piece of work is an Item. Items run on a pool of goroutines and their results come back in item order, so what is computed
// does not depend on how many run at once. An item with a Kind is stored once under the hash of all that determines it, which
// makes the cache and the resumption of a killed run the same mechanism. Random draws are keyed by task with Seed.
package work

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// Item is one piece of work. Do must depend on nothing but what Key covers, because its bytes are reused under that key.
type Item struct {
	// Name says which item failed, for example "patient-7" or "repeat 2 fold 4". It may name a patient and is for the terminal only.
	Name string
	// Key identifies the result in the store; the zero Key is never stored.
	Key Key
	// Do computes the result.
	Do func(ctx context.Context) ([]byte, error)
}

// Result is what became of one item.
type Result struct {
	Bytes  []byte
	Stored bool // found in the store, not computed now
	Err    error
}

// Pool runs items. The zero Pool uses every processor, no store and no progress.
type Pool struct {
	Jobs     int                   // goroutines at once; 0 means GOMAXPROCS
	Store    *Store                // nil computes everything
	Progress func(done, total int) // called after each item, never at the same time as itself
}

// Run computes every item and returns one result an item, in item order. An item that fails or panics is reported in its own
// Result and the others go on; the returned error is not nil only when ctx ends, and then it is ctx's.
func (p Pool) Run(ctx context.Context, items []Item) ([]Result, error) {
	results := make([]Result, len(items))
	jobs := p.Jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	jobs = min(jobs, len(items))
	var next atomic.Int64
	var group sync.WaitGroup
	var progress sync.Mutex
	done := 0
	for range jobs {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(items) || ctx.Err() != nil {
					return
				}
				results[i] = p.one(ctx, items[i])
				progress.Lock()
				done++
				if p.Progress != nil {
					p.Progress(done, len(items))
				}
				progress.Unlock()
			}
		})
	}
	group.Wait()
	return results, ctx.Err()
}

// one runs a single item through the store.
func (p Pool) one(ctx context.Context, item Item) (r Result) {
	defer func() {
		if e := recover(); e != nil {
			r = Result{Err: fmt.Errorf("%s: %w: %v", item.Name, ErrPanic, e)}
		}
	}()
	stored := p.Store != nil && item.Key != Key{}
	if stored {
		if b, ok := p.Store.Get(item.Key); ok {
			return Result{Bytes: b, Stored: true}
		}
	}
	if p.Store != nil {
		ctx = WithStore(ctx, p.Store)
	}
	b, err := item.Do(ctx)
	if err != nil {
		if strings.HasPrefix(err.Error(), item.Name+": ") { // an error of the file that the item is named for
			return Result{Err: err}
		}
		return Result{Err: fmt.Errorf("%s: %w", item.Name, err)}
	}
	if stored {
		if err := p.Store.Put(item.Key, b); err != nil {
			return Result{Err: fmt.Errorf("%s: %w", item.Name, err)}
		}
	}
	return Result{Bytes: b}
}

// ErrPanic wraps what an item panicked with: a fault of the program, reported with the item's name.
var ErrPanic = errors.New("work: internal fault")

// Errors joins the errors of the results, in item order.
func Errors(results []Result) error {
	var all []error
	for _, r := range results {
		if r.Err != nil {
			all = append(all, r.Err)
		}
	}
	return errors.Join(all...)
}

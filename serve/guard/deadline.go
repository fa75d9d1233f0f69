package guard

import (
	"context"
	"sync"
	"time"
)

// deadline is a context that ends at a time, or with its parent, or when its request is answered. It has a timer only once somebody waits for its
// end: a prediction looks at Err between its steps, and a timer for each would cost more than the looking.
type deadline struct {
	context.Context // of the connection
	at              time.Time

	lock  sync.Mutex
	timed context.Context // nil until somebody waits
	stop  context.CancelFunc
	ended bool // the request is answered
}

// Deadline is the time at which the context ends.
func (d *deadline) Deadline() (time.Time, bool) {
	if at, ok := d.Context.Deadline(); ok && at.Before(d.at) {
		return at, true
	}
	return d.at, true
}

// Done is closed at the context's end.
func (d *deadline) Done() <-chan struct{} { return d.wait().Done() }

// wait returns the context that has the timer.
func (d *deadline) wait() context.Context {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.timed == nil {
		d.timed, d.stop = context.WithDeadline(d.Context, d.at)
		if d.ended {
			d.stop()
		}
	}
	return d.timed
}

// Err says why the context ended, nil where it did not.
func (d *deadline) Err() error {
	d.lock.Lock()
	timed, ended := d.timed, d.ended
	d.lock.Unlock()
	if timed == nil && (ended || d.Context.Err() != nil || !time.Now().Before(d.at)) {
		timed = d.wait() // so that Done agrees from here on
	}
	if timed == nil {
		return nil
	}
	return timed.Err()
}

// end is called when the request is answered.
func (d *deadline) end() {
	d.lock.Lock()
	defer d.lock.Unlock()
	d.ended = true
	if d.stop != nil {
		d.stop()
	}
}

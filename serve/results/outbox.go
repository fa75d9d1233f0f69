package results

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// File is what a delivery to a file calls its system.
const File = "file"

const (
	lease     = 10 * time.Minute // longer than any system is given to answer
	firstWait = 15 * time.Second // after a try that failed; doubled each time
	longWait  = time.Hour
	lookEvery = 5 * time.Second
)

// Outbox writes results to other systems and withdraws them there. What a system could not take because it is down waits in the store and is
// tried again, by this process or by another one on the same store. An Outbox is safe for concurrent use.
type Outbox struct {
	Store     *Store
	Systems   []System
	Writeback Writeback
	Log       *slog.Logger
}

// Write makes a result due at every system that is one for it, and returns their names. Where writing is not permitted, the result was replaced
// or retracted, nothing is due; the error wraps ErrNotPermitted or ErrState.
func (o *Outbox) Write(id string) ([]string, error) {
	r, err := o.Store.Get(id)
	if err != nil {
		return nil, err
	}
	if err := o.may(&r); err != nil {
		return nil, err
	}
	if r.Previous != "" {
		if err := o.replaced(r.Previous); err != nil {
			return nil, err
		}
	}
	var names []string
	for _, s := range o.Systems {
		if s.Takes(&r) {
			if err := o.Store.enqueue(id, s.Name(), Write); err != nil {
				return names, err
			}
			names = append(names, s.Name())
		}
	}
	return names, nil
}

// replaced drops the objects of a result that a later version replaces, which nobody is sent any more, and where it stands as final, in a system that
// follows, makes it due to become amended.
func (o *Outbox) replaced(id string) error {
	r, err := o.Store.Get(id)
	if err != nil {
		return err
	}
	standing, err := o.Store.Standing(id)
	if err != nil {
		return err
	}
	for _, s := range o.Systems {
		if _, there := standing[s.Name()]; there && s.Follows() && r.State == Amended {
			if err := o.Store.enqueue(id, s.Name(), Write); err != nil {
				return err
			}
		}
	}
	return o.Store.Drop(id)
}

// Wants reports whether a result is one that some system takes, now or once a person has verified it: then objects that need its images have to be
// made while these are at hand.
func (o *Outbox) Wants(r *Result) bool {
	return o.may(r) == nil && len(o.takers(r)) > 0
}

// takers are the systems that take a result as it is, or once it is final.
func (o *Outbox) takers(r *Result) []System {
	final := *r
	final.State = Final
	var out []System
	for _, s := range o.Systems {
		if s.Takes(r) || s.Takes(&final) {
			out = append(out, s)
		}
	}
	return out
}

// settled drops the objects of a result once no system will ask for them any more.
func (o *Outbox) settled(r *Result) error {
	left, err := o.Store.Queue(r.ID)
	if err != nil || len(left) > 0 {
		return err
	}
	standing, err := o.Store.Standing(r.ID)
	if err != nil {
		return err
	}
	if r.Current() {
		for _, s := range o.takers(r) {
			if d, there := standing[s.Name()]; !there || !d.Accepted {
				return nil
			}
		}
	}
	return o.Store.Drop(r.ID)
}

// Verified makes a result that a person has just made final due at the systems that take it and do not have it, which are those that take no other, and
// at those that follow what becomes of it. Where writing is not permitted nothing is due.
func (o *Outbox) Verified(id string) error {
	r, err := o.Store.Get(id)
	if err != nil || o.may(&r) != nil {
		return err
	}
	standing, err := o.Store.Standing(id)
	if err != nil {
		return err
	}
	for _, s := range o.Systems {
		if _, there := standing[s.Name()]; (!there || s.Follows()) && s.Takes(&r) {
			if err := o.Store.enqueue(id, s.Name(), Write); err != nil {
				return err
			}
		}
	}
	return nil
}

// may returns nil where a result may be written to other systems now.
func (o *Outbox) may(r *Result) error {
	if !r.Current() {
		return fmt.Errorf("results: %w: it was replaced, retracted or erased", ErrState)
	}
	return o.Writeback.Permits(r.Model, o.Store.now())
}

// Withdraw makes the withdrawal of a retracted result due at every system in which it stands, and returns their names. A write that still
// waits is taken away. Withdrawing needs no permission.
func (o *Outbox) Withdraw(id string) ([]string, error) {
	waiting, err := o.Store.Queue(id)
	if err != nil {
		return nil, err
	}
	for _, p := range waiting {
		if err := o.Store.dequeue(id, p.System, Write); err != nil {
			return nil, err
		}
	}
	standing, err := o.Store.Standing(id)
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range standing {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name == File {
			continue // a person sees to it
		}
		if err := o.Store.enqueue(id, name, Withdraw); err != nil {
			return nil, err
		}
	}
	return names, o.Store.Drop(id) // nothing of it is written any more but the retraction
}

func (o *Outbox) system(name string) System {
	if i := slices.IndexFunc(o.Systems, func(s System) bool { return s.Name() == name }); i >= 0 {
		return o.Systems[i]
	}
	return nil
}

// Deliver tries what is due, or all that waits of one result where it is named, and returns what the systems answered.
func (o *Outbox) Deliver(ctx context.Context, result string) ([]Delivery, error) {
	due, err := o.Store.lease(result, lease)
	if err != nil {
		return nil, err
	}
	bySystem := map[string][]Pending{}
	for _, p := range due {
		bySystem[p.System] = append(bySystem[p.System], p)
	}
	var out []Delivery
	var faults []error
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, list := range bySystem { // one that is slow does not hold up the others
		all.Go(func() {
			for _, p := range list {
				d, err := o.one(ctx, p)
				mu.Lock()
				if out = append(out, d); err != nil {
					faults = append(faults, err)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.SortStableFunc(out, func(a, b Delivery) int { return a.Time.Compare(b.Time) })
	return out, errors.Join(faults...)
}

// one tries one delivery and notes what came of it.
func (o *Outbox) one(ctx context.Context, p Pending) (Delivery, error) {
	d, err := o.try(ctx, p)
	if err != nil {
		return d, err
	}
	d.System, d.Action, d.Time = p.System, p.Action, o.Store.now()
	o.Log.Info("delivery", "result", p.Result, "system", p.System, "action", p.Action, "accepted", d.Accepted, "tries", p.Tries+1, "detail", d.Detail)
	again := !d.Accepted && d.Retry
	note := !again || p.Tries == 0 // of a system that is down one line is enough
	if !note && p.Action == Write && len(d.Objects) > 0 {
		standing, err := o.Store.Standing(p.Result)
		if err != nil {
			return d, err
		}
		_, known := standing[p.System]
		note = !known // something may be there now, which a retraction has to reach
	}
	if note {
		if err := o.Store.Delivered(p.Result, d); err != nil {
			return d, err
		}
	}
	if again {
		return d, o.Store.delay(p, min(firstWait<<min(p.Tries, 20), longWait))
	}
	if err := o.Store.done(p); err != nil {
		return d, err
	}
	r, err := o.Store.Get(p.Result)
	if err == nil && p.Action == Write && (d.Accepted || len(d.Objects) > 0) && r.State == EnteredInError { // while it was on its way
		_, err = o.Withdraw(p.Result)
	}
	if err != nil {
		return d, err
	}
	return d, o.settled(&r)
}

// try hands a delivery to its system.
func (o *Outbox) try(ctx context.Context, p Pending) (Delivery, error) {
	s := o.system(p.System)
	if s == nil {
		return Delivery{Detail: "the configuration has no such system", Retry: true}, nil
	}
	r, err := o.Store.Get(p.Result)
	if err != nil {
		return Delivery{}, err
	}
	if r.Erased {
		return Delivery{Detail: "the patient was erased"}, nil
	}
	standing, err := o.Store.Standing(p.Result)
	if err != nil {
		return Delivery{}, err
	}
	written, there := standing[p.System]
	if p.Action == Write {
		if amended := r.State == Amended && there && s.Follows(); !amended { // which says of what was permitted that it was replaced
			if err := o.may(&r); err != nil {
				return Delivery{Detail: err.Error()}, nil
			}
		}
		return s.Write(ctx, r), nil
	}
	return s.Withdraw(ctx, r, written), nil
}

// Run delivers what is due until ctx ends.
func (o *Outbox) Run(ctx context.Context) {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		if _, err := o.Deliver(ctx, ""); err != nil && ctx.Err() == nil {
			o.Log.Error("deliveries", "cause", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

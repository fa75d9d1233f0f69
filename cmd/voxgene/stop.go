package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
)

// patience is how long a command that was told to stop waits for work that does not look at its context: the prediction of a large network.
const patience = time.Second

// promptly does work and returns what it does, or, soon after ctx is done, the error of ctx. What still goes on then ends with the process; files
// are written beside their place and renamed, so that none is left half.
func promptly[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := do()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done:
		return r.value, r.err
	case <-time.After(patience):
		var none T
		return none, ctx.Err()
	}
}

// stoppable makes a command end soon after it was told to, and say so.
func stoppable(c *cobra.Command) *cobra.Command {
	do := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		_, err := promptly(c.Context(), func() (struct{}, error) { return struct{}{}, do(c, args) })
		if errors.Is(err, context.Canceled) {
			return errors.New("stopped before it was done")
		}
		return err
	}
	return c
}

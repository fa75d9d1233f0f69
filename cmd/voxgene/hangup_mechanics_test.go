//go:build !windows

package main

import (
	"context"
	"syscall"
	"testing"
	"time"
)

// A SIGHUP is passed on as a wish to reload, and does not end the program.
func TestHangups(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	c := hangups(ctx)
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c:
	case <-time.After(5 * time.Second):
		t.Error("nothing came")
	}
}

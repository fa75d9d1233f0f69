//go:build unix

// Package processor says how much time the processors have spent on this process, which benchmarks report beside the time that passed: on a machine
// with other work only the first says what an operation costs.
package processor

import (
	"syscall"
	"time"
)

// Time is the user and system time that the process has used, all its threads together.
func Time() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0 // which happens for a wrong argument alone
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

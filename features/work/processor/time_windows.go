// Package processor says how much time the processors have spent on this process, which benchmarks report beside the time that passed: on a machine
// with other work only the first says what an operation costs.
package processor

import (
	"syscall"
	"time"
)

// Time is the user and system time that the process has used, all its threads together.
func Time() time.Duration {
	var created, ended, kernel, user syscall.Filetime
	process, err := syscall.GetCurrentProcess()
	if err != nil || syscall.GetProcessTimes(process, &created, &ended, &kernel, &user) != nil {
		return 0 // which happens for a wrong argument alone
	}
	of := func(t syscall.Filetime) time.Duration { // in units of 100 ns
		return time.Duration(int64(t.HighDateTime)<<32|int64(t.LowDateTime)) * 100
	}
	return of(kernel) + of(user)
}

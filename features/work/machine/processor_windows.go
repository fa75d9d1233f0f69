package machine

import (
	"syscall"
	"time"
)

// ProcessorTime is the user and system time that the process has used, all its threads together: on a machine with other work only this says what an
// operation costs.
func ProcessorTime() time.Duration {
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

//go:build unix

package machine

import (
	"syscall"
	"time"
)

// ProcessorTime is the user and system time that the process has used, all its threads together: on a machine with other work only this says what an
// operation costs.
func ProcessorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0 // which happens for a wrong argument alone
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

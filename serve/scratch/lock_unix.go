//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package scratch

import (
	"os"
	"syscall"
)

// locked takes the lock of a file and reports whether it did. The system gives it back when the process ends, however it does.
func locked(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// mark is locked, where a lock changes nothing of the file.
func mark(f *os.File) bool { return locked(f) }

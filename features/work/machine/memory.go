// Package machine says what the computer gives this process: how much memory there is, and how much time of its processors was used.
package machine

import (
	"os"
	"strconv"
	"strings"
)

// Memory is how many bytes the process may use: those of the machine, or of its control group where that has fewer. It is 0 where the system does
// not say (other systems than Linux).
func Memory() int64 {
	total := int64(0)
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		total = totalOf(string(b))
	}
	if b, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && n > 0 { // else "max"
			total = min(total, n)
		}
	}
	return total
}

// totalOf reads MemTotal, in bytes, of the text of /proc/meminfo; 0 where it has none.
func totalOf(text string) int64 {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			if f := strings.Fields(rest); len(f) == 2 && f[1] == "kB" {
				n, _ := strconv.ParseInt(f[0], 10, 64)
				return n << 10
			}
		}
	}
	return 0
}

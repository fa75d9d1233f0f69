package machine

import (
	"runtime"
	"testing"
	"time"
)

// What is computed costs time of a processor.
func TestProcessorTime(t *testing.T) {
	began, before := time.Now(), ProcessorTime()
	sum := 0
	for ProcessorTime()-before < 20*time.Millisecond && time.Since(began) < 10*time.Second {
		for i := range 1000 {
			sum += i * sum
		}
	}
	if spent := ProcessorTime() - before; spent < 20*time.Millisecond || before <= 0 {
		t.Errorf("%v after %v of work", spent, time.Since(began))
	}
}

func TestMemory(t *testing.T) {
	if n := totalOf("MemTotal:       24689752 kB\nMemFree: 1 kB\n"); n != 24689752<<10 {
		t.Errorf("%d bytes", n)
	}
	if n := totalOf("MemFree: 1 kB\nMemTotal: much\n"); n != 0 {
		t.Errorf("%d bytes of a machine that does not say", n)
	}
	if n := Memory(); (n > 1<<26) != (runtime.GOOS == "linux") {
		t.Errorf("%d bytes on %s", n, runtime.GOOS)
	}
}

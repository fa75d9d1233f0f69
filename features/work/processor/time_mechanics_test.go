package processor_test

import (
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/work/processor"
)

// What is computed costs time, and no more than passes on one processor for one goroutine, but for what the runtime does beside it.
func TestTime(t *testing.T) {
	began, before := time.Now(), processor.Time()
	sum := 0
	for processor.Time()-before < 20*time.Millisecond && time.Since(began) < 10*time.Second {
		for i := range 1000 {
			sum += i * sum
		}
	}
	if spent := processor.Time() - before; spent < 20*time.Millisecond || before <= 0 {
		t.Errorf("%v after %v of work", spent, time.Since(began))
	}
}

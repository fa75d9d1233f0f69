package audit_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/work/machine"
	"github.com/voxgene/voxgene/serve/audit"
)

// BenchmarkCommit is entries of 500 inputs that share a commit: one, eight and sixteen, of patients that come back and of new ones. cpu-us/entry is
// user and system time: what waits for the disk is not in it.
func BenchmarkCommit(b *testing.B) {
	for _, patients := range []int{1, 1000} {
		for _, together := range []int{1, 8, 16} {
			b.Run(fmt.Sprintf("patients=%d/together=%d", patients, together), func(b *testing.B) {
				l := open(b, filepath.Join(b.TempDir(), "audit.db"))
				defer l.Close()
				list := make([]audit.Entry, together)
				for i := range list {
					list[i] = entry("a", 1)
					list[i].Inputs, list[i].Answer = make([]float64, 500), make([]byte, 400)
				}
				n := 0
				before := machine.ProcessorTime()
				for b.Loop() {
					for i := range list {
						list[i].Patient = fmt.Sprint(n % patients)
						n++
					}
					if err := l.Record(context.Background(), list); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64((machine.ProcessorTime()-before).Microseconds())/float64(b.N*together), "cpu-us/entry")
			})
		}
	}
}

package tree

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel calls what worker returns for each of 0 to n-1, on as many goroutines as there are processors where the work (in
// elementary steps) is worth it. Each goroutine calls worker once, for scratch space of its own. What is done for one index must not
// depend on another, so that nothing depends on who does it.
func parallel(n, steps int, worker func() func(i int)) {
	jobs := min(runtime.GOMAXPROCS(0), n, steps/20_000+1)
	if jobs <= 1 {
		do := worker()
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range jobs {
		group.Go(func() {
			do := worker()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	group.Wait()
}

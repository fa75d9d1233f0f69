package explain

import (
	"context"
	"runtime"
	"testing"

	"github.com/voxgene/voxgene/models"
)

// What is held while rows are explained does not grow with how many there are.
func TestMemoryIsFlatInRows(t *testing.T) {
	data := training(71, 200, 30, 2)
	m := fitKind(t, "random_forest", map[string]any{"trees": 50}, data)
	background := FromMatrix(data.X.Select([]int{1, 2, 3, 4, 5}))
	for _, method := range []string{TreePathDependent, TreeInterventional} {
		held := func(rows int) (last uint64) {
			pick := make([]int, rows)
			for i := range pick {
				pick[i] = i % data.X.Rows
			}
			x := data.X.Select(pick)
			e, err := New(m, Request{Method: method, Background: &background, Rows: Many})
			if err != nil {
				t.Fatal(err)
			}
			var before, now runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			err = e.Each(context.Background(), x, func(row int, _ []models.Attribution) error {
				if row == rows-block {
					runtime.GC()
					runtime.ReadMemStats(&now)
					if now.HeapAlloc > before.HeapAlloc {
						last = now.HeapAlloc - before.HeapAlloc
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			runtime.KeepAlive(x)
			return last
		}
		few, many := held(4*block), held(80*block)
		if many > few+200_000 { // twenty times the rows would be 1.2 MB of values more
			t.Errorf("%s: %d bytes held after %d rows, %d after %d", method, few, 4*block, many, 80*block)
		}
	}
}

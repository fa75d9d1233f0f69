package stat

import (
	"context"
	"math"

	"github.com/voxgene/voxgene/features/work"
)

// Columns of x and y that one call of the kernel multiplies: twelve registers of four sums each.
const panelX, panelY = 6, 8

// kernelGo sets c[i·panelY+j] = Σ_k a[k·panelX+i]·b[k·panelY+j], one fused multiply-add a term in ascending k.
func kernelGo(k int, a, b []float64, c *[panelX * panelY]float64) {
	clear(c[:])
	for range k {
		for i := range panelX {
			for j := range panelY {
				c[i*panelY+j] = math.FMA(b[j], a[i], c[i*panelY+j])
			}
		}
		a, b = a[panelX:], b[panelY:]
	}
}

// pack lays columns out in panels of the given width, row by row, filled up with zero columns.
func pack(columns [][]float64, rows, width int) []float64 {
	out := make([]float64, packedSize(len(columns), rows, width))
	for c, column := range columns {
		packColumn(out, c, width, column)
	}
	return out
}

func packedSize(columns, rows, width int) int { return (columns + width - 1) / width * width * rows }

// packColumn lays column c into its panel.
func packColumn(panels []float64, c, width int, column []float64) {
	panel := panels[c/width*width*len(column):]
	for r, v := range column {
		panel[r*width+c%width] = v
	}
}

// Rows of a product handled in one item of work: a multiple of panelX that keeps an item near a tenth of a second.
const stripe = 16 * panelX

// Products calls row(i, products) for every column i of x with its inner products with all columns of y. All columns have the same
// number of rows and no missing value. Calls come from several goroutines, each i once; products is reused after the call. The
// numbers do not depend on jobs.
func Products(ctx context.Context, x, y [][]float64, jobs int, row func(i int, products []float64)) error {
	if len(x) == 0 || len(y) == 0 {
		return ctx.Err()
	}
	rows := len(x[0])
	px, py := pack(x, rows, panelX), pack(y, rows, panelY)
	var items []work.Item
	for first := 0; first < len(x); first += stripe {
		items = append(items, work.Item{Name: "products", Do: func(context.Context) ([]byte, error) {
			last := min(first+stripe, len(x))
			multiplyStripe(px, py, rows, len(y), first, last, row)
			return nil, nil
		}})
	}
	return runAll(ctx, items, jobs)
}

// runAll runs items that write their results themselves.
func runAll(ctx context.Context, items []work.Item, jobs int) error {
	results, err := work.Pool{Jobs: jobs}.Run(ctx, items)
	if err != nil {
		return err
	}
	return work.Errors(results)
}

// multiplyStripe computes the rows first…last−1 of the product. A panel of y stays in the cache while all panels of the stripe pass.
func multiplyStripe(px, py []float64, rows, ny, first, last int, row func(int, []float64)) {
	out := make([]float64, (last-first)*ny)
	var c [panelX * panelY]float64
	for j := 0; j < ny; j += panelY {
		b := py[j*rows:]
		for i := first; i < last; i += panelX {
			kernel(rows, px[i*rows:], b, &c)
			for di := 0; di < panelX && i+di < last; di++ {
				to := out[(i+di-first)*ny+j:]
				copy(to[:min(panelY, ny-j)], c[di*panelY:])
			}
		}
	}
	for i := first; i < last; i++ {
		row(i, out[(i-first)*ny:(i-first+1)*ny])
	}
}

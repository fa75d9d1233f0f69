package pipeline

import (
	"fmt"

	"github.com/voxgene/voxgene/features/table"
)

// gridSteps is the number of steps of a grid of quantiles.
const gridSteps = 100

// grid returns the quantiles of ascending values, from the least to the greatest; empty where they are all one.
func grid(ascending []float64) []float64 {
	g := []float64{}
	if len(ascending) == 0 || ascending[0] == ascending[len(ascending)-1] {
		return g
	}
	for k := range gridSteps + 1 {
		g = append(g, Quantile(ascending, float64(k)/gridSteps))
	}
	return g
}

// standing returns where x stands among the values of a grid, from 0 to 1: the middle of a run of equal ones; 0 for an empty grid.
func standing(x float64, grid []float64) float64 {
	if len(grid) < 2 {
		return 0
	}
	low, high := 0, len(grid)
	for low < high { // first above x
		m := (low + high) / 2
		if grid[m] > x {
			high = m
		} else {
			low = m + 1
		}
	}
	first := low
	for first > 0 && grid[first-1] == x {
		first--
	}
	var q float64
	switch {
	case first < low: // equal to a run of the grid: its middle
		q = float64(first+low-1) / 2
	case low == 0:
		q = 0
	case low == len(grid):
		q = float64(len(grid) - 1)
	default:
		q = float64(low-1) + (x-grid[low-1])/(grid[low]-grid[low-1])
	}
	return q / float64(len(grid)-1)
}

// checkGrids proves that decoded grids are ascending, one a column.
func checkGrids(grids [][]float64, columns []table.Column) error {
	if err := checkLength("grids", len(grids), len(columns)); err != nil {
		return err
	}
	for j, g := range grids {
		for k := 1; k < len(g); k++ {
			if !(g[k-1] <= g[k]) {
				return fmt.Errorf("%s: its grid is not ascending", columns[j].Name)
			}
		}
	}
	return nil
}

// unitless describes columns whose values a step has put on another scale.
func unitless(given []table.Column) []table.Column {
	out := make([]table.Column, len(given))
	for j, c := range given {
		c.From, c.Unit = nil, ""
		out[j] = c
	}
	return out
}

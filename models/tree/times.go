package tree

import (
	"errors"
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models"
)

// checkTimes returns whether each row had the event of interest, or an error where survival cannot be learnt from the outcome. Competing
// events count as censoring, so that hazards are cause-specific.
func checkTimes(t models.Training) ([]bool, error) {
	if err := checkRows(t, clinical.Survival); err != nil {
		return nil, err
	}
	event, events := make([]bool, t.X.Rows), 0
	for i, time := range t.Y.Time {
		switch {
		case !(time >= 0) || math.IsInf(time, 0):
			return nil, fmt.Errorf("row %d: time %v; want a finite time of 0 or more", i+1, time)
		case t.Y.Entry != nil && !(t.Y.Entry[i] < time):
			return nil, fmt.Errorf("row %d: entry at %v is not before %v", i+1, t.Y.Entry[i], time)
		}
		event[i] = t.Y.Event[i] == 1
		if event[i] && (t.Weights == nil || t.Weights[i] > 0) {
			events++
		}
	}
	if events == 0 {
		return nil, fmt.Errorf("outcome %q: no row has the event; all %d are censored", t.Y.Name, t.X.Rows)
	}
	return event, nil
}

// ones returns the weights of rows: those given, or 1 each.
func ones(t models.Training) []float64 {
	if t.Weights != nil {
		return t.Weights
	}
	w := make([]float64, t.X.Rows)
	for i := range w {
		w[i] = 1
	}
	return w
}

func weighing(weights []float64) []int32 {
	rows := make([]int32, 0, len(weights))
	for i, w := range weights {
		if w > 0 {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

// checkAscending returns an error unless times ascend strictly and are finite.
func checkAscending(times []float64) error {
	for i, t := range times {
		if math.IsNaN(t) || math.IsInf(t, 0) || i > 0 && !(t > times[i-1]) {
			return errors.New("times do not ascend")
		}
	}
	return nil
}

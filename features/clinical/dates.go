package clinical

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DateLayout returns Go's layout of a form of dates as people write it: yyyy-mm-dd, m/d/yyyy, dd.mm.yyyy. Empty is yyyy-mm-dd. The form
// has to be said, because 3/4/1999 is two days.
func DateLayout(form string) (string, error) {
	if form == "" {
		form = "yyyy-mm-dd"
	}
	layout := strings.NewReplacer("yyyy", "2006", "mm", "01", "dd", "02", "m", "1", "d", "2").Replace(form)
	if !strings.Contains(layout, "2006") || strings.ContainsAny(layout, "ymd") || !strings.Contains(layout, "1") {
		return "", fmt.Errorf("date form %q: want one such as yyyy-mm-dd, m/d/yyyy or dd.mm.yyyy", form)
	}
	return layout, nil
}

// TimesBetween returns the time from a date to the first of several that is there (the date of death before that of the last contact), in a
// unit of Units, as the cells that NewSurvival takes. A row without either date has "". Cells that are no dates are errors, all at once.
func TimesBetween(from []string, to [][]string, form, unit string) ([]string, error) {
	layout, err := DateLayout(form)
	if err != nil {
		return nil, err
	}
	days, ok := Units[unit]
	if !ok {
		return nil, fmt.Errorf("unit %q is not one of d, wk, mo, a", unit)
	}
	out := make([]string, len(from))
	var wrong []string
	parse := func(row int, cell string) (time.Time, bool) {
		t, err := time.Parse(layout, cell)
		if err != nil && len(wrong) < 20 {
			wrong = append(wrong, fmt.Sprintf("row %d: %q", row+1, cell))
		}
		return t, err == nil
	}
	for i, start := range from {
		end := ""
		for _, column := range to {
			if end == "" {
				end = column[i]
			}
		}
		if start == "" || end == "" {
			continue
		}
		a, okA := parse(i, start)
		b, okB := parse(i, end)
		if okA && okB {
			out[i] = strconv.FormatFloat(b.Sub(a).Hours()/24/days, 'g', -1, 64)
		}
	}
	if wrong != nil {
		return nil, fmt.Errorf("no dates of the form %s: %s", form, strings.Join(wrong, ", "))
	}
	return out, nil
}

package clinical

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Classes says how the texts of a column become classes. The zero value makes every text a class of its own.
type Classes struct {
	// Map renames texts, which also merges classes; texts that it does not have keep their own name.
	Map map[string]string
	// Only, when not nil, are the classes to tell apart; rows of others have no known outcome.
	Only []string
	// Positive is the class that counts as the positive one of two; empty means the last in order.
	Positive string
}

// NewClass makes a class outcome of the cells of a column, "" being missing. Where every text is a number, 1 and 1.0 are one class.
// Classes are sorted, numbers by value, with the positive one last. It is an error when fewer than two classes are left.
func NewClass(name string, cells []string, rule Classes) (Outcome, error) {
	o := Outcome{Name: name, Kind: Class, Class: make([]int, len(cells))}
	texts := make([]string, len(cells))
	numbers := true
	for i, c := range cells {
		if to, ok := rule.Map[c]; ok && c != "" {
			c = to
		}
		texts[i] = c
		if c != "" {
			_, err := strconv.ParseFloat(c, 64)
			numbers = numbers && err == nil
		}
	}
	if numbers {
		for i, c := range texts {
			texts[i] = plainNumber(c)
		}
	}
	only := rule.Only
	for _, c := range texts {
		if c != "" && (only == nil || slices.Contains(only, c)) && !slices.Contains(o.Classes, c) {
			o.Classes = append(o.Classes, c)
		}
	}
	for _, c := range only {
		if !slices.Contains(o.Classes, c) {
			return Outcome{}, fmt.Errorf("outcome %s: no patient is of class %q; there are %s", name, c, list(texts))
		}
	}
	if len(o.Classes) < 2 {
		return Outcome{}, fmt.Errorf("outcome %s: two classes are needed to learn from; the column has %s", name, list(texts))
	}
	slices.SortFunc(o.Classes, func(a, b string) int {
		if numbers {
			x, _ := strconv.ParseFloat(a, 64)
			y, _ := strconv.ParseFloat(b, 64)
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
		}
		return strings.Compare(a, b)
	})
	if p := rule.Positive; p != "" {
		k := slices.Index(o.Classes, p)
		if k < 0 {
			return Outcome{}, fmt.Errorf("outcome %s: the positive class %q does not occur; there are %s", name, p, strings.Join(o.Classes, ", "))
		}
		o.Classes = append(slices.Delete(o.Classes, k, k+1), p)
	}
	for i, c := range texts {
		o.Class[i] = slices.Index(o.Classes, c)
	}
	return o, nil
}

func plainNumber(s string) string {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// list names the different texts of a column, for a message.
func list(texts []string) string {
	all := slices.Clone(texts)
	slices.Sort(all)
	all = slices.DeleteFunc(slices.Compact(all), func(s string) bool { return s == "" })
	switch {
	case len(all) == 0:
		return "no value"
	case len(all) > 10:
		return fmt.Sprintf("%s and %d more", strings.Join(all[:10], ", "), len(all)-10)
	}
	return strings.Join(all, ", ")
}

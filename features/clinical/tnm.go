package clinical

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tnm is a category of the TNM classification or a stage group: an optional prefix (c, p, y, r), T, N or M, and is, x, a number or a Roman
// one with a letter and a suffix in brackets.
var tnm = regexp.MustCompile(`(?i)^\s*(?:stage\s*)?[cpyra]*\s*[tnm]?\s*(0|is|a|x|iv|i{1,3}|\d)\s*([a-d])?\s*(?:mi|\d)?\s*(?:\(.*\))?\s*$`)

// OrderTNM sorts categories of one column of the TNM classification from the least to the most advanced: Ta and Tis before T1, T1 before
// T1a before T1b, Roman stages by their number. A category that cannot be told, such as TX, is an error, because it has no place in an
// order: list it as missing.
func OrderTNM(categories []string) ([]string, error) {
	rank := map[string]float64{}
	for _, c := range categories {
		m := tnm.FindStringSubmatch(c)
		if m == nil {
			return nil, fmt.Errorf("%q is not a category of the TNM classification", c)
		}
		switch stage := strings.ToLower(m[1]); stage {
		case "x":
			return nil, fmt.Errorf("%q cannot be placed in an order; list it under missing", c)
		case "a":
			rank[c] = 0.2
		case "is":
			rank[c] = 0.4
		case "i", "ii", "iii", "iv":
			rank[c] = float64(slices.Index([]string{"", "i", "ii", "iii", "iv"}, stage)) * 10
		default:
			n, _ := strconv.Atoi(stage)
			rank[c] = float64(n) * 10
		}
		if m[2] != "" {
			rank[c] += float64(strings.ToLower(m[2])[0]-'a') + 1
		}
	}
	out := slices.Clone(categories)
	slices.SortStableFunc(out, func(a, b string) int {
		switch {
		case rank[a] < rank[b]:
			return -1
		case rank[a] > rank[b]:
			return 1
		}
		return strings.Compare(a, b)
	})
	return out, nil
}

package settings

import (
	"errors"
	"fmt"
	"slices"
)

// Problems collects what is wrong with a file, so that a user repairs it once.
type Problems struct{ list []Problem }

// Problem is one thing that is wrong, and where.
type Problem struct {
	File         string
	Line, Column int
	Path         string // models.0.trees
	Text         string
}

// Error returns "file:line:column: path: text"; what an assignment set has no place in the file and reads "--set path: text".
func (p Problem) Error() string {
	if p.Line == 0 {
		return fmt.Sprintf("--set %s: %s", p.Path, p.Text)
	}
	if p.Path == "" {
		return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s", p.File, p.Line, p.Column, p.Path, p.Text)
}

// Add reports a problem of the value at n, once.
func (p *Problems) Add(n *Node, format string, args ...any) {
	if one := (Problem{n.File, n.yaml.Line, n.yaml.Column, n.Path, fmt.Sprintf(format, args...)}); !slices.Contains(p.list, one) {
		p.list = append(p.list, one)
	}
}

// Len is the number of problems so far.
func (p *Problems) Len() int { return len(p.list) }

// Err returns all problems in file order as one error, or nil.
func (p *Problems) Err() error {
	slices.SortStableFunc(p.list, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	all := make([]error, len(p.list))
	for i, e := range p.list {
		all[i] = e
	}
	return errors.Join(all...)
}

// Nearest returns the known name that is most like the given one, or "" when none is near.
func Nearest(name string, known []string) string {
	best, bestDistance := "", max(2, len(name)/3)+1
	for _, k := range known {
		if d := distance(name, k); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance is the optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
func distance(a, b string) int {
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}

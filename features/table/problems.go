package table

import (
	"fmt"
	"strings"
)

// Problem is something in a file that a user has to repair: what, where, and what to do.
type Problem struct {
	File   string
	Line   int    // from 1; 0 where the whole file is meant
	Column string // header name; empty where the whole line is meant
	Text   string
}

// Error returns "file, line 7, column age: text".
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ", line %d", p.Line)
	}
	if p.Column != "" {
		fmt.Fprintf(&b, ", column %q", p.Column)
	}
	return b.String() + ": " + p.Text
}

// MaxProblems is how many problems of one file are listed; the others are counted.
const MaxProblems = 20

// Problems are all the problems of one file.
type Problems struct {
	List []Problem
	More int // found beyond MaxProblems
}

// Add notes a problem.
func (p *Problems) Add(file string, line int, column, format string, args ...any) {
	if len(p.List) >= MaxProblems {
		p.More++
		return
	}
	p.List = append(p.List, Problem{file, line, column, fmt.Sprintf(format, args...)})
}

// Err returns all problems as one error, or nil.
func (p *Problems) Err() error {
	if len(p.List) == 0 {
		return nil
	}
	return p
}

// Error lists the problems, one a line.
func (p *Problems) Error() string {
	var b strings.Builder
	for i, e := range p.List {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Error())
	}
	if p.More > 0 {
		fmt.Fprintf(&b, "\nand %d more", p.More)
	}
	return b.String()
}

// Unwrap returns the single problems.
func (p *Problems) Unwrap() []error {
	out := make([]error, len(p.List))
	for i, e := range p.List {
		out[i] = e
	}
	return out
}

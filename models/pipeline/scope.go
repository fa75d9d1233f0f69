package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
)

// Matches reports whether a pattern of `on:` names a column: by its source, group or kind, its full name, a glob over full names
// (* is any text, ? any one character), or by its bare name.
func Matches(pattern string, c table.Column) bool {
	switch {
	case pattern == c.Source && c.Source != "", pattern == c.Group && c.Group != "", pattern == c.Kind.String(), pattern == c.Name:
		return true
	case strings.ContainsAny(pattern, "*?"):
		return table.Match(pattern, c.Name)
	}
	return Bare(c) == pattern
}

// Bare is the name of a column without its source.
func Bare(c table.Column) string {
	if c.Source != "" {
		return strings.TrimPrefix(c.Name, c.Source+".")
	}
	return c.Name
}

// scope returns the indices of the columns that a step touches: those that on names (all where it is empty), of the kinds given.
func scope(on []string, touches []table.Kind, columns []table.Column) []int {
	var out []int
	for j, c := range columns {
		named := len(on) == 0 || slices.ContainsFunc(on, func(p string) bool { return Matches(p, c) })
		if named && slices.Contains(touches, c.Kind) {
			out = append(out, j)
		}
	}
	return out
}

// checkScope returns an error when a pattern of on names no raw column at all, or none that the step may touch. Raw columns are
// asked, because a step before this one may rightly have dropped what the pattern names.
func checkScope(step string, on []string, touches []table.Kind, raw []table.Column) error {
	for _, p := range on {
		var matched []table.Column
		for _, c := range raw {
			if Matches(p, c) {
				matched = append(matched, c)
			}
		}
		if len(matched) == 0 {
			if slices.ContainsFunc(touches, func(k table.Kind) bool { return k.String() == p }) {
				continue // a kind of which this table has no column
			}
			return fmt.Errorf("step %s: on: %q names no source, group, kind or column%s", step, p, nearest(p, raw))
		}
		if first := matched[0]; Bare(first) == p && p != first.Name {
			for _, c := range matched[1:] {
				if c.Source != first.Source && Bare(c) == p {
					return fmt.Errorf("step %s: on: %q is in the sources %s and %s; write %q or %q", step, p, first.Source, c.Source, first.Name, c.Name)
				}
			}
		}
		fits := func(c table.Column) bool {
			return slices.Contains(touches, c.Kind) || c.Kind == table.Categorical && slices.Contains(touches, table.Ordinal)
		}
		if !slices.ContainsFunc(matched, fits) {
			return fmt.Errorf("step %s: on: %q names %s columns only, and the step acts on %v", step, p, matched[0].Kind, touches)
		}
	}
	return nil
}

// nearest suggests what a pattern may have meant.
func nearest(pattern string, raw []table.Column) string {
	var known []string
	for _, c := range raw {
		for _, k := range []string{c.Source, c.Group} {
			if k != "" && !slices.Contains(known, k) {
				known = append(known, k)
			}
		}
	}
	if len(raw) <= 2000 { // edit distance over a whole genome helps nobody
		for _, c := range raw {
			known = append(known, c.Name)
		}
	}
	if near := settings.Nearest(pattern, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

package tree

import (
	"fmt"
	"strings"

	"github.com/voxgene/voxgene/features/table"
)

// constantNote names the columns that have one value in all rows, which no tree can split; empty where there are none.
func constantNote(columns []table.Column, r []ranks) string {
	const most = 10
	var names []string
	count := 0
	for j := range r {
		if r[j].missing || !single(r[j].rank) {
			continue
		}
		count++
		if count <= most {
			names = append(names, fmt.Sprintf("%q", columns[j].Name))
		}
	}
	switch {
	case count == 0:
		return ""
	case count > most:
		names = append(names, fmt.Sprintf("and %d more", count-most))
	}
	return fmt.Sprintf("columns with one value, never split: %s", strings.Join(names, ", "))
}

func single(rank []uint16) bool {
	for _, r := range rank {
		if r != rank[0] {
			return false
		}
	}
	return true
}

package genes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/table"
)

// Carried is a cell of a mutation's row that goes along with the mutation as it is written: its tier (AMP, ASCO and CAP; Li and others
// 2017), or whether it is of the germline. Nothing is made up: where the file is silent there is none.
type Carried struct {
	Call
	Column int // of MAFOptions.Carry
	Text   string
}

// carriedColumns finds the columns that are carried.
func (m *mafReader) carriedColumns(names []string) error {
	for _, want := range m.o.Carry {
		j := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, want) })
		if j < 0 {
			return fmt.Errorf("%s: the header has no column %s to carry", m.path, want)
		}
		m.carry = append(m.carry, j)
	}
	return nil
}

// carryCells keeps the cells of a row that counts.
func (m *mafReader) carryCells(f [][]byte, c Call) {
	for k, j := range m.carry {
		if !table.IsMissing(f[j]) {
			m.carried = append(m.carried, Carried{c, k, strings.TrimSpace(string(f[j]))})
		}
	}
}

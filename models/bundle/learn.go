package bundle

import (
	"errors"
	"fmt"

	"github.com/voxgene/voxgene/features/table"
)

// Learn adds to the bundle the batches (scanners, centres) of a table of local patients, of whom no outcome is needed, so that patients of
// those batches are predicted instead of refused. Patients of the batches of training are predicted as before, to the bit. See
// pipeline.FittedChain.Learn. It is not safe for concurrent use, and what it learns is not in the file, nor in its version.
func (b *Bundle) Learn(t *table.Table) error {
	if err := b.prepare(); err != nil {
		return err
	}
	learnt := false
	var problems []error
	for i := range b.Outcomes {
		o := &b.Outcomes[i]
		chain, err := o.Chain.Learn(t)
		if err != nil {
			problems = append(problems, fmt.Errorf("outcome %s: %w", o.Name, err))
			continue
		}
		o.Chain, learnt = chain, true
		for _, c := range chain.Inputs() {
			if j := b.Find(c.Name); j >= 0 && len(c.Levels) > len(b.Inputs[j].Levels) {
				b.Inputs[j].Levels = c.Levels
			}
		}
	}
	if !learnt {
		return errors.Join(problems...)
	}
	return b.plan()
}

package bundle

import (
	"fmt"

	"github.com/voxgene/voxgene/models"
)

// Locate says where in the crop of each row the network of an outcome found what speaks for a class, the last where class is empty, or for risk. x has
// Columns() and the volumes that the network reads. See models.Located.
func (b *Bundle) Locate(x models.Matrix, outcome, class string) ([][]float32, error) {
	if err := b.prepare(); err != nil {
		return nil, err
	}
	if err := models.CheckColumns(b.columns, x); err != nil {
		return nil, err
	}
	var names []string
	if outcome != "" {
		names = []string{outcome}
	}
	chosen, err := b.chosen(names)
	if err != nil {
		return nil, err
	}
	o, p := &b.Outcomes[chosen[0]], b.plans[chosen[0]]
	m, ok := o.Model.(models.Located)
	if !ok {
		return nil, fmt.Errorf("outcome %s is predicted by a model of kind %s, which reads no image", o.Name, o.Model.Kind())
	}
	k := len(o.Classes) - 1
	if class != "" {
		k = -1
		for i, c := range o.Classes {
			if c == class {
				k = i
			}
		}
		if k < 0 {
			return nil, &RequestError{"class", fmt.Sprintf("outcome %s has the classes %v and none is %q", o.Name, o.Classes, class)}
		}
	}
	z, err := o.Chain.Apply(gather(x, p))
	if err != nil {
		return nil, fmt.Errorf("outcome %s: %w", o.Name, err)
	}
	z.Columns = p.columns
	return m.GradCAM(z, max(k, 0))
}

package bundle

import (
	"context"
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// Beneath is the model beneath a calibration, and any other model itself: maps of a calibrated network are the network's.
func Beneath(m models.Model) models.Model {
	if c, ok := m.(interface{ Base() models.Model }); ok {
		return c.Base()
	}
	return m
}

// Locate says where in the crop of each row the network of an outcome found what speaks for a class, the last where class is empty, or for risk. x has
// Columns() and the volumes that the network reads. See models.Located.
func (b *Bundle) Locate(x models.Matrix, outcome, class string) ([][]float32, error) {
	o, z, k, err := b.located(x, outcome, class)
	if err != nil {
		return nil, err
	}
	m, ok := Beneath(o.Model).(models.Located)
	if !ok {
		return nil, fmt.Errorf("outcome %s is predicted by a model of kind %s, which reads no image", o.Name, o.Model.Kind())
	}
	return m.GradCAM(z, k)
}

// Examine tests the maps of an outcome's network over the rows of x, as Locate takes them, by grad_cam or a method of gradients. See
// models.Examination.
func (b *Bundle) Examine(ctx context.Context, x models.Matrix, outcome, class, method string, seed work.Seed) (models.Examination, error) {
	var none models.Examination
	o, z, k, err := b.located(x, outcome, class)
	if err != nil {
		return none, err
	}
	m, ok := Beneath(o.Model).(models.Examined)
	if !ok {
		return none, fmt.Errorf("outcome %s is predicted by a model of kind %s, which reads no image", o.Name, o.Model.Kind())
	}
	r := models.ExamineRequest{Method: method, Class: k, Seed: seed}
	if o.Background != nil {
		if r.Background, err = o.Background.Matrix(o.Model.Columns()); err != nil {
			return none, fmt.Errorf("outcome %s: %w", o.Name, err)
		}
		r.Shares = o.Background.Shares()
	}
	return m.Examine(ctx, z, r)
}

// located is the outcome of that name, what its pipeline makes of x, and the place of the class that is asked for.
func (b *Bundle) located(x models.Matrix, outcome, class string) (*Outcome, models.Matrix, int, error) {
	var none models.Matrix
	if err := b.prepare(); err != nil {
		return nil, none, 0, err
	}
	if err := models.CheckColumns(b.columns, x); err != nil {
		return nil, none, 0, err
	}
	var names []string
	if outcome != "" {
		names = []string{outcome}
	}
	chosen, err := b.chosen(names)
	if err != nil {
		return nil, none, 0, err
	}
	o, p := &b.Outcomes[chosen[0]], b.plans[chosen[0]]
	k := len(o.Classes) - 1
	if class != "" {
		if k = slices.Index(o.Classes, class); k < 0 {
			return nil, none, 0, &RequestError{"class", fmt.Sprintf("outcome %s has the classes %v and none is %q", o.Name, o.Classes, class)}
		}
	}
	z, err := o.Chain.Apply(gather(x, p))
	if err != nil {
		return nil, none, 0, fmt.Errorf("outcome %s: %w", o.Name, err)
	}
	z.Columns = p.columns
	return o, z, max(k, 0), nil
}

package registry

import (
	"testing"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/bundle"
)

// Features of shape have the unit of their definition where training stated none; what was stated stays, and the bundle is not changed.
func TestColumnUnits(t *testing.T) {
	b := &bundle.Bundle{}
	for _, c := range []table.Column{{Name: "t1.original_shape_MeshVolume", Source: "t1"}, {Name: "t2.original_shape_MeshVolume", Source: "t2", Unit: "cm3"}, {Name: "t1.original_shape_Sphericity", Source: "t1"},
		{Name: "t1.original_firstorder_Mean", Source: "t1"}, {Name: "t1.delta_original_shape_MeshVolume", Source: "t1"}, {Name: "clinical.age", Source: "clinical"}} {
		b.Inputs = append(b.Inputs, bundle.Input{Column: c})
	}
	c := newColumns(b)
	for j, want := range []string{"mm3", "cm3", "1", "", "", ""} {
		if got := c.Inputs[j].Unit; got != want {
			t.Errorf("%s: %q, want %q", c.Inputs[j].Name, got, want)
		}
	}
	if b.Inputs[0].Unit != "" {
		t.Error("the bundle is changed")
	}
}

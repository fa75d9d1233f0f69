package train

import (
	"slices"

	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// Volumes are the crops of a cohort as networks read them, for the rows of its table.
func Volumes(c *cohort.Cohort) []models.Volumes {
	var out []models.Volumes
	for _, s := range c.Crops {
		v := models.Volumes{Source: s.Source, Channels: s.Channels(), Size: [3]int(s.Size), Spacing: [3]float64(s.Spacing), Crop: make([]int, c.Table.Rows())}
		n := v.Voxels()
		for i, k := range c.Table.Keys {
			v.Crop[i] = -1
			if crop, _ := table.Lookup(s.Of, c.Unit.Of(k)); len(crop) == n {
				v.Crop[i] = len(v.Values) / n
				v.Values = append(v.Values, crop...)
			}
		}
		out = append(out, v)
	}
	return out
}

// volumesOf returns the volumes of the sources that have a column among these, so that a model judged on some sources sees no image of others.
func volumesOf(all []models.Volumes, columns []table.Column) []models.Volumes {
	return slices.DeleteFunc(slices.Clone(all), func(v models.Volumes) bool {
		return !slices.ContainsFunc(columns, func(c table.Column) bool { return c.Source == v.Source })
	})
}

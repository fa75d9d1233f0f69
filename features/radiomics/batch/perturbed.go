package batch

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/radiomics/perturb"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/work"
)

// Perturbed is a method on scans and regions that were changed a little: the draw of a number, keyed by the seed, the label and the size
// and place of the region, so that draws of different regions are independent and none depends on the order of cases.
func Perturbed(method Method, o perturb.Options, seed work.Seed, draw int) Method {
	return Method{
		name: method.name + " perturbed",
		parameters: struct {
			Parameters any
			Options    perturb.Options
			Seed       work.Seed
			Draw       int
		}{method.parameters, o, seed, draw},
		reach: func(m *image.Mask, labels []int) image.Selection {
			return image.Selection{Statistics: method.reach(m, labels).Statistics}
		},
		extract: func(in image.Reading, m *image.Mask, label int) (radiomics.Result, error) {
			key := seed.Split("perturb", strconv.Itoa(draw), strconv.Itoa(label), fmt.Sprint(m.Bounds(uint16(label)), m.Size))
			d, err := perturb.New(in, m, label, o, key)
			if err != nil {
				return radiomics.Result{}, err
			}
			box := in.Whole.Box()
			if region := method.reach(d.Mask, []int{label}).Region; region != nil {
				if box, err = region(in.Whole); err != nil {
					return radiomics.Result{}, err
				}
			}
			return method.extract(d.Reading(box), d.Mask, label)
		},
	}
}

// Stability writes how well each feature lasts over draws: ICC(1,1) of Shrout and Fleiss with its 95 % interval, over the regions that
// have all draws. Outcomes holds one list a draw, each in the order of the cases.
func Stability(w io.Writer, draws [][]Outcome) error {
	type subject struct{ c, label int }
	var subjects []subject
	var names []string
	values := map[string]map[subject][]float64{}
	for n, outcomes := range draws {
		for c, o := range outcomes {
			for _, r := range o.Rows {
				s := subject{c, r.Label}
				if n == 0 {
					subjects = append(subjects, s)
				}
				for _, f := range r.Features {
					if values[f.Name] == nil {
						values[f.Name] = map[subject][]float64{}
						names = append(names, f.Name)
					}
					values[f.Name][s] = append(values[f.Name][s], f.Value)
				}
			}
		}
	}
	out := csv.NewWriter(w)
	if err := out.Write([]string{"feature", "icc", "low", "high", "regions", "draws"}); err != nil {
		return err
	}
	for _, name := range names {
		var ratings [][]float64
		for _, s := range subjects {
			if v := values[name][s]; len(v) == len(draws) {
				ratings = append(ratings, v)
			}
		}
		icc := stat.IntraclassCorrelation(ratings, 0.95).OneWay
		row := []string{name, number(icc.Value), number(icc.Low), number(icc.High), strconv.Itoa(len(ratings)), strconv.Itoa(len(draws))}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

package figure

import (
	"math"
	"testing"

	"gonum.org/v1/plot/vg"

	"github.com/voxgene/voxgene/features/work"
)

func TestWaterfallGolden(t *testing.T) {
	r := work.Seed(3).Rand()
	base, output := -0.9, -0.9
	var steps []Step
	for i, n := range longNames(30) {
		v := math.Pow(0.87, float64(i)) * (r.Float64() + 0.2)
		if i%3 == 1 {
			v = -v
		}
		output += v
		steps = append(steps, Step{Name: n, Shown: short(r.NormFloat64() * 50), Contribution: v})
	}
	f, err := Waterfall("IDH mutation, patient 7", "log-odds", base, output, steps)
	golden(t, "waterfall", f, err)
}

// swarm is contributions of n patients that grow with the value.
func swarm(i, n int, name string) Swarm {
	r := work.Seed(i).Rand()
	s := Swarm{Name: name}
	for range n {
		v := r.NormFloat64()
		c := math.Pow(0.9, float64(i)) * (v + 0.3*r.NormFloat64())
		if i%4 == 3 {
			v = math.Round(v)
		}
		if r.IntN(15) == 0 {
			v = math.NaN()
		}
		s.Values, s.Contributions = append(s.Values, math.Round(v*1000)/1000), append(s.Contributions, math.Round(c*1000)/1000)
	}
	return s
}

func TestBeeswarmGolden(t *testing.T) {
	var rows []Swarm
	for i, n := range longNames(30) {
		rows = append(rows, swarm(i, 70, n))
	}
	f, err := Beeswarm("IDH mutation, 70 patients", "Contributed to the estimates (log-odds)", rows)
	golden(t, "beeswarm", f, err)
}

func TestDependenceGolden(t *testing.T) {
	s, other := swarm(0, 150, ""), swarm(5, 150, "")
	f, err := Dependence("Dependence", longNames(3)[1], "Contribution (log-odds)", nil, s.Values, s.Contributions, longNames(3)[2], other.Values)
	golden(t, "dependence", f, err)
}

func TestDependenceOfLevelsGolden(t *testing.T) {
	s, other := swarm(0, 150, ""), swarm(5, 150, "")
	levels := []string{"Current smoker", "Former smoker, for more than fifteen years", "Never smoked"}
	for i, v := range s.Values {
		if !math.IsNaN(v) {
			s.Values[i] = math.Round(min(max(v+1, 0), 2))
		}
	}
	f, err := Dependence("Dependence of a feature with levels", "clinical.smoking", "Contribution (log-odds)", levels, s.Values, s.Contributions, longNames(3)[2], other.Values)
	golden(t, "dependence_levels", f, err)
	if _, err := Dependence("", "x", "", levels, []float64{3}, []float64{1}, "", nil); err == nil {
		t.Error("a level without a name was drawn")
	}
}

func TestHeatmapGolden(t *testing.T) {
	names := longNames(30)
	outputs := make([]float64, 80)
	rows := make([][]float64, len(names))
	for i := range rows {
		rows[i] = swarm(i, len(outputs), "").Contributions
		for k, v := range rows[i] {
			outputs[k] += v
		}
	}
	f, err := Heatmap("Contributions, 80 patients", "log-odds", names, rows, outputs)
	golden(t, "heatmap", f, err)
}

func TestLinesGolden(t *testing.T) {
	var curves []Curve
	for i, n := range longNames(6) {
		c := Curve{Name: n}
		for m := range 37 {
			c.X = append(c.X, float64(m))
			c.Y = append(c.Y, 0.2*math.Sin(float64(m)/10+float64(i))*float64(6-i)/6)
		}
		curves = append(curves, c)
	}
	f, err := Lines("Contributions to survival over time", "Time (mo)", "Contribution (survival)", curves)
	golden(t, "lines", f, err)
	if _, err := Lines("", "", "", append(curves, curves...)); err == nil {
		t.Error("twelve curves were drawn with seven styles")
	}
}

// Stacked points keep their place along the axis and do not cover each other while there is room.
func TestStack(t *testing.T) {
	values := []float64{5, 5, 5, 0, 9, 5}
	at := stack(values, func(v float64) vg.Length { return vg.Length(v) }, swarmHeight/2)
	for i := range at {
		if float64(at[i].X) != values[i] {
			t.Errorf("point %d moved along the axis to %v", i, at[i].X)
		}
		for k := range i {
			if d := math.Hypot(float64(at[i].X-at[k].X), float64(at[i].Y-at[k].Y)); d < dot*0.85 {
				t.Errorf("points %d and %d are %v apart", i, k, d)
			}
		}
	}
}

package neural

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/explain"
)

// plain is a perceptron over a table in plain Go and double precision: the outputs at a point on the network's scale, and the gradient of
// their sum weighted by v.
func plain(m *Model, member int, x, v []float64) (out, gradient []float64) {
	w := map[string]Weight{}
	for _, t := range m.Members[member] {
		w[t.Name] = t
	}
	layers := []string{}
	for i := range m.Architecture.Hidden {
		layers = append(layers, fmt.Sprintf("table.layer%d", i))
	}
	layers = append(layers, "head0")
	values := [][]float64{x}
	for l, name := range layers {
		weight, bias := w[name+".weight"], w[name+".bias"]
		in := values[l]
		next := make([]float64, weight.Shape[0])
		for o := range next {
			next[o] = float64(bias.Values[o])
			for i, u := range in {
				next[o] += float64(weight.Values[o*len(in)+i]) * u
			}
			if l < len(layers)-1 {
				next[o] = max(next[o], 0)
			}
		}
		values = append(values, next)
	}
	out = values[len(values)-1]
	gradient = v
	for l := len(layers) - 1; l >= 0; l-- {
		weight := w[layers[l]+".weight"]
		in := values[l]
		before := make([]float64, len(in))
		for o, g := range gradient {
			if l < len(layers)-1 && values[l+1][o] <= 0 {
				continue
			}
			for i := range in {
				before[i] += g * float64(weight.Values[o*len(in)+i])
			}
		}
		gradient = before
	}
	return out, gradient
}

// tabled are rows with an outcome that is no sum of their columns.
func tabled(rows int, survival bool) models.Training {
	r := work.Seed(11).Rand()
	var columns []table.Column
	for j := range 5 {
		columns = append(columns, table.Column{Name: fmt.Sprintf("rna.G%d", j), Source: "rna"})
	}
	x := models.NewMatrix(columns, rows)
	y := clinical.Outcome{Name: "y", Kind: clinical.Class, Classes: []string{"A", "B", "C"}}
	if survival {
		y = clinical.Outcome{Name: "os", Kind: clinical.Survival, Unit: "mo"}
	}
	for i := range rows {
		for j := range columns {
			x.Column(j)[i] = float64(j) + r.NormFloat64()*(1+float64(j))
		}
		a, b, c := x.Column(0)[i], (x.Column(1)[i]-1)/2, (x.Column(2)[i]-2)/3
		if survival {
			y.Time, y.Event = append(y.Time, (0.5+10*r.ExpFloat64())*math.Exp(-a*b)), append(y.Event, i%2)
			continue
		}
		k := 0
		if a*b > 0 {
			k = 1
		} else if c > 0 {
			k = 2
		}
		y.Class = append(y.Class, k)
	}
	return models.Training{X: x, Y: y, Seed: 3}
}

// Expected and integrated gradients of a perceptron equal the integral of the gradient taken in plain Go, in double precision, by the midpoint rule
// with 20,000 points a way, to one fiftieth of the largest.
func TestGradientsOfAPerceptron(t *testing.T) {
	for name, data := range map[string]models.Training{"classes": tabled(90, false), "cox": tabled(90, true)} {
		m := fit(t, context.Background(), network(t, mlpKind, map[string]any{"hidden": []any{12, 6}, "epochs": 15, "learning_rate": 0.01, "members": 2}), data)
		background := data.X.Select([]int{3, 40, 71})
		r := models.AttributionRequest{Background: background, Shares: []float64{0.5, 0.3, 0.2}, Scale: "log-odds"}
		if name == "cox" {
			r.Scale = "log-hazard"
		}
		rows := data.X.Select([]int{0, 10, 55, 80})
		to, err := m.Scale.scaled(rows)
		if err != nil {
			t.Fatal(err)
		}
		goals, err := m.goals(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, r.Method = range []string{expectedGradients, integratedGradients} {
			got, err := m.Attribute(context.Background(), rows, r)
			if err != nil {
				t.Fatal(err)
			}
			for i := range rows.Rows {
				for g := range goals {
					want, scale := make([]float64, 5), 0.0
					origins, err := m.origins(r)
					if err != nil {
						t.Fatal(err)
					}
					const points = 3000
					for _, o := range origins {
						for s := range points {
							along := (float64(s) + 0.5) / points
							x := make([]float64, 5)
							for j := range x {
								x[j] = o.table[j] + along*(float64(to[j*rows.Rows+i])-o.table[j])
							}
							v := make([]float64, m.head().width())
							goals[g].slope(v, v)
							for k := range m.Members {
								_, gradient := plain(m, k, x, v)
								for j := range x {
									want[j] += o.share / points / float64(len(m.Members)) * gradient[j] * (float64(to[j*rows.Rows+i]) - o.table[j])
								}
							}
						}
					}
					for _, v := range want {
						scale = max(scale, math.Abs(v))
					}
					for j, v := range want { // beside the largest contribution
						if found := got.Values[(i*len(goals)+g)*5+j]; math.Abs(found-v) > 0.02*scale {
							t.Errorf("%s %s row %d number %d column %d: %g, want %g", name, r.Method, i, g, j, found, v)
						}
					}
				}
			}
		}
	}
}

// Every number that is explained has the derivative that finite differences of what Predict says have, by every input, for every way of
// building a network.
func TestSlopesByFiniteDifferences(t *testing.T) {
	outcomes := map[string]func(n int) clinical.Outcome{
		"classes": func(n int) clinical.Outcome {
			y := clinical.Outcome{Name: "y", Kind: clinical.Class, Classes: []string{"A", "B", "C"}}
			for i := range n {
				y.Class = append(y.Class, i%3)
			}
			return y
		},
		"survival": func(n int) clinical.Outcome {
			y := clinical.Outcome{Name: "os", Kind: clinical.Survival, Unit: "mo"}
			for i := range n {
				y.Time, y.Event = append(y.Time, 1+float64(i*7%n)), append(y.Event, i%2)
			}
			return y
		},
	}
	for _, c := range []struct {
		kind, outcome string
		set           map[string]any
		scales        []string
		times         []float64
	}{
		{fusionKind, "classes", map[string]any{"residual": true, "norm": "layer", "fusion": "gated", "members": 2}, []string{"log-odds", "probability"}, nil},
		{fusionKind, "survival", map[string]any{"dimensions": "2.5", "norm": "instance"}, []string{"log-hazard"}, nil},
		{fusionKind, "survival", map[string]any{"norm": "none"}, []string{"survival", "cumulative hazard"}, []float64{3, 9.5, 14}},
		{cnnKind, "survival", map[string]any{"survival": "discrete_time", "intervals": 4}, []string{"minus mean survival"}, nil},
		{fusionKind, "survival", map[string]any{"survival": "discrete_time", "intervals": 4, "members": 2}, []string{"survival", "cumulative hazard"}, []float64{0.7, 9.5, 14}},
	} {
		data := pictured(24, [3]int{6, 4, 2})
		data.Y = outcomes[c.outcome](24)
		set := map[string]any{"widths": []any{3, 4}, "epochs": 2}
		for k, v := range c.set {
			set[k] = v
		}
		m := fit(t, context.Background(), network(t, c.kind, set), data)
		d, err := m.dataset(data.X)
		if err != nil {
			t.Fatal(err)
		}
		for _, scale := range c.scales {
			r := models.AttributionRequest{Method: expectedGradients, Scale: scale, Times: c.times, Background: data.X.Select([]int{1}), Shares: []float64{1}}
			goals, err := m.goals(r)
			if err != nil {
				t.Fatal(err)
			}
			// Along one short step, what gradients sum to is what the number changes by; the step goes to another patient, so that it touches every input.
			at, other := m.point(d, 5), m.point(d, 9)
			const h = 2e-3
			near, far := between(at, other, -h), between(at, other, h)
			w, err := m.newWay(goals, []origin{{near, 1}})
			if err != nil {
				t.Fatal(err)
			}
			to, err := w.end(far)
			if err != nil {
				t.Fatal(err)
			}
			sums, err := w.sum(context.Background(), to, []step{{0, 0.5, 1}})
			if err != nil {
				t.Fatal(err)
			}
			out, err := w.outputs(to, []step{{0, 0, 0}, {0, 1, 0}, {0, 0.5, 0}})
			if err != nil {
				t.Fatal(err)
			}
			for g, goal := range goals {
				want := goal.value(out[1]) - goal.value(out[0])
				if got := w.total(sums[g], to); math.Abs(got-want) > 0.02*math.Abs(want)+2e-5*(1+math.Abs(goal.value(out[2]))) {
					t.Errorf("%s %s %s %v, number %d: the gradient says %g, the difference is %g", c.kind, c.outcome, scale, c.set, g, got, want)
				}
			}
		}
	}
}

// Over image and table together contributions add up to the estimate but for a narrow gap, maps sum to what their image contributed, what a
// patient lacks has its part, and a row has the same values alone; a bundle keeps all of it.
func TestContributionsOfImageAndTable(t *testing.T) {
	data := pictured(40, [3]int{6, 6, 4})
	flair := data.X.Volumes[0]
	flair.Source, flair.Channels, flair.Crop = "flair", []string{"image", "mask"}, append([]int(nil), flair.Crop...)
	data.X.Volumes = append(data.X.Volumes, flair)
	data.X.Volumes[0].Crop[0], data.X.Volumes[1].Crop[0] = -1, -1 // no image at all
	data.X.Volumes[1].Crop[2] = -1                                // one of two
	data.X.Column(0)[1], data.X.Column(1)[1] = math.NaN(), math.NaN()
	for _, set := range []map[string]any{{"fusion": "gated", "norm": "layer"}, {"fusion": "concat", "norm": "none", "dimensions": "2.5", "residual": true}} {
		set["widths"], set["epochs"], set["modality_dropout"] = []any{3, 4}, 6, 0.3
		m := fit(t, context.Background(), network(t, fusionKind, set), data)
		parts, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeModel(fusionKind, parts)
		if err != nil {
			t.Fatal(err)
		}
		background, err := explain.NewBackground(data.X, 1)
		if err != nil {
			t.Fatal(err)
		}
		rows := data.X.Select([]int{0, 1, 2, 3, 30})
		r := explain.Request{Background: &background, Maps: true}
		list, err := explain.Explain(context.Background(), again, rows, r)
		if err != nil {
			t.Fatal(err)
		}
		for i, all := range list {
			a := all[0]
			size := math.Abs(a.Images[0].Value) + math.Abs(a.Images[1].Value)
			sum := a.Base + a.Gap + a.Images[0].Value + a.Images[1].Value
			for _, v := range a.Values {
				sum += v
				size += math.Abs(v)
			}
			if math.Abs(sum-a.Output) > 1e-9 || math.Abs(a.Gap) > 0.05*size {
				t.Errorf("%v row %d: sum %g, output %g, gap %g of %g", set, i, sum, a.Output, a.Gap, size)
			}
			for s, v := range rows.Volumes {
				if there := v.Crop[i] >= 0; there != (a.Images[s].Map != nil) {
					t.Errorf("row %d source %s: a map of an image that is not there, or none", i, v.Source)
				} else if there {
					total := 0.0
					for _, x := range a.Images[s].Map {
						total += float64(x)
					}
					if math.Abs(total-a.Images[s].Value) > 1e-4*(1+math.Abs(total)) {
						t.Errorf("row %d source %s: the map sums to %g and the image contributed %g", i, v.Source, total, a.Images[s].Value)
					}
				}
			}
			alone, err := explain.Explain(context.Background(), m, rows.Select([]int{i}), r)
			if err != nil {
				t.Fatal(err)
			}
			if b := alone[0][0]; b.Gap != a.Gap || b.Values[1] != a.Values[1] || b.Images[1].Value != a.Images[1].Value {
				t.Errorf("row %d has other values alone: %v, %v", i, b.Values, a.Values)
			}
		}
		if _, err := explain.Explain(context.Background(), m, rows, explain.Request{Method: explain.Permutation, Background: &background}); err == nil {
			t.Error("columns alone were put in of a network over images")
		}
	}
}

// between is the place a share of the way from one place to another.
func between(from, to position, along float64) position {
	mix := func(a, b []float64) []float64 {
		var out []float64
		for k := range b {
			out = append(out, a[k]+along*(b[k]-a[k]))
		}
		return out
	}
	return position{mix(from.image, to.image), mix(from.table, to.table), mix(from.present, to.present)}
}

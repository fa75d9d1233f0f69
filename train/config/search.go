package config

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// Search says which hyper-parameters of a model are chosen by the inner folds.
type Search struct {
	Method string                    `yaml:"method"` // grid (default), random or halving
	Draws  int                       `yaml:"draws"`  // of a random search, or of the candidates that are halved
	Set    map[string]*settings.Node `yaml:",rest"`  // a list of values; or, for random, {low, high, log}

	points []point
	base   models.Options
	ranges []span
}

// Halving is the method by which the candidates, a grid or draws, are first tried on a part of the rows and the best go on.
const Halving = "halving"

// maxPoints bounds a grid: each point is fitted in every inner fold of every outer fold.
const maxPoints = 1000

// point is one combination of values.
type point struct {
	settings string
	options  models.Options
}

// span is an interval to draw from.
type span struct {
	param     models.Param
	low, high float64
	log       bool
	values    []any // instead of an interval
}

// Point is a candidate: hyper-parameters and how they differ from the others.
type Point struct {
	Settings string
	Options  models.Options
}

// Points returns the candidates of a model in a fixed order; a model without a search has one. The seed matters for random search.
func (m Model) Points(seed work.Seed) []Point {
	if m.Search == nil {
		return []Point{{"", m.Options}}
	}
	var out []Point
	if m.Search.drawn() {
		return m.Search.draw(seed.Split("search", m.Name))
	}
	for _, pt := range m.Search.points {
		out = append(out, Point{pt.settings, pt.options})
	}
	return out
}

// drawn reports whether the candidates are drawn at random.
func (s *Search) drawn() bool { return s.Method == "random" || s.Method == Halving && s.Draws != 0 }

// check resolves the search of a model of kind k whose other options are base.
func (s *Search) check(k models.Kind, base models.Options, n *settings.Node, p *settings.Problems) {
	s.base = base
	before := p.Len()
	if s.Method == "" {
		s.Method = "grid"
	}
	if s.Method != "grid" && s.Method != "random" && s.Method != Halving {
		p.Add(at(n, "method"), "no search %q; there are grid, random and %s", s.Method, Halving)
	}
	if len(s.Set) == 0 {
		p.Add(n, "nothing to search: name a hyper-parameter and its values, such as alpha: [0, 0.5, 1]")
	}
	if s.drawn() && (s.Draws < 2 || s.Draws > maxPoints) {
		p.Add(at(n, "draws"), "draws: want a number between 2 and %d", maxPoints)
	}
	if s.Method == "grid" && s.Draws != 0 {
		p.Add(at(n, "draws"), "draws belongs to method: random or halving")
	}
	var known []string
	for _, param := range k.Params {
		known = append(known, param.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Set)) {
		i := slices.Index(known, name)
		if i < 0 {
			n.Unknown(name, append([]string{"method", "draws"}, known...), p)
			continue
		}
		s.span(k.Params[i], s.Set[name], p)
	}
	if p.Len() > before {
		return
	}
	if !s.drawn() {
		s.grid(n, p)
	}
	for _, pt := range s.points {
		if _, err := k.New(pt.options); err != nil {
			p.Add(n, "%s: %v", pt.settings, err)
			return
		}
	}
}

// span reads the values of one hyper-parameter.
func (s *Search) span(param models.Param, n *settings.Node, p *settings.Problems) {
	if n.IsMap() {
		if !s.drawn() {
			p.Add(n, "a range {low, high} belongs to method: random, or halving with draws; a grid wants a list of values")
			return
		}
		var r struct {
			Low  float64 `yaml:"low,required"`
			High float64 `yaml:"high,required"`
			Log  bool    `yaml:"log"`
		}
		before := p.Len()
		settings.Decode(n, &r, p)
		if p.Len() > before {
			return
		}
		switch param.Default.(type) {
		case int, float64:
		default:
			p.Add(n, "%s is not a number; give a list of values", param.Name)
			return
		}
		if !(r.Low < r.High) || r.Log && r.Low <= 0 {
			p.Add(n, "want low < high, and low above 0 where log is true")
			return
		}
		for _, v := range []float64{r.Low, r.High} {
			var value any = v
			if _, whole := param.Default.(int); whole {
				value = int(v)
			}
			if _, problems := models.Check([]models.Param{param}, map[string]any{param.Name: value}); problems[param.Name] != nil {
				p.Add(n, "%v", problems[param.Name])
				return
			}
		}
		s.ranges = append(s.ranges, span{param: param, low: r.Low, high: r.High, log: r.Log})
		return
	}
	if !n.IsList() || len(n.List()) == 0 {
		p.Add(n, "want a list of values to try")
		return
	}
	sp := span{param: param}
	for _, e := range n.List() {
		o, problems := models.Check([]models.Param{param}, map[string]any{param.Name: e.Any()})
		if err := problems[param.Name]; err != nil {
			p.Add(e, "%v", err)
			continue
		}
		sp.values = append(sp.values, o[param.Name])
	}
	s.ranges = append(s.ranges, sp)
}

// grid makes every combination, the last parameter (by name) changing fastest.
func (s *Search) grid(n *settings.Node, p *settings.Problems) {
	total := 1
	for _, r := range s.ranges {
		if total *= len(r.values); total > maxPoints {
			p.Add(n, "the grid has more than %d points; use fewer values or method: random", maxPoints)
			return
		}
	}
	for i := range total {
		values, rest := make([]any, len(s.ranges)), i
		for j := len(s.ranges) - 1; j >= 0; j-- {
			v := s.ranges[j].values
			values[j] = v[rest%len(v)]
			rest /= len(v)
		}
		s.points = append(s.points, s.point(values))
	}
}

// draw makes a random search's points.
func (s *Search) draw(seed work.Seed) []Point {
	rng := seed.Rand()
	out := make([]Point, s.Draws)
	for i := range out {
		values := make([]any, len(s.ranges))
		for j, r := range s.ranges {
			if r.values != nil {
				values[j] = r.values[rng.IntN(len(r.values))]
				continue
			}
			u := rng.Float64()
			v := r.low + u*(r.high-r.low)
			if r.log {
				v = math.Exp(math.Log(r.low) + u*(math.Log(r.high)-math.Log(r.low)))
			}
			if _, whole := r.param.Default.(int); whole {
				values[j] = int(math.Round(v))
			} else {
				values[j] = min(max(v, r.low), r.high)
			}
		}
		pt := s.point(values)
		out[i] = Point{pt.settings, pt.options}
	}
	return out
}

func (s *Search) point(values []any) point {
	o := maps.Clone(s.base)
	var text []string
	for j, r := range s.ranges {
		o[r.param.Name] = values[j]
		text = append(text, fmt.Sprintf("%s=%v", r.param.Name, values[j]))
	}
	return point{strings.Join(text, " "), o}
}

// kindsFor lists the kinds of model that fit a kind of outcome.
func kindsFor(kind clinical.OutcomeKind) []string {
	var out []string
	for _, k := range models.Kinds() {
		if slices.Contains(k.Outcomes, kind) {
			out = append(out, k.Name)
		}
	}
	return out
}

package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/models"
)

// maxVariants bounds the pipelines of a search: each is fitted in every inner fold of every outer fold.
const maxVariants = 200

// Variant is a pipeline at one point of the search over its steps' options.
type Variant struct {
	Settings string // how it differs from the others: "select.most=30"; empty where nothing is searched
	Specs    []Spec // without a search
}

// Variants are the pipelines of every combination of the values that steps search, the last step's last option (by name) changing
// fastest; one where nothing is searched. DecodeNode has proved that each can be built.
func Variants(specs []Spec) ([]Variant, error) {
	out := []Variant{{Specs: slices.Clone(specs)}}
	for i := range specs {
		out[0].Specs[i].Search = nil
	}
	for i, s := range specs {
		for _, name := range slices.Sorted(maps.Keys(s.Search)) {
			label := s.Step
			for j, other := range specs {
				if j != i && other.Step == s.Step && len(other.Search) > 0 {
					label = fmt.Sprintf("%s (step %d)", s.Step, i+1)
				}
			}
			var next []Variant
			for _, v := range out {
				for _, value := range s.Search[name] {
					one := Variant{strings.TrimSpace(fmt.Sprintf("%s %s.%s=%v", v.Settings, label, name, value)), slices.Clone(v.Specs)}
					o := maps.Clone(one.Specs[i].Options)
					o[name] = value
					one.Specs[i].Options = o
					next = append(next, one)
				}
			}
			if out = next; len(out) > maxVariants {
				return nil, fmt.Errorf("the steps' searches make more than %d pipelines; use fewer values", maxVariants)
			}
		}
	}
	return out, nil
}

// readSearch reads the values that a step searches and proves that every combination can be built.
func (s *Spec) readSearch(k Kind, nodes map[string]*settings.Node, n *settings.Node, p *settings.Problems) {
	before := p.Len()
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		i := slices.IndexFunc(k.Params, func(q models.Param) bool { return q.Name == name })
		switch {
		case i < 0:
			var known []string
			for _, q := range k.Params {
				known = append(known, q.Name)
			}
			n.Get("search").Unknown(name, known, p)
			continue
		case k.Params[i].File:
			p.Add(nodes[name], "files are not searched")
			continue
		case !nodes[name].IsList() || len(nodes[name].List()) == 0:
			p.Add(nodes[name], "want a list of values to try, such as most: [10, 30, 100]")
			continue
		}
		for _, e := range nodes[name].List() {
			o, problems := models.Check(k.Params[i:i+1], map[string]any{name: e.Any()})
			if err := problems[name]; err != nil {
				p.Add(e, "%v", err)
				continue
			}
			if s.Search == nil {
				s.Search = map[string][]any{}
			}
			s.Search[name] = append(s.Search[name], o[name])
		}
	}
	if p.Len() > before {
		return
	}
	variants, err := Variants([]Spec{*s})
	for _, v := range variants {
		if err == nil {
			_, err = v.Specs[0].build(k)
		}
	}
	if err != nil {
		p.Add(n.Get("search"), "%v", err)
	}
}

package config

import (
	"maps"
	"slices"

	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/models"
)

// Together are the outcomes that a joint model learns, in the order in which the file names them for the model, or else defines them.
func (e *Experiment) Together(m *Model) []string {
	if !m.Joint || len(m.Outcomes) > 0 {
		return m.Outcomes
	}
	k, _ := models.Lookup(m.Kind)
	var names []string
	for _, o := range e.Outcomes {
		if slices.Contains(k.Outcomes, o.Kind) {
			names = append(names, o.Name)
		}
	}
	return names
}

// Weight of the loss of an outcome beside those of the others.
func (m *Model) Weight(outcome string) float64 {
	if w, ok := m.Weights[outcome]; ok {
		return w
	}
	return 1
}

// checkJoint finds what keeps a model from learning its outcomes together.
func (e *Experiment) checkJoint(m *Model, k models.Kind, n *settings.Node, p *settings.Problems) {
	if !m.Joint {
		if len(m.Weights) > 0 {
			p.Add(at(n, "weights"), "weights are of outcomes that are learnt together; add joint: true")
		}
		return
	}
	if !k.Joint {
		p.Add(at(n, "joint"), "a model of kind %s learns one outcome; networks can learn several together", m.Kind)
		return
	}
	names := e.Together(m)
	if len(names) < 2 {
		p.Add(at(n, "joint"), "joint: true wants two outcomes or more, and there is %v", names)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Weights)) {
		if !slices.Contains(names, name) {
			p.Add(at(n, "weights", name), "the model does not learn an outcome %q; it learns %v", name, names)
		} else if w := m.Weights[name]; !(w > 0 && w <= 1e6) {
			p.Add(at(n, "weights", name), "a weight is more than 0, not %g", w)
		}
	}
	if m.Search != nil || m.Calibrate != "" && m.Calibrate != "none" {
		p.Add(n, "a joint model has one set of weights for all outcomes, so nothing of it can be searched or calibrated for one of them; leave search and calibrate out, or joint")
	}
	for i := range e.Models {
		o := &e.Models[i]
		if o == m {
			break
		}
		if o.Joint && !slices.Equal(e.Together(o), names) {
			p.Add(at(n, "outcomes"), "the joint models of a file learn the same outcomes in the same order, because their patients are divided together; %s has %v", o.Name, e.Together(o))
		}
	}
}

// Joint are the outcomes that joint models of the file learn together; nil where there is no such model.
func (e *Experiment) Joint() []string {
	for i := range e.Models {
		if e.Models[i].Joint {
			return e.Together(&e.Models[i])
		}
	}
	return nil
}

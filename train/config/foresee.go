package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
)

// Foresee adds all that makes every fit of a step, or of a model that competes for the outcome, fail on rows like those of x, each with its place in the
// file. name names a row for the terminal.
func (e *Experiment) Foresee(x models.Matrix, y clinical.Outcome, name func(row int) string, p *settings.Problems) {
	competes := map[string]bool{}
	for _, m := range e.ModelsFor(y.Name, y.Kind) {
		competes[m.Name] = true
	}
	e.foresee(x, func(m *Model) bool { return competes[m.Name] }, name, p)
}

// foreseeForms is Foresee of all models, with what the file alone says of crops, before any file of a patient is read.
func (e *Experiment) foreseeForms(p *settings.Problems) {
	x := models.Matrix{}
	for _, c := range e.Config.Crops() {
		x.Volumes = append(x.Volumes, models.Volumes{Source: c.Source, Channels: c.Channels(), Size: [3]int(c.Size), Spacing: [3]float64(c.Spacing)})
	}
	e.foresee(x, func(*Model) bool { return true }, nil, p)
}

func (e *Experiment) foresee(x models.Matrix, competes func(*Model) bool, name func(row int) string, p *settings.Problems) {
	variants, err := pipeline.Variants(e.Pipeline)
	if err != nil {
		return // said elsewhere
	}
	for _, v := range variants {
		for i, err := range pipeline.Foresee(v.Specs, x) {
			addFaults(element(e.tree, "pipeline", i), err, name, p)
		}
	}
	for i := range e.Models {
		m := &e.Models[i]
		k, ok := models.Lookup(m.Kind)
		if !ok || m.Options == nil || !competes(m) {
			continue
		}
		learner, _ := k.New(m.Options) // what is wrong with single options is said elsewhere
		if f, ok := learner.(models.Foreseeing); ok {
			addFaults(element(e.tree, "models", i), f.Foresee(x), name, p)
		}
	}
}

// mostNamed bounds the rows that a fault names.
const mostNamed = 5

// addFaults adds joined errors, those of options at the options' places below n.
func addFaults(n *settings.Node, err error, name func(row int) string, p *settings.Problems) {
	for _, one := range models.Faults(err) {
		var f *models.OptionError
		if !errors.As(one, &f) {
			p.Add(n, "%v", one)
			continue
		}
		text := f.Err.Error()
		if at(n, f.Option) == n {
			text = f.Error()
		}
		var rows []string
		for _, row := range f.Rows[:min(len(f.Rows), mostNamed)] {
			if name != nil {
				rows = append(rows, name(row))
			}
		}
		if len(rows) > 0 {
			text += " (" + strings.Join(rows, "; ")
			if len(f.Rows) > mostNamed {
				text += fmt.Sprintf("; and %d more", len(f.Rows)-mostNamed)
			}
			text += ")"
		}
		p.Add(at(n, f.Option), "%s", text)
	}
}

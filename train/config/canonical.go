package config

import (
	"encoding/json"
	"maps"
)

// paths are keys that say where something lies, not what is done; they differ between machines and are left out of the canonical
// form. Under sources they are removed from each source.
var (
	rootPaths   = []string{"output", "jobs", "backend", "study"}
	cohortPaths = []string{"patients", "exclude"}
	sourcePaths = []string{"path", "image", "mask", "profiled", "sample_sheet", "manifest", "annotation", "lengths", "panels",
		"sets", "signatures", "centroids", "medians", "deconvolve", "recurrence_score", "stability"}
)

// Canonical returns the experiment as the bundle holds it, as JSON: complete, so that defaults of a later version cannot change its
// meaning; without paths, output or clock, so that the same experiment is the same bytes everywhere; keys sorted.
func (e *Experiment) Canonical() ([]byte, error) {
	root, _ := e.tree.Any().(map[string]any)
	root = maps.Clone(root)
	drop(root, rootPaths)
	if c, ok := root["cohort"].(map[string]any); ok {
		drop(c, cohortPaths)
	}
	switch s := root["sources"].(type) {
	case []any:
		for _, one := range s {
			if m, ok := one.(map[string]any); ok {
				drop(m, sourcePaths)
			}
		}
	case map[string]any:
		drop(s, sourcePaths)
	}
	root["name"], root["seed"] = e.Name, e.Seed
	var steps []any
	for _, s := range e.Pipeline {
		step := map[string]any{"step": s.Step, "options": s.Canonical()}
		if len(s.On) > 0 {
			step["on"] = s.On
		}
		if len(s.Search) > 0 {
			step["search"] = s.Search
		}
		steps = append(steps, step)
	}
	root["pipeline"] = steps
	var list []any
	for _, m := range e.Models {
		one := map[string]any{"name": m.Name, "kind": m.Kind, "options": m.canonical(m.Options)}
		if len(m.Outcomes) > 0 {
			one["outcomes"] = m.Outcomes
		}
		if m.Joint {
			one["joint"], one["weights"] = true, m.Weights
		}
		if m.Calibrate != "" {
			one["calibrate"] = m.Calibrate
		}
		if m.MissingSource != "" {
			one["missing_source"] = m.MissingSource
		}
		if m.Search != nil {
			search := map[string]any{"method": m.Search.Method}
			if m.Search.Draws > 0 {
				search["draws"] = m.Search.Draws
			}
			for name, n := range m.Search.Set {
				search[name] = n.Any()
			}
			one["search"] = search
		}
		list = append(list, one)
	}
	root["models"] = list
	v := e.Validation
	validation := map[string]any{"scheme": v.Scheme, "inner_folds": v.InnerFolds, "level": v.Level}
	switch v.Scheme {
	case "nested_cv", "cv":
		validation["folds"], validation["repeats"] = v.Folds, v.Repeats
	case "bootstrap":
		validation["repeats"] = v.Repeats
	case "holdout":
		validation["test_fraction"] = v.TestFraction
	case "time_split":
		validation["test_fraction"], validation["time"] = v.TestFraction, v.Time
	}
	root["validation"] = validation
	if v.Interval == overPatients {
		validation["interval"] = v.Interval
	}
	if l := v.Locked; l != nil {
		switch {
		case l.Patients != "":
			validation["locked"] = map[string]any{"patients": "a file"}
		case len(l.Sites) > 0:
			validation["locked"] = map[string]any{"sites": l.Sites}
		default:
			validation["locked"] = map[string]any{"fraction": l.Fraction}
		}
	}
	permutations := any("auto")
	if !e.Honest.Permutations.Auto {
		permutations = e.Honest.Permutations.Number
	}
	root["honest"] = map[string]any{"permutations": permutations, "baselines": list0(e.Honest.Baselines), "subgroups": list0(e.Honest.Subgroups)}
	return json.MarshalIndent(root, "", "  ")
}

// list0 is the list itself, never null.
func list0(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func drop(m map[string]any, keys []string) {
	for _, k := range keys {
		delete(m, k)
	}
}

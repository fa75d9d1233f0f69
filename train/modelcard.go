package train

import (
	"fmt"
	"strings"

	"github.com/voxgene/voxgene/train/report"
)

// card is the model card [Mitchell2019] as far as the run knows it.
//
// [Mitchell2019]: https://doi.org/10.1145/3287560.3287596
func (r *run) card() []report.Pair {
	word := func(key, otherwise string) string {
		if text := r.e.Study[key]; text != "" {
			return text
		}
		return otherwise
	}
	const authors = "For the authors."
	level := r.e.Validation.Level
	var kinds, data, judged, groups, caveats []string
	for _, m := range r.e.Models {
		kinds = append(kinds, fmt.Sprintf("%s (%s)", m.Name, m.Kind))
	}
	for _, one := range r.results {
		data = append(data, one.y.Name+": "+one.counts())
		if len(one.measures) > 0 {
			e := one.estimate(one.measures[0], -1, level)
			judged = append(judged, fmt.Sprintf("%s: %s %s (%s to %s; %s)", one.y.Name, one.measures[0].Title, report.Number(e.Value), report.Number(e.Low), report.Number(e.High), one.interval))
		}
		for _, g := range one.subgroups {
			if g.Value == nil {
				groups = append(groups, fmt.Sprintf("%s, %s = %s: not given (%s)", one.y.Name, g.Column, g.Group, g.Note))
				continue
			}
			groups = append(groups, fmt.Sprintf("%s, %s = %s: %s", one.y.Name, g.Column, g.Group, withLimits(g.Value, g.Low, g.High)))
		}
		caveats = append(caveats, one.warnings(level)...)
	}
	by := "none were found or asked for (honest.subgroups)"
	if len(r.results) > 0 {
		var names []string
		for _, g := range r.results[0].groups {
			names = append(names, g.name)
		}
		if len(names) > 0 {
			by = strings.Join(names, ", ")
		}
	}
	if r.foreign {
		kinds = []string{"made elsewhere"}
	}
	pairs := []report.Pair{
		{Name: "Model details", Value: fmt.Sprintf("%s; %s; report of %s", r.e.Name, strings.Join(kinds, ", "), Version())},
		{Name: "Licence, contact, citation", Value: word("contact", authors)},
		{Name: "Intended use", Value: word("use", "Research only. Not for decisions on patients.")},
		{Name: "Factors", Value: "Groups looked at: " + by},
		{Name: "Metrics", Value: strings.Join(judged, "; ")},
		{Name: "Evaluation data", Value: "Patients of the same cohort whom the judged models had not seen; no other institution in this run."},
		{Name: "Training data", Value: strings.Join(data, "; ")},
		{Name: "Quantitative analyses", Value: strings.Join(groups, "; ")},
		{Name: "Ethical considerations", Value: word("ethics", authors+" Prompts: whose data were used and with what consent; who could be harmed by a wrong estimate; groups too small to be judged.")},
	}
	if len(groups) == 0 {
		pairs[7].Value = "No groups were judged."
	}
	if len(caveats) == 0 {
		caveats = []string{"The run has no warning."}
	}
	return append(pairs, report.Pair{Name: "Caveats and recommendations", Value: strings.Join(caveats, " ")})
}

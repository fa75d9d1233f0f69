package cohort

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
)

// copyNumberSource calls chromosome arms from segments, and the pairs of arms that define gliomas.
type copyNumberSource struct {
	Common
	Path       string  `yaml:"path,required"`
	IDPattern  Pattern `yaml:"id_pattern"`
	SampleType string  `yaml:"sample_type"`
	Build      string  `yaml:"build,required"` // GRCh37, GRCh38
	Loss       float64 `yaml:"loss"`           // log₂ ratio at and below which a segment is lost; −0.2
	Gain       float64 `yaml:"gain"`           // and at and above which it is gained; 0.2
	Fraction   float64 `yaml:"fraction"`       // of an arm that has to be; 0.7
}

// armLevels are the values of a column of an arm, in order.
var armLevels = []string{"lost", "neutral", "gained"}

func (s *copyNumberSource) load(_ context.Context, in input) (loaded, error) {
	path := resolve(in.base, s.Path)
	segments, err := genes.ReadSEG(path)
	if err != nil {
		return loaded{}, err
	}
	samples := slices.Sorted(maps.Keys(segments))
	as := mutationSource{IDPattern: s.IDPattern, SampleType: s.SampleType}
	at, notes, err := as.samplesOf(samples)
	if err != nil {
		return loaded{}, fmt.Errorf("%s: %w", path, err)
	}
	patients := slices.Sorted(maps.Keys(at))
	rule := genes.ArmRule{Build: s.Build, Loss: s.Loss, Gain: s.Gain, Fraction: s.Fraction}
	arms := make([]map[string]float64, len(patients))
	for i, p := range patients {
		if arms[i], err = rule.Arms(segments[samples[at[p]]]); err != nil {
			return loaded{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	t := table.New(patientKeys(patients))
	for _, name := range genes.ArmNames() {
		v := make([]float64, len(patients))
		for i := range v {
			v[i] = arms[i][name] + 1
		}
		if err := t.Add(table.Column{Name: s.Name + "." + name, Source: s.Name, Group: s.Group, Kind: table.Ordinal, Levels: armLevels}, v); err != nil {
			return loaded{}, err
		}
	}
	for _, pair := range []struct {
		name string
		arms map[string]float64
	}{{"codel_1p19q", map[string]float64{"1p": -1, "19q": -1}}, {"gain7_loss10", map[string]float64{"7p": 1, "7q": 1, "10p": -1, "10q": -1}}} {
		v := make([]float64, len(patients))
		for i := range v {
			v[i] = both(arms[i], pair.arms)
		}
		if err := t.Add(table.Column{Name: s.Name + "." + pair.name, Source: s.Name, Group: s.Group, Kind: table.Categorical, Levels: []string{"no", "yes"}}, v); err != nil {
			return loaded{}, err
		}
	}
	l := loaded{table: t, notes: notes}
	return l, s.choose(l.table)
}

// both is 1 where every arm is as wanted, 0 where one is known not to be, and else NaN.
func both(arms, want map[string]float64) float64 {
	unknown := false
	for name, w := range want {
		switch v := arms[name]; {
		case math.IsNaN(v):
			unknown = true
		case v != w:
			return 0
		}
	}
	if unknown {
		return math.NaN()
	}
	return 1
}

package cohort

import (
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
)

// loadMAF reads a file of mutations or of fusions, with a row an event. Who was profiled, and for what, is said by profiled; without it only patients that have a
// mutation in the file were.
func (s *mutationSource) loadMAF(in input) (loaded, error) {
	path := resolve(in.base, s.Path)
	var m *genes.Mutations
	var err error
	if s.Format == "fusions" {
		m, err = genes.ReadFusions(path)
	} else {
		m, err = genes.ReadMAF(path, genes.MAFOptions{Classes: s.Classes, Germline: s.Germline, Carry: s.Carry, Build: s.Build})
	}
	if err != nil {
		return loaded{}, err
	}
	out := loaded{notes: m.Notes}
	sample, notes, err := s.samplesOf(m.Samples)
	if err != nil {
		return out, fmt.Errorf("%s: %w", path, err)
	}
	out.notes = append(out.notes, notes...)
	tested, panels, err := s.profiled(in, sample)
	if err != nil {
		return out, err
	}
	if s.Profiled == "" {
		out.notes = append(out.notes, "without profiled, a patient who is not in the mutation file is missing, not wild type")
	}
	var patients []string
	for p := range sample {
		patients = append(patients, p)
	}
	for p := range tested {
		if _, ok := sample[p]; !ok {
			patients = append(patients, p)
		}
	}
	slices.Sort(patients)
	out.table, err = s.statuses(m, patients, sample, tested, panels)
	if err != nil {
		return out, fmt.Errorf("%s: %w", path, err)
	}
	return out, s.choose(out.table)
}

// samplesOf returns the sample that stands for each patient.
func (s *mutationSource) samplesOf(samples []string) (map[string]int, []string, error) {
	at := map[string]int{}
	if s.IDPattern.Regexp == nil && genes.IsBarcodes(samples) {
		c, err := genes.ChooseSamples(samples, s.sampleType())
		if err != nil {
			return nil, nil, err
		}
		for i, p := range c.Patients {
			at[p] = c.Samples[i]
		}
		return at, c.Notes, nil
	}
	for i, name := range samples {
		p, err := s.patient(name)
		if err != nil {
			return nil, nil, err
		}
		if before, ok := at[p]; ok {
			return nil, nil, fmt.Errorf("samples %q and %q are both of patient %s", samples[before], name, p)
		}
		at[p] = i
	}
	return at, nil, nil
}

func (s *mutationSource) sampleType() string {
	if s.SampleType == "" {
		return "primary"
	}
	return s.SampleType
}

// patient is the patient of a sample that is no TCGA barcode.
func (s *mutationSource) patient(sample string) (string, error) {
	if s.IDPattern.Regexp == nil {
		return sample, nil
	}
	found := s.IDPattern.FindStringSubmatch(sample)
	if found == nil {
		return "", fmt.Errorf("sample %q has not the form %s", sample, s.IDPattern)
	}
	return found[min(1, len(found)-1)], nil
}

// profiled returns the panel with which each patient was looked at, "" for every gene, and the panels by name.
func (s *mutationSource) profiled(in input, sample map[string]int) (map[string]string, map[string]genes.Panel, error) {
	panels := map[string]genes.Panel{}
	for _, f := range s.Panels {
		p, err := genes.ReadPanel(resolve(in.base, f))
		if err != nil {
			return nil, nil, err
		}
		panels[p.Name] = p
	}
	tested := map[string]string{}
	if s.Profiled == "" {
		for p := range sample {
			tested[p] = ""
		}
		return tested, panels, nil
	}
	if s.Profiled == "all" {
		for _, p := range in.patients {
			tested[p] = ""
		}
		return tested, panels, nil
	}
	path := resolve(in.base, s.Profiled)
	list, err := genes.ReadProfiled(path)
	if err != nil {
		return nil, nil, err
	}
	for i, name := range list.Samples {
		p := name
		if b, ok := genes.ParseBarcode(name); ok && s.IDPattern.Regexp == nil {
			if b.Normal() {
				continue
			}
			p = b.Patient
		} else if p, err = s.patient(name); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		panel := list.Panels[i]
		if _, ok := panels[panel]; panel != "" && !ok {
			return nil, nil, fmt.Errorf("%s: sample %s was looked at with panel %q; list its file under panels", path, name, panel)
		}
		if before, ok := tested[p]; ok && before != panel {
			return nil, nil, fmt.Errorf("%s: patient %s was looked at with panels %q and %q", path, p, before, panel)
		}
		tested[p] = panel
	}
	return tested, panels, nil
}

// statuses makes a column a gene and, where it is asked for, the burden.
func (s *mutationSource) statuses(m *genes.Mutations, patients []string, sample map[string]int, tested map[string]string, panels map[string]genes.Panel) (*table.Table, error) {
	keys := make([]table.Key, len(patients))
	row := map[int]int{} // of a sample
	for i, p := range patients {
		keys[i] = table.Key{Patient: p}
		if k, ok := sample[p]; ok {
			row[k] = i
		}
	}
	list := s.Genes
	if list == nil {
		list = m.Genes
	}
	at := map[string]int{}
	values := make([][]float64, len(list))
	for g, gene := range list {
		at[gene] = g
		values[g] = make([]float64, len(patients))
		for i, p := range patients {
			panel, ok := tested[p]
			if !ok || panel != "" && !panels[panel].Has(gene) {
				values[g][i] = math.NaN()
			}
		}
	}
	for _, c := range m.Calls {
		i, ok := row[int(c.Sample)]
		if !ok {
			continue // of an aliquot that was not chosen
		}
		if g, ok := at[m.Genes[c.Gene]]; ok {
			values[g][i] = 1
		}
	}
	t := table.New(keys)
	for g, gene := range list {
		col := table.Column{Name: s.Name + "." + gene, Source: s.Name, Group: s.Group, Kind: table.Categorical, Levels: mutationLevels}
		if err := t.Add(col, values[g]); err != nil {
			return nil, err
		}
	}
	if err := s.carried(t, m, at, row); err != nil {
		return nil, err
	}
	if s.Megabases == nil || s.Format == "fusions" {
		return t, nil
	}
	return t, s.burden(t, m, sample, tested)
}

// burden adds the number of mutations per megabase that was looked at.
func (s *mutationSource) burden(t *table.Table, m *genes.Mutations, sample map[string]int, tested map[string]string) error {
	values := make([]float64, t.Rows())
	for i, k := range t.Keys {
		values[i] = math.NaN()
		panel, ok := tested[k.Patient]
		if !ok {
			continue
		}
		if panel == "" {
			panel = "exome"
		}
		size, ok := s.Megabases[panel]
		switch {
		case !ok:
			return fmt.Errorf("megabases: the size of %s is not given, and a patient was looked at with it", panel)
		case size < 1:
			return fmt.Errorf("megabases: %s covers %g Mb; a burden from less than one megabase is refused (Buchhalter and others 2019)", panel, size)
		}
		values[i] = 0
		if a, ok := sample[k.Patient]; ok {
			values[i] = float64(m.Count[a]) / size
		}
	}
	return t.Add(table.Column{Name: s.Name + ".burden", Source: s.Name, Group: s.Group, Unit: "1/Mb"}, values)
}

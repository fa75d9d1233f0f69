package cohort

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

// A source whose images are brought to a standard scale (normalise: {method: nyul}) learns it from other patients. Load learns it from all
// of them. Whoever judges a model learns it again from the training patients of each fold, and extracts every patient on that scale:
// Cohort.Relearn. Landmarks are read once; an extraction is kept in the store under the scale it was made on.

// landmarksVersion is part of the key of stored landmarks.
const landmarksVersion = 1

// scanList is the files of the patients, or visits, of a source, in order, and the landmarks of each image where the source learns from them.
type scanList struct {
	keys      []table.Key
	pairs     [][]pair
	landmarks [][][]float64 // of each patient's images
}

// learn reads the landmarks of all scanList, and leaves out the patients whose image cannot be read.
func (s *imageSource) learn(ctx context.Context, all *scanList, pool work.Pool, out *loaded) error {
	how, err := json.Marshal(s.source())
	if err != nil {
		return err
	}
	items := make([]work.Item, len(all.keys))
	for i, k := range all.keys {
		items[i] = work.Item{Name: table.PerVisit.Describe(k), Do: func(context.Context) ([]byte, error) {
			var of [][]float64
			for _, p := range all.pairs[i] {
				l, err := s.Landmarks(p.image, p.mask)
				if err != nil {
					return nil, err
				}
				of = append(of, l)
			}
			return json.Marshal(of)
		}}
		if pool.Store == nil {
			continue
		}
		if parts, ok := hashes(all.pairs[i]); ok {
			items[i].Key = work.NewKey("landmarks", landmarksVersion, append(parts, how)...)
		}
	}
	results, err := pool.Run(ctx, items)
	if err != nil {
		return err
	}
	var read scanList
	for i, r := range results {
		var of [][]float64
		err := r.Err
		if err == nil {
			err = json.Unmarshal(r.Bytes, &of)
		}
		if err != nil {
			out.failures = append(out.failures, Exclusion{all.keys[i].Patient, err.Error()})
			continue
		}
		read.keys = append(read.keys, all.keys[i])
		read.pairs = append(read.pairs, all.pairs[i])
		read.landmarks = append(read.landmarks, of)
	}
	if len(read.keys) == 0 {
		return fmt.Errorf("the images of all %d failed; the first: %s", len(results), out.failures[0].Reason)
	}
	*all = read
	return nil
}

// hashes are those of the files of a patient; false where one cannot be read.
func hashes(pairs []pair) ([][]byte, bool) {
	var parts [][]byte
	for _, p := range pairs {
		a, errA := open.Hash(p.image)
		b, errB := open.Hash(p.mask)
		if errA != nil || errB != nil {
			return nil, false
		}
		parts = append(parts, a, b)
	}
	return parts, true
}

// on is the source with the scale of these patients, sorted.
func (s *imageSource) on(all scanList, patients []string) (extraction.Source, error) {
	var landmarks [][]float64
	for i, k := range all.keys {
		if _, ok := slices.BinarySearch(patients, k.Patient); ok {
			landmarks = append(landmarks, all.landmarks[i]...)
		}
	}
	source := s.source()
	var err error
	source.Plan, err = source.Learned(landmarks)
	return source, err
}

// relearner extracts a source anew, with what is learned from these patients alone.
type relearner func(ctx context.Context, patients []string, pool work.Pool) (*table.Table, error)

// relearner is that of the source.
func (s *imageSource) relearner(all scanList) relearner {
	return func(ctx context.Context, patients []string, pool work.Pool) (*table.Table, error) {
		source, err := s.on(all, patients)
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", s.Name, err)
		}
		l, err := s.extractAll(ctx, source, all, pool, loaded{})
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", s.Name, err)
		}
		return l.table, nil
	}
}

// Learns says whether a source learns from other patients how its columns are made.
func (c *Cohort) Learns() bool { return len(c.relearners) > 0 }

// Relearn makes the columns of the sources that learn from other patients, with what is learned from these patients alone. Rows are those
// of Table; a patient whose image a source lacks has missing values.
func (c *Cohort) Relearn(ctx context.Context, patients []string, pool work.Pool) (*table.Table, error) {
	patients = slices.Sorted(slices.Values(patients))
	pool.Progress = nil
	var tables []*table.Table
	for _, r := range c.relearners {
		t, err := r(ctx, patients, pool)
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return table.Join(c.Table.Keys, tables...)
}

// ImageSources are the sources of images, in order, as a bundle holds them, with what Load learned. base is the folder of the configuration.
func (c Config) ImageSources(base string) ([]extraction.Source, error) {
	var out []extraction.Source
	for _, source := range c.Sources {
		s, ok := source.loader.(*imageSource)
		if !ok {
			continue
		}
		one := s.source()
		if s.learned != nil {
			one.Plan = *s.learned
		}
		var err error
		if one.Parameters, err = s.params(base); err != nil {
			return nil, fmt.Errorf("source %s: %w", s.Name, err)
		}
		out = append(out, one)
	}
	return out, nil
}

// UseScales gives the sources of images that would learn a standard scale that of the trained source of the same name: patients of another
// hospital are measured as those of training were.
func (c Config) UseScales(trained []extraction.Source) {
	for _, source := range c.Sources {
		s, ok := source.loader.(*imageSource)
		if !ok {
			continue
		}
		for _, t := range trained {
			if t.Name == s.Name && t.Deep != nil && s.Deep != nil {
				s.Deep = t.Deep // the encoder that travels with the bundle
			}
		}
		if !s.Learns() {
			continue
		}
		for _, t := range trained {
			if t.Name == s.Name && t.Normalise != nil && t.Normalise.Scale != nil {
				n := *s.Normalise
				n.Scale = t.Normalise.Scale
				s.Normalise = &n
			}
		}
	}
}

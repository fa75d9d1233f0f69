package cohort

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/table"
)

// What is measured more than once: by several readers, whose masks a source of images names, or in a study of its own, whose table of
// intraclass correlations (extract --perturb) any source may name. Neither is a column that a model reads.

// byReaders extracts the patients with the masks of each reader. A patient whom a reader did not draw is missing there.
func (s *imageSource) byReaders(ctx context.Context, source extraction.Source, in input, out loaded) (loaded, error) {
	for _, reader := range s.Readers.Stability {
		var all scanList
		for _, p := range in.patients {
			found, _ := s.scansBy(reader, in.base, p)
			for _, one := range found {
				all.keys, all.pairs = append(all.keys, table.Key{Patient: p, Visit: one.visit}), append(all.pairs, one.pairs)
			}
		}
		if len(all.keys) == 0 {
			return out, fmt.Errorf("readers: there is no mask by %s", reader)
		}
		l, err := s.extractAll(ctx, source, all, in.pool, loaded{})
		if err != nil {
			return out, fmt.Errorf("reader %s: %w", reader, err)
		}
		if n := len(l.failures); n > 0 {
			out.notes = append(out.notes, fmt.Sprintf("%d masks by reader %s could not be used; the first: %s", n, reader, l.failures[0].Reason))
		}
		out.again = append(out.again, l.table)
	}
	return out, nil
}

// readStability reads the lower limits of a source's columns from a table with the columns feature and low. A feature without a region
// stands for that of every region. A table that names no column of the source is an error.
func (c *Cohort) readStability(s Common, base string) error {
	if s.Stability == "" {
		return nil
	}
	path := resolve(base, s.Stability)
	texts, err := table.ReadTexts(path, table.Options{Key: "feature", Columns: []string{"low"}})
	if err != nil {
		return err
	}
	limits := map[string]float64{}
	for i, k := range texts.Keys {
		text := texts.Column("low")[i]
		low := math.NaN()
		if text != "" && !strings.EqualFold(text, "nan") {
			if low, err = strconv.ParseFloat(text, 64); err != nil {
				return fmt.Errorf("%s: line %d, column low: %q is not a number", path, texts.Lines[i], text)
			}
		}
		limits[k.Patient] = low
	}
	if c.Lower == nil {
		c.Lower = map[string]float64{}
	}
	found := 0
	for _, col := range c.Table.Columns {
		bare, ok := strings.CutPrefix(col.Name, s.Name+".")
		if !ok {
			continue
		}
		low, ok := limits[bare]
		if !ok {
			low, ok = limits[bare[strings.LastIndexByte(bare, '.')+1:]]
		}
		if ok {
			c.Lower[col.Name] = low
			found++
		}
	}
	if found == 0 {
		return fmt.Errorf("%s names no column of the source; its first feature is %q", path, texts.Keys[0].Patient)
	}
	return nil
}

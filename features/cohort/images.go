package cohort

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/configs"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

// extractionVersion is part of the key of stored extractions; raise it when the features of the same files change.
const extractionVersion = 6

// imageSource is radiomics of volumes and masks: one image and one mask a patient, features of each region.
type imageSource struct {
	Common
	Image string `yaml:"image,required"` // path with {patient}; * and ? may stand for what differs
	Mask  string `yaml:"mask,required"`
	// Manifest is the metadata.csv or .tcia of a TCIA download, which says whose each series is. Image and mask are then patterns of
	// MODALITY/description in place of paths.
	Manifest string `yaml:"manifest"`
	Modality string `yaml:"modality"` // MR, CT, PT
	extraction.Plan
	Radiomics string         `yaml:"radiomics"` // a PyRadiomics parameter file, or the name of a preset; empty takes parameters, or PyRadiomics' defaults
	Readers   *readers       `yaml:"readers"`   // which reader's masks; {reader} in a path
	Visits    *visits        `yaml:"visits"`    // which visit; {visit} in a path
	Prepared  *settings.Node `yaml:"prepared"`
	// Of kind deep: an ONNX file or a bundle, and whose values in it become columns.
	Encoder string `yaml:"encoder"`
	Layer   string `yaml:"layer"`

	listed  []series         // of the manifest
	learned *extraction.Plan // with the scale of all patients, once they were read
}

// readers say whose masks are used, where several have drawn them.
type readers struct {
	Use string `yaml:"use,required"`
	// Stability are readers whose masks tell which features last (step drop_unstable): two or more.
	Stability []string `yaml:"stability"`
}

// visits say which visit's images are used, which are each a row, or between which two visits features change.
type visits struct {
	Use    string   `yaml:"use"`
	Each   []string `yaml:"each"`   // visits that are each a row, where cohort.unit is visit
	Change []string `yaml:"change"` // [before, after]: features are (after − before)/before, under delta_ and their name
}

// DecodeNode checks what the form of the keys cannot say.
func (s *imageSource) DecodeNode(n *settings.Node, p *settings.Problems) {
	type plain imageSource // without this method
	v := plain{}
	settings.Decode(n, &v, p)
	*s = imageSource(v)
	for _, f := range []struct{ key, path string }{{"image", s.Image}, {"mask", s.Mask}} {
		at := n.Get(f.key)
		if at != nil && s.Manifest == "" && !strings.Contains(f.path, "{patient}") {
			p.Add(at, "the path is the same for all patients; put {patient} where they differ")
		}
		if strings.Contains(f.path, "{reader}") && s.Readers == nil {
			p.Add(at, "the path has {reader}: say whose masks are used (readers: {use: A})")
		}
		if strings.Contains(f.path, "{visit}") && s.Visits == nil {
			p.Add(at, "the path has {visit}: say which is used (visits: {use: baseline})")
		}
	}
	if s.Readers != nil && !strings.Contains(s.Image+s.Mask, "{reader}") {
		p.Add(n.Get("readers"), "no path has {reader}")
	}
	if s.Readers != nil && s.Readers.Stability != nil {
		at := n.Get("readers").Get("stability")
		if distinct := slices.Compact(slices.Sorted(slices.Values(s.Readers.Stability))); len(distinct) < 2 || len(distinct) < len(s.Readers.Stability) {
			p.Add(at, "want two readers or more, each once: stability: [A, B]")
		}
		if !strings.Contains(s.Mask, "{reader}") {
			p.Add(at, "the path of the mask has no {reader}")
		}
	}
	if s.Visits != nil {
		at := n.Get("visits")
		if !strings.Contains(s.Image+s.Mask, "{visit}") {
			p.Add(at, "no path has {visit}")
		}
		ways := 0
		for _, given := range []bool{s.Visits.Use != "", s.Visits.Each != nil, s.Visits.Change != nil} {
			if given {
				ways++
			}
		}
		if ways != 1 || s.Visits.Change != nil && len(s.Visits.Change) != 2 {
			p.Add(at, "want use: one visit, change: [before, after], or each: [visits that are each a row]")
		}
		if distinct := slices.Compact(slices.Sorted(slices.Values(s.Visits.Each))); len(distinct) < len(s.Visits.Each) || slices.Contains(distinct, "") {
			p.Add(at.Get("each"), "want each visit once, by its name")
		}
	}
	if s.EachLesion() && s.Visits != nil && s.Visits.Change != nil {
		p.Add(n.Get("lesions"), "which lesion of one visit is which of another is not known; a change wants lesions with an aggregate")
	}
	if s.EachLesion() && s.Readers != nil && s.Readers.Stability != nil && s.Lesions.From != "labels" {
		p.Add(n.Get("readers").Get("stability"), "which component of one reader's mask is which of another's is not known; label the lesions (from: labels)")
	}
	if s.Volume != nil && s.Visits != nil && s.Visits.Change != nil {
		p.Add(n.Get("volume"), "a crop is of one visit; say visits: {use: …}")
	}
	if at := n.Get("parameters"); at != nil && s.Radiomics != "" {
		p.Add(at, "radiomics and parameters say the same thing twice; keep one")
	}
	s.deepen(n, p)
	s.Plan.Check(n, p)
}

// scan is what one row of images is made from: one pair of image and mask, or one before and one after. The visit is named where each
// is a row.
type scan struct {
	visit string
	pairs []pair
}

// scans are those of a patient, the mask by the reader who is used. Where there is none, why says so.
func (s *imageSource) scans(base, patient string) (found []scan, why string) {
	reader := ""
	if s.Readers != nil {
		reader = s.Readers.Use
	}
	return s.scansBy(reader, base, patient)
}

// scansBy are scans with the mask by a reader.
func (s *imageSource) scansBy(reader, base, patient string) (found []scan, why string) {
	each := []string{""}
	if s.Visits != nil && s.Visits.Each != nil {
		each = s.Visits.Each
	}
	for _, v := range each {
		visit := []string{v}
		switch {
		case s.Visits == nil || v != "":
		case s.Visits.Change != nil:
			visit = s.Visits.Change
		default:
			visit = []string{s.Visits.Use}
		}
		pairs, absent := s.pairsOf(visit, reader, base, patient)
		if absent != "" {
			why = cmp.Or(why, absent)
			continue
		}
		found = append(found, scan{v, pairs})
	}
	return found, why
}

// pairsOf are the paths of image and mask at these visits.
func (s *imageSource) pairsOf(visit []string, reader, base, patient string) (pairs []pair, why string) {
	for _, v := range visit {
		fill := strings.NewReplacer("{visit}", v, "{reader}", reader)
		img, why := s.find(base, fill.Replace(s.Image), patient)
		if why != "" {
			return nil, why
		}
		mask, why := s.find(base, fill.Replace(s.Mask), patient)
		if why != "" {
			return nil, why
		}
		pairs = append(pairs, pair{img, mask})
	}
	return pairs, ""
}

// pair is an image and its mask.
type pair struct{ image, mask string }

func (s *imageSource) load(ctx context.Context, in input) (loaded, error) {
	var err error
	if s.Parameters, err = s.params(in.base); err != nil {
		return loaded{}, err
	}
	if err := s.freeze(in.base); err != nil {
		return loaded{}, err
	}
	if err := s.list(in.base); err != nil {
		return loaded{}, err
	}
	s.learned = nil
	var out loaded
	var all scanList
	for _, p := range in.patients {
		found, why := s.scans(in.base, p)
		if len(found) == 0 {
			out.absent = append(out.absent, Exclusion{p, why})
		}
		for _, one := range found {
			all.keys, all.pairs = append(all.keys, table.Key{Patient: p, Visit: one.visit}), append(all.pairs, one.pairs)
		}
	}
	if len(all.keys) == 0 && len(in.patients) > 0 {
		return loaded{}, fmt.Errorf("no patient has an image and a mask; the first: %s", out.absent[0].Reason)
	}
	source := s.source()
	if s.Learns() {
		if err := s.learn(ctx, &all, in.pool, &out); err != nil {
			return loaded{}, err
		}
		if source, err = s.on(all, in.patients); err != nil {
			return loaded{}, err
		}
		s.learned = &source.Plan
		out.relearn = s.relearner(all)
		out.notes = append(out.notes, fmt.Sprintf("the standard scale of the images is learned from all %d here; training learns it again in each fold", len(all.keys)))
	}
	if out, err = s.extractAll(ctx, source, all, in.pool, out); err != nil || s.Readers == nil {
		return out, err
	}
	return s.byReaders(ctx, source, in, out)
}

// extractAll extracts the patients of a source and adds them to what is loaded.
func (s *imageSource) extractAll(ctx context.Context, source extraction.Source, all scanList, pool work.Pool, out loaded) (loaded, error) {
	items := make([]work.Item, len(all.keys))
	for i, k := range all.keys {
		var err error
		if items[i], err = newItem(table.PerVisit.Describe(k), source, all.pairs[i], pool.Store != nil); err != nil {
			return loaded{}, err
		}
	}
	results, err := pool.Run(ctx, items)
	if err != nil {
		return loaded{}, err
	}
	return s.collect(out, all.keys, results)
}

// rows are those of a table while it is made, whose columns are found one by one.
type rows struct {
	keys   []table.Key
	names  []string
	at     map[string]int
	values [][]float64
}

// add appends a row of features.
func (r *rows) add(k table.Key, features []radiomics.Feature) {
	row := make([]float64, len(r.names))
	for j := range row {
		row[j] = math.NaN()
	}
	for _, x := range features {
		j, ok := r.at[x.Name]
		if !ok {
			j = len(r.names)
			r.at[x.Name] = j
			r.names = append(r.names, x.Name)
			row = append(row, 0)
		}
		row[j] = x.Value
	}
	r.keys, r.values = append(r.keys, k), append(r.values, row)
}

// collect makes the table of all extractions that succeeded.
func (s *imageSource) collect(out loaded, of []table.Key, results []work.Result) (loaded, error) {
	made := rows{at: map[string]int{}}
	var notes []string // in the order of patients
	noted := map[string]int{}
	for i, r := range results {
		var one extraction.Result
		err := r.Err
		if err == nil {
			one, err = decodeResult(r.Bytes)
		}
		if err != nil {
			out.failures = append(out.failures, Exclusion{of[i].Patient, err.Error()})
			continue
		}
		if one.Acquired.Spacing != nil {
			if out.acquired == nil {
				out.acquired = map[table.Key]extraction.Acquired{}
			}
			out.acquired[of[i]] = one.Acquired
		}
		out.keepCrop(of[i], one.Crop)
		for _, n := range one.Notes {
			if noted[n]++; noted[n] == 1 {
				notes = append(notes, n)
			}
		}
		if one.Lesions == nil {
			made.add(of[i], one.Features)
		}
		for _, l := range one.Lesions {
			k := of[i]
			k.Lesion = l.Name
			made.add(k, l.Features)
			out.keepCrop(k, l.Crop)
		}
	}
	keys, names, values := made.keys, made.names, made.values
	if len(keys) == 0 {
		return out, fmt.Errorf("the images of all %d patients failed; the first: %s", len(results), out.failures[0].Reason)
	}
	t := table.New(keys)
	for j, name := range names {
		column := make([]float64, len(keys))
		for i, row := range values {
			column[i] = math.NaN()
			if j < len(row) {
				column[i] = row[j]
			}
		}
		if err := t.Add(table.Column{Name: name, Source: s.Name, Group: s.Group}, column); err != nil {
			return out, err
		}
	}
	for _, n := range notes {
		out.notes = append(out.notes, fmt.Sprintf("%d patients: %s", noted[n], n))
	}
	out.table = t
	if s.Deep != nil {
		out.warnings = append(out.warnings, s.trainedOn(out.crops)...)
		out.crops = nil
	}
	return out, s.choose(t)
}

// keepCrop notes the crop of a row, where there is one.
func (l *loaded) keepCrop(of table.Key, crop []float32) {
	if crop == nil {
		return
	}
	if l.crops == nil {
		l.crops = map[table.Key][]float32{}
	}
	l.crops[of] = crop
}

// params reads the parameters of the extraction.
func (s *imageSource) params(base string) (radiomics.Params, error) {
	p := s.Parameters
	switch {
	case s.Radiomics == "" && len(p.Images) == 0:
		p = radiomics.DefaultParams()
	case s.Radiomics != "":
		var err error
		if p, err = readParameters(base, s.Radiomics); err != nil {
			return p, fmt.Errorf("radiomics: %w", err)
		}
	}
	p.AdditionalInfo = false // diagnostics are no features
	p.Images = slices.Clone(p.Images)
	for i := range p.Images {
		p.Images[i].Settings.AdditionalInfo = false
	}
	return p, nil
}

// readParameters reads a parameter file, or the preset of that name.
func readParameters(base, name string) (radiomics.Params, error) {
	if strings.ContainsAny(name, `./\`) {
		return radiomics.ReadParams(resolve(base, name))
	}
	b, err := configs.Radiomics(name)
	if err != nil {
		return radiomics.Params{}, fmt.Errorf("%w; a parameter file is named with its extension", err)
	}
	return radiomics.ParseParams("preset "+name, b)
}

// find returns the file of a patient, or why there is none.
func (s *imageSource) find(base, pattern, patient string) (path, why string) {
	if patient == "." || patient == ".." || strings.ContainsAny(patient, `/\`+"\x00") {
		return "", fmt.Sprintf("the patient's name %q cannot be part of a path", patient)
	}
	if s.Manifest != "" {
		return pick(s.listed, patient, pattern)
	}
	if !strings.ContainsAny(pattern, "*?") {
		path = resolve(base, strings.ReplaceAll(pattern, "{patient}", patient))
		if _, err := os.Stat(path); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return "", "there is no file " + path
			}
			return "", err.Error()
		}
		return path, ""
	}
	escaped := strings.NewReplacer("[", `\[`, "*", `\*`, "?", `\?`).Replace(patient)
	full := resolve(base, strings.ReplaceAll(strings.ReplaceAll(pattern, "[", `\[`), "{patient}", escaped))
	found, err := filepath.Glob(full)
	switch {
	case err != nil:
		return "", err.Error()
	case len(found) == 0:
		return "", "there is no file of the form " + full
	case len(found) > 1:
		return "", fmt.Sprintf("%d files have the form %s; one is wanted", len(found), full)
	}
	return found[0], ""
}

// source is all that decides what is extracted, as a bundle holds it.
func (s *imageSource) source() extraction.Source {
	out := extraction.Source{Name: s.Name, Modality: s.Modality, Plan: s.Plan, Prepared: s.Prepared}
	if s.Visits != nil {
		out.Change = s.Visits.Change
	}
	return out
}

// newItem is the extraction of one scan. With a store it is keyed by the content of the files and all that decides the result.
func newItem(name string, source extraction.Source, pairs []pair, stored bool) (work.Item, error) {
	var files []extraction.Files
	for _, p := range pairs {
		files = append(files, extraction.Files{Image: p.image, Mask: p.mask, Prepared: true})
	}
	item := work.Item{Name: name, Do: func(ctx context.Context) ([]byte, error) {
		r, err := source.Extract(ctx, files...)
		if err != nil {
			return nil, err
		}
		return encodeResult(r), nil
	}}
	if !stored {
		return item, nil
	}
	how, err := json.Marshal(source)
	if err != nil {
		return item, err
	}
	if parts, ok := hashes(pairs); ok { // a file that cannot be read fails in Do, as this patient's problem
		item.Key = work.NewKey("radiomics", extractionVersion, append([][]byte{how}, parts...)...)
	}
	return item, nil
}

package cohort

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/configs"
	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

// extractionVersion is part of the key of stored extractions; raise it when the features of the same files change.
const extractionVersion = 1

// imageSource is radiomics of volumes and masks: one image and one mask a patient, features of each region.
type imageSource struct {
	Common
	Image     string            `yaml:"image,required"` // path with {patient}; * and ? may stand for what differs
	Mask      string            `yaml:"mask,required"`
	Modality  string            `yaml:"modality"`  // MR, CT, PT
	Radiomics string            `yaml:"radiomics"` // a PyRadiomics parameter file, or the name of a preset; empty is PyRadiomics' default
	Label     int               `yaml:"label"`     // of the mask, where no regions are named; 1
	Regions   map[string]labels `yaml:"regions"`   // name: labels that make it up
	Grid      string            `yaml:"grid"`      // same; mask_to_image takes the mask to the image's grid by nearest neighbour
	Prepared  *settings.Node    `yaml:"prepared"`
}

// labels are the labels of a mask that make up a region.
type labels []int

// DecodeNode reads a label or a list of them.
func (l *labels) DecodeNode(n *settings.Node, p *settings.Problems) {
	var list []int
	settings.Decode(n, &list, p)
	for _, v := range list {
		if v < 1 || v > math.MaxUint16 {
			p.Add(n, "a label is between 1 and %d, not %d", math.MaxUint16, v)
		}
	}
	*l = list
}

// DecodeNode checks what the form of the keys cannot say.
func (s *imageSource) DecodeNode(n *settings.Node, p *settings.Problems) {
	type plain imageSource // without this method
	v := plain{Label: 1}
	settings.Decode(n, &v, p)
	*s = imageSource(v)
	for _, f := range []struct{ key, path string }{{"image", s.Image}, {"mask", s.Mask}} {
		if at := n.Get(f.key); at != nil && !strings.Contains(f.path, "{patient}") {
			p.Add(at, "the path is the same for all patients; put {patient} where they differ")
		}
	}
	switch s.Grid {
	case "", "same", "mask_to_image":
	default:
		p.Add(n.Get("grid"), "want same or mask_to_image, not %q", s.Grid)
	}
	if s.Label < 1 || s.Label > math.MaxUint16 {
		p.Add(n.Get("label"), "a label is between 1 and %d", math.MaxUint16)
	}
	if n.Get("label") != nil && s.Regions != nil {
		p.Add(n.Get("label"), "label and regions say the same thing twice; keep one")
	}
}

// region is one region of the masks of a source.
type region struct {
	prefix string // of its columns
	labels []int
}

func (s *imageSource) regions() []region {
	if s.Regions == nil {
		return []region{{"", []int{s.Label}}}
	}
	var out []region
	for name, l := range s.Regions {
		out = append(out, region{name + ".", l})
	}
	slices.SortFunc(out, func(a, b region) int { return strings.Compare(a.prefix, b.prefix) })
	return out
}

func (s *imageSource) load(ctx context.Context, in input) (loaded, error) {
	params, err := s.params(in.base)
	if err != nil {
		return loaded{}, err
	}
	var out loaded
	var items []work.Item
	var patients []string
	for _, p := range in.patients {
		img, why := s.find(in.base, s.Image, p)
		mask := ""
		if why == "" {
			mask, why = s.find(in.base, s.Mask, p)
		}
		if why != "" {
			out.absent = append(out.absent, Exclusion{p, why})
			continue
		}
		item, err := s.item(p, img, mask, params, in.pool.Store != nil)
		if err != nil {
			return loaded{}, err
		}
		items = append(items, item)
		patients = append(patients, p)
	}
	if len(items) == 0 && len(in.patients) > 0 {
		return loaded{}, fmt.Errorf("no patient has an image and a mask; the first: %s", out.absent[0].Reason)
	}
	results, err := in.pool.Run(ctx, items)
	if err != nil {
		return loaded{}, err
	}
	return s.collect(out, patients, results)
}

// collect makes the table of all extractions that succeeded.
func (s *imageSource) collect(out loaded, patients []string, results []work.Result) (loaded, error) {
	var keys []table.Key
	var names []string
	at := map[string]int{}
	var values [][]float64
	for i, r := range results {
		if r.Err != nil {
			out.failures = append(out.failures, Exclusion{patients[i], r.Err.Error()})
			continue
		}
		f, err := decodeFeatures(r.Bytes)
		if err != nil {
			out.failures = append(out.failures, Exclusion{patients[i], err.Error()})
			continue
		}
		keys = append(keys, table.Key{Patient: patients[i]})
		row := make([]float64, len(names))
		for j := range row {
			row[j] = math.NaN()
		}
		for _, x := range f {
			j, ok := at[x.Name]
			if !ok {
				j = len(names)
				at[x.Name] = j
				names = append(names, x.Name)
				row = append(row, 0)
			}
			row[j] = x.Value
		}
		values = append(values, row)
	}
	if len(keys) == 0 {
		return out, fmt.Errorf("the images of all %d patients failed; the first: %s", len(results), out.failures[0].Reason)
	}
	t := table.New(keys)
	infinite := 0
	for j, name := range names {
		column := make([]float64, len(keys))
		for i, row := range values {
			column[i] = math.NaN()
			if j < len(row) {
				column[i] = row[j]
			}
			if math.IsInf(column[i], 0) {
				column[i] = math.NaN()
				infinite++
			}
		}
		if err := t.Add(table.Column{Name: s.Name + "." + name, Source: s.Name, Group: s.Group}, column); err != nil {
			return out, err
		}
	}
	if infinite > 0 {
		out.notes = append(out.notes, fmt.Sprintf("%d features that are infinite count as missing", infinite))
	}
	out.table = t
	return out, s.choose(t)
}

// params reads the parameters of the extraction.
func (s *imageSource) params(base string) (radiomics.Params, error) {
	p := radiomics.DefaultParams()
	if s.Radiomics != "" {
		var err error
		if p, err = readParameters(base, s.Radiomics); err != nil {
			return p, fmt.Errorf("radiomics: %w", err)
		}
	}
	p.AdditionalInfo = false // diagnostics are no features
	if s.Grid == "mask_to_image" {
		p.CorrectMask = true
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

// item is the extraction of one patient. With a store it is keyed by the content of the files and all that decides the result.
func (s *imageSource) item(patient, img, mask string, params radiomics.Params, stored bool) (work.Item, error) {
	regions := s.regions()
	item := work.Item{Name: patient, Do: func(context.Context) ([]byte, error) {
		f, err := extract(img, mask, regions, params)
		if err != nil {
			return nil, err
		}
		return encodeFeatures(f), nil
	}}
	if !stored {
		return item, nil
	}
	how, err := json.Marshal(struct {
		Params  radiomics.Params
		Regions string
	}{params, fmt.Sprint(regions)})
	if err != nil {
		return item, err
	}
	a, errA := open.Hash(img)
	b, errB := open.Hash(mask)
	if errA == nil && errB == nil { // a file that cannot be read fails in Do, as this patient's problem
		item.Key = work.NewKey("radiomics", extractionVersion, how, a, b)
	}
	return item, nil
}

// extract computes the features of every region of one patient.
func extract(img, mask string, regions []region, params radiomics.Params) ([]radiomics.Feature, error) {
	parts, err := masks(img, mask, regions)
	if err != nil {
		return nil, err
	}
	all := &image.Mask{Grid: parts[0].Grid, Labels: make([]uint16, len(parts[0].Labels))} // every region, for what has to be read of the image
	for _, p := range parts {
		for v, l := range p.Labels {
			all.Labels[v] |= l
		}
	}
	in, err := open.Region(img, radiomics.Reach(all, []int{1}, params))
	if err != nil {
		return nil, err
	}
	var out []radiomics.Feature
	for i, r := range regions {
		f, err := radiomics.ExtractReading(in, parts[i], 1, params)
		if err != nil {
			return nil, fmt.Errorf("%s: labels %v: %w", mask, r.labels, err)
		}
		for _, x := range f.Features {
			out = append(out, radiomics.Feature{Name: r.prefix + x.Name, Value: x.Value})
		}
	}
	return out, nil
}

// masks reads the regions of one patient, each as a mask of 1. Segments of a DICOM object that share voxels are read one at a time.
func masks(img, mask string, regions []region) ([]*image.Mask, error) {
	var wanted []int
	for _, r := range regions {
		wanted = append(wanted, r.labels...)
	}
	parts := make([]*image.Mask, len(regions))
	m, err := open.MaskFor(mask, img, wanted...)
	if err == nil {
		for i, r := range regions {
			parts[i] = merge(m, r.labels)
		}
		return parts, nil
	}
	if !errors.Is(err, dicom.ErrOverlap) {
		return nil, err
	}
	for i, r := range regions {
		for _, l := range r.labels {
			one, err := open.MaskFor(mask, img, l)
			if err != nil {
				return nil, err
			}
			one = merge(one, []int{l})
			if parts[i] == nil {
				parts[i] = one
				continue
			}
			for v, l := range one.Labels {
				parts[i].Labels[v] |= l
			}
		}
	}
	return parts, nil
}

// merge returns a mask that is 1 where m has one of the labels.
func merge(m *image.Mask, labels []int) *image.Mask {
	var in [math.MaxUint16 + 1]uint16
	for _, l := range labels {
		in[l] = 1
	}
	out := &image.Mask{Grid: m.Grid, Labels: make([]uint16, len(m.Labels))}
	for i, l := range m.Labels {
		out.Labels[i] = in[l]
	}
	return out
}

// encodeFeatures writes a line a feature, the value with all its digits.
func encodeFeatures(f []radiomics.Feature) []byte {
	var b []byte
	for _, x := range f {
		b = append(b, x.Name...)
		b = append(b, '\t')
		b = strconv.AppendFloat(b, x.Value, 'g', -1, 64)
		b = append(b, '\n')
	}
	return b
}

func decodeFeatures(b []byte) ([]radiomics.Feature, error) {
	var out []radiomics.Feature
	for line := range strings.Lines(string(b)) {
		name, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		v, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("a stored extraction is damaged: %q", line)
		}
		out = append(out, radiomics.Feature{Name: name, Value: v})
	}
	return out, nil
}

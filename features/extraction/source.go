package extraction

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/settings"
)

// Source is a source of images as a bundle holds it: all that decides what training extracted from files, and no path. It is the block
// of the experiment file with the parameters written out, so that a server takes the raw files of a patient and computes the very
// columns that training did:
//
//	for _, s := range bundle.Sources {
//		row, err := s.Extract(ctx, extraction.Files{Image: "ct/", Mask: "seg.dcm"})
//		// row.Features are the columns s.Name + "." + feature; NaN is missing
//	}
//
// As JSON it is strict both ways: unknown keys, parameters that PyRadiomics does not know and regions of regions that are not there are
// errors with their place. A decoded Source is not changed by use and is safe for concurrent use.
type Source struct {
	Name     string `yaml:"name,required" json:"name"`
	Modality string `yaml:"modality" json:"modality,omitempty"` // as the experiment says: MR, CT, PT; empty where it does not
	Plan
	// Change are two visits. Features are then the relative change from the first to the second, under delta_ and their name.
	Change []string `yaml:"change" json:"change,omitempty"`
	// Prepared is what the experiment says was done to the files before: registered, skull-stripped, normalised. Files that were not
	// prepared alike give other features.
	Prepared *settings.Node `yaml:"prepared" json:"prepared,omitempty"`
	// Seen is how the images of the training patients were made; nil where nobody noted it.
	Seen *Seen `yaml:"seen" json:"seen,omitempty"`
}

// Files are where the image and the mask of a patient lie: files, or folders or archives of DICOM.
type Files struct {
	Image, Mask string
	// Prepared is the caller's word that the files were prepared as Source.Prepared says.
	Prepared bool
}

// ErrPrepared says that a source was prepared outside and that nobody vouched for the files.
var ErrPrepared = errors.New("the images were prepared before training and raw files are refused")

// Visits is the number of Files that Extract wants: two where features are changes between visits.
func (s *Source) Visits() int {
	if s.Change != nil {
		return 2
	}
	return 1
}

// Extract computes the columns of one patient, named in full (source.feature) and in the order that training has them. Of two visits the
// earlier comes first. A value that is infinite or not a number is NaN, which is missing. The notes name no patient.
func (s *Source) Extract(ctx context.Context, files ...Files) (Result, error) {
	if len(files) != s.Visits() {
		return Result{}, fmt.Errorf("source %s: %d pairs of image and mask: want %d", s.Name, len(files), s.Visits())
	}
	var results []Result
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		if s.Prepared != nil && !f.Prepared {
			how, err := json.Marshal(s.Prepared.Any())
			return Result{}, errors.Join(fmt.Errorf("source %s: %w; done to them was: %s", s.Name, ErrPrepared, how), err)
		}
		r, err := s.Plan.Extract(f.Image, f.Mask)
		if err != nil {
			return Result{}, err
		}
		results = append(results, r)
	}
	out := results[0]
	if len(results) == 2 {
		var err error
		if out.Features, err = change(results[0].Features, results[1].Features); err != nil {
			return Result{}, err
		}
		out.note(results[1].Notes)
	}
	infinite := s.name(out.Features)
	for _, l := range out.Lesions {
		infinite += s.name(l.Features)
	}
	if infinite > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d features are infinite and count as missing", infinite))
	}
	return out, nil
}

// name gives features their full names and returns how many are infinite, which are then missing.
func (s *Source) name(features []radiomics.Feature) (infinite int) {
	for i, f := range features {
		features[i].Name = s.Name + "." + f.Name
		if math.IsInf(f.Value, 0) {
			features[i].Value = math.NaN()
			infinite++
		}
	}
	return infinite
}

// change is the relative change of features: (after − before)/before, which is missing where a feature was 0. A feature that one of the two
// lacks, because its image was too small for a filter, has none.
func change(before, after []radiomics.Feature) ([]radiomics.Feature, error) {
	at := make(map[string]float64, len(after))
	for _, a := range after {
		at[a.Name] = a.Value
	}
	out := make([]radiomics.Feature, 0, len(before))
	for _, b := range before {
		if value, ok := at[b.Name]; ok {
			out = append(out, radiomics.Feature{Name: "delta_" + b.Name, Value: (value - b.Value) / b.Value})
		}
	}
	if len(out) == 0 {
		return nil, errors.New("the two visits have no feature in common")
	}
	return out, nil
}

// UnmarshalJSON reads what MarshalJSON of encoding/json writes of a Source, and nothing else.
func (s *Source) UnmarshalJSON(b []byte) error {
	n, err := settings.ParseStored("source", b)
	if err != nil {
		return err
	}
	var p settings.Problems
	*s = Source{}
	settings.Decode(n, s, &p)
	if err := p.Err(); err != nil {
		return err
	}
	if s.Change != nil && len(s.Change) != 2 {
		p.Add(n.Get("change"), "want two visits, not %d", len(s.Change))
	}
	if s.Change != nil && s.EachLesion() {
		p.Add(n.Get("change"), "which lesion of one visit is which of another is not known")
	}
	if len(s.Parameters.Images) == 0 {
		p.Add(n, `"parameters" is missing`)
	}
	s.Plan.Check(n, &p)
	return p.Err()
}

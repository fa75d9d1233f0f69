package studies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/registry"
	"github.com/voxgene/voxgene/serve/results"
)

// study is one study that is being turned into a row.
type study struct {
	*upload
	entry    *registry.Entry
	features map[string]any // number or text, by full name
	identity results.Identity
	evidence []results.Instance
	notes    []string
	acquired map[string]extraction.Acquired // how the images of each source were made
	crops    []cropped                      // of the sources that make them
	secrets  []string                       // that no message may hold
	maskless bool                           // all that is missing is a mask
	read     []reading
	lacks    []string                    // sources for which there is no series
	optional []string                    // sources that may lack one
	shared   bool                        // came by itself: whoever may ask the model may look at its images
	lesions  []lesion                    // where each is a row of its own
	series   map[string]string           // SeriesInstanceUID of each source whose images are DICOM
	masks    map[string]results.Instance // of each source whose mask is DICOM
	contents []string                    // of what was read: see inputs
}

// newStudy is a study of what arrived, for a bundle.
func newStudy(e *registry.Entry, u *upload) *study {
	return &study{upload: u, entry: e, features: map[string]any{}, identity: results.Identity{Patient: u.fields["patient"], Issuer: u.fields["issuer"]}, notes: slices.Clone(u.notes),
		series: map[string]string{}, masks: map[string]results.Instance{}}
}

// predict turns what arrived into the answer.
func (f *Front) predict(ctx context.Context, r *http.Request, s *study, j *job) (answer, error) {
	e, u := s.entry, s.upload
	steps := len(e.Bundle.Sources) + 2
	if err := s.numbers(); err != nil {
		return answer{}, s.clean(err)
	}
	if err := s.noteValues(); err != nil {
		return answer{}, err
	}
	for i := range e.Bundle.Sources {
		j.at("extracting "+e.Bundle.Sources[i].Name, i, steps)
		if err := s.extract(ctx, &e.Bundle.Sources[i]); err != nil && !s.absent(&e.Bundle.Sources[i], err) {
			return answer{}, s.clean(err)
		}
	}
	if err := s.unread(); err != nil {
		return answer{}, s.clean(err)
	}
	j.at("predicting", steps-2, steps)
	explain := map[string]any{"top": 20}
	if by := u.fields["explain"]; by != "" {
		explain["group_by"] = by
	}
	body, err := json.Marshal(map[string]any{"patients": s.rows(), "explain": explain})
	if err != nil {
		return answer{}, err
	}
	d, p := api.Decode(body, e.Columns, f.Patients)
	if p != nil {
		return answer{}, s.clean(*p)
	}
	d.Pseudonymous = f.Pseudonyms != nil
	d.X.Columns, d.X.Volumes = e.Bundle.Columns(), s.volumes()
	for range d.X.Rows {
		d.Request.Acquired = append(d.Request.Acquired, s.acquired)
	}
	answers, p, cause := api.Predict(r, e, d, f.Audit)
	if p != nil {
		if p.Status >= 500 {
			f.Log.Error("a study failed", "model", e.Bundle.Name, "cause", s.hide(fmt.Sprint(cause)))
		}
		return answer{}, s.clean(*p)
	}
	j.at("keeping", steps-1, steps)
	drawn, err := curves(ctx, e.Bundle, d.X)
	if err != nil {
		return answer{}, s.clean(err)
	}
	a, err := f.keep(s, answers, drawn)
	if err != nil {
		return answer{}, err
	}
	j.at("preparing the images", steps-1, steps)
	var whole bundle.Prediction // that maps are made of; of lesions they are laid over the scan alone
	if s.lesions == nil {
		whole = answers[0]
	}
	a.Scan = f.show(ctx, s, d.X, answers, j.who, a.Result)
	a.Notes = s.notes
	return a, f.deliver(s, d.X, whole, &a)
}

// answer is what a client is sent.
type answer struct {
	Model       string            `json:"model"`
	Version     string            `json:"version"`
	IntendedUse string            `json:"intended_use"`
	Words       string            `json:"words"`
	Predictions []json.RawMessage `json:"predictions"`
	Notes       []string          `json:"notes,omitempty"`
	Inputs      string            `json:"inputs"`           // hash of what it was made from
	Result      string            `json:"result,omitempty"` // identifier under which it is kept
	State       results.State     `json:"state,omitempty"`
	Previous    string            `json:"previous,omitempty"`
	// Curves are the survival curves by outcome, for drawing alone.
	Curves  map[string]results.Curve `json:"curves,omitempty"`
	Lesions []results.Seen           `json:"lesions,omitempty"` // in the order of the predictions, where each is of a lesion
	Scan    *shown                   `json:"scan,omitempty"`    // where the images can be looked at, and how long
	made    bool                     // the result is new
}

// keep keeps the prediction, or those of all lesions as one result, where there is a store and the patient is known, and returns the answer.
func (f *Front) keep(s *study, answers []bundle.Prediction, drawn []map[string]results.Curve) (answer, error) {
	b := s.entry.Bundle
	content := results.Content{Identity: s.identity, Features: s.inputsOf(s.features, false), Evidence: s.evidence, Lesions: s.kept(answers, drawn)}
	if s.lesions == nil {
		content.Prediction = answers[0].AppendJSON(nil)
		if drawn != nil {
			content.Curves = drawn[0]
		}
	}
	a := answer{Model: b.Name, Version: b.Version(), IntendedUse: b.IntendedUse, Words: bundle.Words(b.IntendedUse), Inputs: s.inputs(), Curves: content.Curves}
	if f.Results != nil && s.identity.Patient != "" {
		former, err := s.formerly()
		if err != nil {
			return a, err
		}
		r, made, err := f.Results.Keep(results.Kept{Model: b.Name, Version: b.Version(), Use: b.IntendedUse, Inputs: a.Inputs, Formerly: former, Content: content})
		if err != nil {
			return a, err
		}
		a.made = made
		a.Result, a.State, a.Previous, content = r.ID, r.State, r.Previous, r.Content
	}
	for _, p := range content.Predictions() {
		a.Predictions = append(a.Predictions, p.JSON)
		if p.Lesion != nil {
			a.Lesions = append(a.Lesions, p.Lesion.See(s.hide))
		}
	}
	return a, nil
}

// extract computes the features of one source, where its image was sent. A source of which nothing was sent is missing.
func (s *study) extract(ctx context.Context, source *extraction.Source) error {
	part := s.find("image", source.Name)
	if part == "" {
		return nil
	}
	if source.Visits() != 1 {
		return refused(http.StatusUnprocessableEntity, "source %s is the change between two visits, which a study of one visit cannot give; send its features", source.Name)
	}
	img, err := s.folder(part)
	if err != nil {
		return err
	}
	mask := ""
	if m := s.find("mask", source.Name); m != "" {
		if mask, err = s.folder(m); err != nil {
			return err
		}
	}
	if mask, err = s.identify(source, img, mask); err != nil {
		return err
	}
	prepared := slices.ContainsFunc(strings.Split(s.fields["prepared"], ","), func(n string) bool { return strings.TrimSpace(n) == source.Name })
	files := extraction.Files{Image: img, Mask: mask, Prepared: prepared}
	row, err := source.Extract(ctx, files)
	if errors.Is(err, extraction.ErrPrepared) {
		return refused(http.StatusUnprocessableEntity, "%v. Prepare the files alike and say so with the part prepared=%s, or send features", err, source.Name)
	}
	if err != nil {
		return refused(http.StatusUnprocessableEntity, "source %s: %v", source.Name, err)
	}
	for _, f := range row.Features {
		if s.entry.Bundle.Find(f.Name) >= 0 && !table.Missing(f.Value) {
			s.features[f.Name] = f.Value
		}
	}
	if source.EachLesion() {
		if len(row.Lesions) == 0 {
			return refused(http.StatusUnprocessableEntity, "source %s: the mask has no lesion of the size that the model was trained on", source.Name)
		}
		s.each(source, mask, row.Lesions)
	}
	if source.Volume != nil {
		s.crops = append(s.crops, cropped{source, row})
	}
	s.notes = append(s.notes, row.Notes...)
	if s.acquired == nil {
		s.acquired = map[string]extraction.Acquired{}
	}
	s.acquired[source.Name] = row.Acquired
	s.read = append(s.read, reading{source, files, row.Crop, row.Grid})
	return nil
}

// find is the name of the part for a source: its own, or the one for all.
func (s *study) find(kind, source string) string {
	for _, name := range []string{kind + "." + source, kind} {
		if len(s.files[name]) > 0 {
			return name
		}
	}
	return ""
}

// The attributes of a series that name the patient and the study (PS3.6).
var named = []struct {
	tag  uint32
	into func(*results.Identity) *string
}{
	{0x00100020, func(i *results.Identity) *string { return &i.Patient }}, {0x00100021, func(i *results.Identity) *string { return &i.Issuer }},
	{0x00100010, func(i *results.Identity) *string { return &i.Name }}, {0x00100030, func(i *results.Identity) *string { return &i.Birth }},
	{0x00100040, func(i *results.Identity) *string { return &i.Sex }}, {0x00080050, func(i *results.Identity) *string { return &i.Accession }},
	{0x00200010, func(i *results.Identity) *string { return &i.StudyID }}, {0x00080020, func(i *results.Identity) *string { return &i.StudyDate }},
	{0x00080030, func(i *results.Identity) *string { return &i.StudyTime }}, {0x00080090, func(i *results.Identity) *string { return &i.Referrer }},
	{0x0020000D, func(i *results.Identity) *string { return &i.Study }},
}

// identify notes whose series and mask these are, if they are DICOM, and returns the mask: the one that was sent, or the one that lies
// among the images and was drawn on the series.
func (s *study) identify(source *extraction.Source, img, mask string) (string, error) {
	dir, err := dicom.OpenFolder(img)
	if err != nil {
		if !errors.Is(err, dicom.ErrNotDICOM) {
			return "", refused(http.StatusUnprocessableEntity, "source %s: %v", source.Name, err)
		}
		if mask == "" { // another format
			return "", s.noMask(source.Name)
		}
		if _, err := s.noteFiles(source.Name, "image", img); err != nil {
			return "", err
		}
		return mask, s.maskIdentity(source, mask)
	}
	defer dir.Close()
	var series *dicom.Series
	if source.Series != nil {
		series, err = dir.Select(*source.Series)
	} else {
		series, err = dir.One()
	}
	if errors.Is(err, dicom.ErrNoSeries) {
		s.lacks = append(s.lacks, source.Name)
	}
	if err != nil {
		return "", refused(http.StatusUnprocessableEntity, "source %s: %v", source.Name, err)
	}
	patient, asked := series.Text(0x00100020), s.identity.Patient
	for _, n := range named {
		text, to := series.Text(n.tag), n.into(&s.identity)
		s.secrets = append(s.secrets, text)
		if text != "" {
			*to = text
		}
	}
	for _, a := range part10.Patient {
		if text := series.Text(uint32(a.Tag)); text != "" {
			if s.identity.Module == nil {
				s.identity.Module = map[string]string{}
			}
			s.identity.Module[fmt.Sprintf("%08X", uint32(a.Tag))] = text
		}
	}
	if asked != "" && patient != "" && asked != patient {
		return "", refused(http.StatusUnprocessableEntity, "source %s: the series is of another patient than the part patient, or than the series of another source", source.Name)
	}
	s.series[source.Name] = series.UID
	if series.UID != "" && !slices.Contains(s.identity.Series, series.UID) {
		s.identity.Series = append(s.identity.Series, series.UID)
		for _, in := range series.Instances() {
			s.evidence = append(s.evidence, results.Instance{Class: in.Class, Instance: in.UID, Series: series.UID})
		}
	}
	if err := s.noteSeries(source.Name, series); err != nil {
		return "", refused(http.StatusUnprocessableEntity, "source %s: %v", source.Name, err)
	}
	if mask != "" {
		return mask, s.maskIdentity(source, mask)
	}
	var fit []dicom.MaskFile
	for _, m := range dir.Masks() {
		if len(m.Series) == 0 || slices.Contains(m.Series, series.UID) {
			fit = append(fit, m)
		}
	}
	switch len(fit) {
	case 0:
		return "", s.noMask(source.Name)
	case 1:
		if fit[0].Patient != patient {
			return "", refused(http.StatusUnprocessableEntity, "source %s: the segmentation is of another patient than the series", source.Name)
		}
		if info, err := os.Stat(img); err == nil && info.IsDir() {
			img = filepath.Join(img, filepath.FromSlash(fit[0].Name))
		}
		return img, s.use(source, img, fit[0])
	}
	return "", refused(http.StatusUnprocessableEntity, "source %s: %d segmentations or structure sets were drawn on the series; send the one that is meant as the part mask", source.Name, len(fit))
}

// noMask is the refusal of images without a region.
func (s *study) noMask(source string) error {
	s.maskless = true
	return refused(http.StatusUnprocessableEntity, "source %s needs a mask: a part mask (SEG, RTSTRUCT, NIfTI, NRRD), or a segmentation among the images", source)
}

// maskIdentity notes which mask was sent.
func (s *study) maskIdentity(source *extraction.Source, path string) error {
	if dir, err := dicom.OpenFolder(path); err == nil {
		defer dir.Close()
		if masks := dir.Masks(); len(masks) == 1 {
			s.secrets = append(s.secrets, masks[0].Patient)
			if masks[0].Patient != "" && s.identity.Patient != "" && masks[0].Patient != s.identity.Patient {
				return refused(http.StatusUnprocessableEntity, "the mask is of another patient than the images")
			}
			return s.use(source, path, masks[0])
		}
	}
	var err error
	s.identity.Mask, err = s.noteFiles(source.Name, "mask", path)
	return err
}

// use notes a mask of DICOM as part of what the prediction is made from, with the segment where the source reads a single one.
func (s *study) use(source *extraction.Source, path string, m dicom.MaskFile) error {
	sum, err := m.Sum()
	if err != nil {
		return refused(http.StatusUnprocessableEntity, "source %s: %v", source.Name, err)
	}
	s.noteContent(source.Name, "mask", sum[:])
	s.identity.Mask = m.UID
	in := results.Instance{Class: m.Class, Instance: m.UID, Series: m.Own}
	switch {
	case len(source.Regions) > 0:
	case source.Label == nil:
		in.Segment = 1
	case source.Label.Name == "":
		in.Segment = source.Label.Number
	default:
		labels, err := dicom.Labels(path)
		if err != nil {
			break // the extraction says so
		}
		if i := slices.IndexFunc(labels, func(l dicom.Segment) bool { return l.Label == source.Label.Name }); i >= 0 {
			in.Segment = labels[i].Number
		}
	}
	s.masks[source.Name] = in
	if !slices.Contains(s.evidence, in) {
		s.evidence = append(s.evidence, in)
	}
	return nil
}

// unread refuses images and masks that no source of the bundle reads: they would be left out in silence.
func (s *study) unread() error {
	sources := map[string]bool{}
	for _, source := range s.entry.Bundle.Sources {
		sources[source.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		if _, of, own := strings.Cut(name, "."); own && !sources[of] || len(sources) == 0 {
			return refused(http.StatusUnprocessableEntity, "no source of the model reads the part %s; its sources of images are %v", s.hide(name), slices.Sorted(maps.Keys(sources)))
		}
	}
	return nil
}

// clean takes what names the patient or this machine's folders out of a refusal.
func (s *study) clean(err error) error {
	p, cause := asProblem(err)
	if cause != nil {
		return err
	}
	p.Detail = s.hide(p.Detail)
	for i := range p.Errors {
		p.Errors[i].Pointer, p.Errors[i].Detail = s.hide(p.Errors[i].Pointer), s.hide(p.Errors[i].Detail)
	}
	return p
}

func (s *study) hide(text string) string {
	text = strings.ReplaceAll(text, s.dir+string(filepath.Separator), "")
	for _, secret := range append(s.secrets, s.identity.Patient, s.identity.Name) {
		if len(secret) > 2 {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	return text
}

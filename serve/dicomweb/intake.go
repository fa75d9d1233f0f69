package dicomweb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/registry"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/studies"
)

// Intake turns studies that lie elsewhere into cases: waiting for series that a model needs, in need of a mask, refused with the reason, or done
// with the result. Which series are needed is said by the rules of each bundle.
type Intake struct {
	Registry *registry.Registry
	Results  *results.Store
	Studies  *studies.Front
	Limits   studies.Limits
	Log      *slog.Logger
	tries    attempts
}

// found is a study as its source describes it.
type found struct {
	source   string // name of the poller, or stow
	where    string // how the source finds it again
	models   []string
	require  []string
	prepared []string
	identity results.Identity
	series   []series
	fetch    func(ctx context.Context, instance string, to io.Writer) error
	files    fs.FS // the instances, where they can be looked at without a copy; nil where they lie elsewhere
}

// series is one series of a found study, without what we have made ourselves.
type series struct {
	uid, modality, manufacturer string
	instances                   []string // as fetch takes them
}

func (s *series) mask() bool { return s.modality == "SEG" || s.modality == "RTSTRUCT" }

// other are the modalities of objects that are neither images nor masks.
var other = []string{"SR", "PR", "KO", "DOC", "REG", "RTPLAN", "RTRECORD", "AU", "ECG", "HD", "FID", "RWV", "PLAN", "SMR"}

// look looks at a study for every model, and notes and returns what became of it; nothing where no model reads series of its modalities. An
// error is a fault of ours or of the source: the study has to be looked at again.
func (in *Intake) look(ctx context.Context, f *found) ([]results.Case, error) {
	f.series = slices.DeleteFunc(f.series, func(s series) bool { return object.Own(s.manufacturer) || slices.Contains(other, s.modality) })
	var out []results.Case
	for _, e := range in.models(f.models) {
		c, ours, err := in.one(ctx, f, e)
		if err != nil {
			return out, err
		}
		if ours {
			out = append(out, c)
		}
	}
	return out, nil
}

// models are the bundles that a source asks: those named, or all that read images.
func (in *Intake) models(names []string) []*registry.Entry {
	var out []*registry.Entry
	for _, m := range in.Registry.Models() {
		e := m.Versions[0]
		wanted := len(names) == 0 && m.Name == e.Bundle.Name || slices.Contains(names, m.Name) // aliases only where they are named
		if wanted && len(e.Bundle.Sources) > 0 && !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

// one looks at a study for one model. A study without a series of a modality that the model reads is none of its cases.
func (in *Intake) one(ctx context.Context, f *found, e *registry.Entry) (c results.Case, ours bool, err error) {
	var use []series
	images := 0
	for _, s := range f.series {
		if s.mask() || slices.ContainsFunc(e.Bundle.Sources, func(source extraction.Source) bool { return reads(&source, s.modality) }) {
			use = append(use, s)
			if !s.mask() {
				images++
			}
		}
	}
	if images == 0 {
		return c, false, nil
	}
	c = results.Case{Source: f.source, Model: e.Bundle.Name, Content: results.CaseContent{Identity: f.identity, Where: f.where, Seen: fingerprint(use, e.Bundle.Version())}}
	known, seen, err := in.Results.Known(c)
	if err != nil || seen && known.Content.Seen == c.Content.Seen {
		return known, true, err
	}
	if c.Content.Identity.Patient == "" {
		c.Status, c.Reason = results.Refused, "the study has no PatientID, so that nobody would know whose the result is"
	} else if c.Status, c.Reason, c.Result, err = in.decide(ctx, f, e, use); err != nil {
		key, most := c.Model+" "+c.Content.Where+c.Content.Seen, mostTries
		c.Status, c.Reason = results.Refused, "it failed several times; the log has the cause"
		if answered(err) {
			most, c.Reason = mostAnswers, "its files cannot be read where they lie: "+err.Error()
		}
		if ctx.Err() != nil || later(err) && !answered(err) || in.tries.again(key, most) {
			return c, true, err
		}
		in.Log.Error("a study is given up", "source", f.source, "model", c.Model, "cause", err.Error())
	}
	c, err = in.put(c)
	return c, true, err
}

// put notes a case.
func (in *Intake) put(c results.Case) (results.Case, error) {
	kept, err := in.Results.PutCase(c)
	if err == nil {
		in.Log.Info("case", "source", c.Source, "model", c.Model, "case", kept.ID, "status", string(c.Status), "result", c.Result)
	}
	return kept, err
}

// reads reports whether a source may read series of a modality.
func reads(s *extraction.Source, modality string) bool {
	if want := wanted(s); want != "" {
		return want == modality
	}
	return true
}

// wanted is the modality that a source reads, "" for any.
func wanted(s *extraction.Source) string {
	if s.Series != nil && s.Series.Modality != "" {
		return s.Series.Modality
	}
	return map[string]string{"PET": "PT"}[s.Modality] + map[bool]string{true: s.Modality}[s.Modality == "CT" || s.Modality == "MR" || s.Modality == "PT"]
}

// fingerprint is what a decision was made from: while it is the same there is nothing to do.
func fingerprint(use []series, version string) string {
	all := []string{version}
	for _, s := range use {
		for _, i := range s.instances {
			all = append(all, s.uid+"/"+i)
		}
	}
	slices.Sort(all)
	sum := sha256.Sum256([]byte(strings.Join(all, "\n")))
	return hex.EncodeToString(sum[:])
}

// decide says what becomes of a study: what it waits for, why it is refused, or the result.
func (in *Intake) decide(ctx context.Context, f *found, e *registry.Entry, use []series) (status results.Status, reason, result string, err error) {
	masks := slices.ContainsFunc(use, func(s series) bool { return s.mask() })
	var required []*extraction.Source
	for i := range e.Bundle.Sources {
		s := &e.Bundle.Sources[i]
		if len(f.require) == 0 || slices.Contains(f.require, s.Name) || slices.Contains(f.require, e.Bundle.Name+"."+s.Name) {
			required = append(required, s)
		}
	}
	for _, s := range required {
		if !slices.ContainsFunc(use, func(have series) bool { return !have.mask() && reads(s, have.modality) }) {
			return results.Waiting, fmt.Sprintf("for a series of modality %s (source %s)", wanted(s), s.Name), "", nil
		}
	}
	if !masks && f.files != nil { // nothing is predicted, so that nothing is copied
		folder, err := dicom.OpenFiles(f.files, probes(use))
		if err != nil {
			return results.Refused, uids.ReplaceAllString(err.Error(), ""), "", nil
		}
		status, reason := without(folder, required, masks)
		return status, reason, "", folder.Close()
	}
	dir, err := os.MkdirTemp(in.Limits.Temp, "voxgene-study-")
	if err != nil {
		return "", "", "", err
	}
	defer func() {
		if gone := os.RemoveAll(dir); gone != nil {
			in.Log.Error("files of a study could not be removed", "cause", "see "+dir)
		}
	}()
	// Without a mask nothing is predicted: a slice of each series tells whether the series themselves are there.
	if err := in.bring(ctx, f, use, dir, !masks); err != nil {
		return refusal(err)
	}
	folder, err := dicom.OpenFolder(dir)
	if err != nil {
		return results.Refused, plain(err.Error(), dir), "", nil
	}
	status, reason = without(folder, required, masks)
	if err := folder.Close(); err != nil || status != "" {
		return status, reason, "", err
	}
	r, err := in.Studies.Folder(ctx, e, studies.Folder{Path: dir, Prepared: f.prepared, Require: names(required), Route: "dicomweb " + f.source})
	if err != nil {
		status, reason, result, err = refusal(err)
		return status, plain(reason, dir), result, err
	}
	return results.Done, "", r.ID, nil
}

// without says what a study waits for, where it does.
func without(folder *dicom.Folder, required []*extraction.Source, masks bool) (status results.Status, reason string) {
	var missing []string
	for _, s := range required {
		if s.Series == nil {
			continue
		}
		if _, err := folder.Select(*s.Series); errors.Is(err, dicom.ErrNoSeries) {
			missing = append(missing, s.Name)
		}
	}
	switch {
	case missing != nil:
		return results.Waiting, "for a series that fits the rules of source " + strings.Join(missing, ", ")
	case !masks:
		return results.NeedsMask, "a segmentation (SEG) or structure set (RTSTRUCT) of the region"
	}
	return "", ""
}

// probes are one instance of each series: enough to tell whether the series themselves are there.
func probes(use []series) []string {
	var out []string
	for _, s := range use {
		out = append(out, s.instances[:min(1, len(s.instances))]...)
	}
	return out
}

// uids are identifiers of series in a message, which would lead to the patient.
var uids = regexp.MustCompile(`,? UID [0-9.]+`)

// plain takes the folder of the files and identifiers out of a reason.
func plain(reason, dir string) string {
	return uids.ReplaceAllString(strings.NewReplacer(dir+string(filepath.Separator), "", dir+": ", "", dir, "the study").Replace(reason), "")
}

func names(sources []*extraction.Source) []string {
	var out []string
	for _, s := range sources {
		out = append(out, s.Name)
	}
	return out
}

// refusal is what an error says of a case: it is the study's fault where the error is a problem of a client's, else it has to be tried again.
func refusal(err error) (results.Status, string, string, error) {
	var p problem.Problem
	var large *client.Error
	switch {
	case errors.Is(err, studies.ErrNoMask):
		return results.NeedsMask, "a segmentation that was drawn on the series", "", nil
	case errors.As(err, &large) && large.Status == http.StatusRequestEntityTooLarge:
		return results.Refused, "an object has more bytes than the connection's limit allows", "", nil
	case errors.As(err, &p) && p.Status < 500 && p.Status != http.StatusTooManyRequests:
		return results.Refused, p.Error(), "", nil
	}
	return "", "", "", err
}

// bring fetches the instances of series into a folder, under names of ours; one of each series where probe says so.
func (in *Intake) bring(ctx context.Context, f *found, use []series, dir string, probe bool) error {
	left, n := in.Limits.Unpacked, 0
	for _, s := range use {
		for _, id := range s.instances {
			if n++; n > in.Limits.Files {
				return problem.New(http.StatusRequestEntityTooLarge, fmt.Sprintf("the study has more than %d objects (studies.files)", in.Limits.Files))
			}
			file, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("%06d", n)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return err
			}
			if err := errors.Join(f.fetch(ctx, id, &rationed{file, &left}), file.Close()); err != nil {
				return err
			}
			if probe {
				break
			}
		}
	}
	return nil
}

// rationed writes as long as the budget of bytes lasts.
type rationed struct {
	io.Writer
	left *int64
}

func (r *rationed) Write(b []byte) (int, error) {
	if *r.left -= int64(len(b)); *r.left < 0 {
		return 0, problem.New(http.StatusRequestEntityTooLarge, "the study has more bytes than studies.unpacked allows")
	}
	return r.Writer.Write(b)
}

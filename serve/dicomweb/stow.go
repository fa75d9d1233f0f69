package dicomweb

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/voxgene/voxgene/features/image/dicom"
	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/scratch"
	"github.com/voxgene/voxgene/serve/seal"
	"github.com/voxgene/voxgene/serve/studies"
)

// Stow takes studies by STOW-RS (PS3.18, 10.5) into a spool, from which they become cases once nothing more arrives of them. It is no archive:
// what was predicted or refused is removed, and what is neither an image nor a mask is not kept.
type Stow struct {
	config StowConfig
	intake *Intake
	mu     sync.Mutex // of the spool: what is looked at is not removed while something arrives
	looked map[string]string
}

// NewStow returns our side of STOW-RS. What a server that was killed left of instances that were arriving is removed; studies that wait are taken up again.
func NewStow(c StowConfig, in *Intake) (*Stow, error) {
	s := &Stow{config: c, intake: in, looked: map[string]string{}}
	if err := os.MkdirAll(c.Spool, 0o700); err != nil {
		return nil, err
	}
	return s, s.tidy()
}

// Register adds the routes to a mux.
func (s *Stow) Register(mux *http.ServeMux) {
	mux.HandleFunc("POST "+s.config.Path+"/studies", s.post)
	mux.HandleFunc("POST "+s.config.Path+"/studies/{study}", s.post)
}

// Failure and warning reasons (PS3.4, C.2.3 and GG.4).
const (
	cannotUnderstand = 0xC000
	otherStudy       = 0xA900 // the data set does not match what was announced
	notKept          = 0xB006 // elements discarded
)

// The keywords of the attributes of an answer, for XML.
var keywords = map[string]string{client.FailedSequence: "FailedSOPSequence", client.ReferencedSequence: "ReferencedSOPSequence", client.ReferencedClass: "ReferencedSOPClassUID",
	client.ReferencedInstance: "ReferencedSOPInstanceUID", client.FailureReason: "FailureReason", client.WarningReason: "WarningReason", otherFailures: "OtherFailuresSequence"}

// otherFailures lists what failed before it was known which instance it is.
const otherFailures = "0008119A"

// post takes the instances of a body.
func (s *Stow) post(w http.ResponseWriter, r *http.Request) {
	fail := func(p problem.Problem, cause error) {
		w.Header().Set("Connection", "close")
		problem.Write(w, r, s.intake.Log, p, cause)
	}
	who := auth.From(r.Context())
	for _, e := range s.intake.models(s.config.Models) {
		if !who.May(e.Bundle.Name) {
			fail(problem.New(http.StatusForbidden, "these credentials are not for all models that read what is sent here"), nil)
			return
		}
	}
	study := r.PathValue("study")
	if study != "" && !p10.ValidUID(study) {
		fail(problem.New(http.StatusBadRequest, "the path does not end in a StudyInstanceUID"), nil)
		return
	}
	if r.ContentLength > s.intake.Limits.Upload {
		fail(problem.New(http.StatusRequestEntityTooLarge, "more bytes than studies.upload allows"), nil)
		return
	}
	body, done := studies.Arriving(w, r, s.intake.Limits)
	var stored, failed, unknown []client.Dataset
	warned := false
	err := client.Parts(r.Header.Get("Content-Type"), body, s.intake.Limits.Files, func(part io.Reader) error {
		o, reason, err := s.take(part, study)
		if err != nil {
			return err
		}
		item := client.Dataset{}
		switch {
		case o == nil:
			item.SetNumber(client.FailureReason, "US", reason)
			unknown = append(unknown, item)
			return nil
		case reason == notKept:
			item.SetNumber(client.WarningReason, "US", reason)
			warned = true
		case reason != 0:
			item.SetNumber(client.FailureReason, "US", reason)
		}
		item.SetText(client.ReferencedClass, "UI", o.Class)
		item.SetText(client.ReferencedInstance, "UI", o.UID)
		if reason == 0 || reason == notKept {
			stored = append(stored, item)
		} else {
			failed = append(failed, item)
		}
		return nil
	})
	var p problem.Problem
	switch {
	case errors.Is(err, client.ErrMedia):
		fail(problem.New(http.StatusUnsupportedMediaType, `a body is multipart/related; type="application/dicom" with a boundary, and parts of application/dicom`), nil)
		return
	case errors.As(err, &p):
		fail(p, nil)
		return
	case errors.Is(err, client.ErrParts):
		fail(problem.New(http.StatusBadRequest, "the multipart body is damaged, cut off or has too many parts"), nil)
		return
	case err != nil:
		fail(problem.New(http.StatusInternalServerError, "what arrived could not be kept; the log has the cause under this id"), err)
		return
	}
	if err := done(); err != nil {
		fail(problem.New(http.StatusInternalServerError, "the connection cannot be answered"), err)
		return
	}
	s.answer(w, r, stored, failed, unknown, warned)
}

// answer says of each instance what became of it: 200 where all were stored, 202 where not all or with warnings, 409 where none.
func (s *Stow) answer(w http.ResponseWriter, r *http.Request, stored, failed, unknown []client.Dataset, warned bool) {
	d := client.Dataset{}
	for tag, items := range map[string][]client.Dataset{client.ReferencedSequence: stored, client.FailedSequence: failed, otherFailures: unknown} {
		if len(items) > 0 {
			d.SetItems(tag, items)
		}
	}
	status := http.StatusOK
	switch {
	case len(stored) == 0:
		status = http.StatusConflict
	case len(failed)+len(unknown) > 0 || warned:
		status = http.StatusAccepted
	}
	kind, b, err := "application/dicom+json", []byte(nil), error(nil)
	if a := r.Header.Get("Accept"); strings.Contains(a, "application/dicom+xml") && !strings.Contains(a, "json") {
		kind = "application/dicom+xml"
		b, err = d.XML(keywords)
	} else {
		b, err = d.JSON()
	}
	if err != nil {
		problem.Write(w, r, s.intake.Log, problem.New(http.StatusInternalServerError, "the answer could not be written"), err)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(b) // an error means that the client went away
}

// take keeps one instance in the spool. The reason is 0 where it was kept; o is nil where it is not DICOM. Names in the spool are hashes of
// identifiers, so that the same instance is kept once and no input decides where a file lies. Nothing of what arrives is written as it is: see sealedFiles.
func (s *Stow) take(part io.Reader, study string) (o *dicom.Object, reason int, err error) {
	f, err := os.CreateTemp(s.config.Spool, arriving)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()           // a file that was kept is on the disk by then
	defer os.Remove(f.Name()) // which is gone where it was kept
	scratch.Hold(f)
	key := seal.Random(seal.KeySize)
	if err := sealTo(f, key, part); err != nil {
		return nil, 0, err
	}
	o, err = dicom.ReadObjectIn(sealedFiles{s.config.Spool, func([]byte) ([]byte, error) { return key, nil }}, filepath.Base(f.Name()))
	if err != nil || !p10.ValidUID(o.UID) || !p10.ValidUID(o.Class) {
		return nil, cannotUnderstand, nil
	}
	own := o.Text(studyUID)
	switch {
	case !p10.ValidUID(own) || !p10.ValidUID(o.Text(seriesUID)):
		return o, cannotUnderstand, nil
	case study != "" && own != study:
		return o, otherStudy, nil
	case object.Own(o.Text(manufacturer)) || !o.Image() && o.Text(modality) != "SEG" && o.Text(modality) != "RTSTRUCT":
		return o, notKept, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	folder := waiting + name(own)
	sealer, err := s.intake.Results.SpoolKey(folder, o.Text(patientID), o.Text(issuerOfPatientID))
	if err != nil {
		return o, 0, err
	}
	if err := keep(f, key, sealer); err != nil {
		return o, 0, err
	}
	dir := filepath.Join(s.config.Spool, folder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return o, 0, err
	}
	return o, 0, os.Rename(f.Name(), filepath.Join(dir, name(o.UID)))
}

package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Tags in the JSON model.
const (
	ClassUID     = "00080016"
	InstanceUID  = "00080018"
	Modality     = "00080060"
	StudyUID     = "0020000D"
	SeriesUID    = "0020000E"
	Manufacturer = "00080070"

	FailedSequence     = "00081198"
	ReferencedSequence = "00081199"
	ReferencedClass    = "00081150"
	ReferencedInstance = "00081155"
	FailureReason      = "00081197"
	WarningReason      = "00081196"
	RetrieveURL        = "00081190"
)

// maxParts bounds the parts of one answer.
const maxParts = 20_000

func sorted(d Dataset) []string { return slices.Sorted(maps.Keys(d)) }

// Series searches the series of a study (QIDO-RS).
func (c *Client) Series(ctx context.Context, study string) ([]Dataset, error) {
	return c.search(ctx, "/studies/"+url.PathEscape(study)+"/series", nil)
}

// Studies searches studies by attributes, such as PatientID or StudyDate (QIDO-RS).
func (c *Client) Studies(ctx context.Context, query map[string]string) ([]Dataset, error) {
	return c.search(ctx, "/studies", query)
}

// Instances searches the instances of a series (QIDO-RS).
func (c *Client) Instances(ctx context.Context, study, series string) ([]Dataset, error) {
	return c.search(ctx, "/studies/"+url.PathEscape(study)+"/series/"+url.PathEscape(series)+"/instances", nil)
}

func (c *Client) search(ctx context.Context, path string, query map[string]string) ([]Dataset, error) {
	values := url.Values{}
	for k, v := range query {
		values.Set(k, v)
	}
	if len(values) > 0 {
		path += "?" + values.Encode()
	}
	var out []Dataset
	return out, c.json(ctx, path, "application/dicom+json, application/json;q=0.9", &out)
}

// Retrieve writes the instances of a series into a folder, under names of ours, and returns their paths (WADO-RS).
func (c *Client) Retrieve(ctx context.Context, study, series, dir string) ([]string, error) {
	path := "/studies/" + url.PathEscape(study) + "/series/" + url.PathEscape(series)
	const dicom = `multipart/related; type="application/dicom"`
	// As it is stored; a server that does not know the wildcard, as older ones do not, is asked for what it likes best.
	r, err := c.do(ctx, http.MethodGet, path, dicom+"; transfer-syntax=*", "", nil, 0, http.StatusOK, http.StatusPartialContent)
	var refused *Error
	if errors.As(err, &refused) && (refused.Status == http.StatusBadRequest || refused.Status == http.StatusNotAcceptable) {
		r, err = c.do(ctx, http.MethodGet, path, dicom, "", nil, 0, http.StatusOK, http.StatusPartialContent)
	}
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	var out []string
	err = Parts(r.Header.Get("Content-Type"), r.Body, maxParts, func(part io.Reader) error {
		to := filepath.Join(dir, fmt.Sprintf("%s%06d", random(4), len(out)))
		f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		out = append(out, to)
		_, err = io.Copy(f, part)
		return errors.Join(err, f.Close())
	})
	if err == nil && r.StatusCode == http.StatusPartialContent {
		err = &Error{Status: r.StatusCode, Detail: "answered a part of the series only"}
	}
	return out, err
}

// ErrMedia says that a body is not of the kind that is wanted.
var ErrMedia = errors.New(`not multipart/related; type="application/dicom" with a boundary`)

// ErrParts says that a multipart body is damaged, cut off or of too many parts.
var ErrParts = errors.New("the multipart body is damaged, cut off or has too many parts")

// Parts gives do each part of a multipart/related body of DICOM files, in order. A part has to be read before the next; what do leaves is passed
// over. A body that ends before its last boundary is an error that wraps ErrParts.
func Parts(contentType string, body io.Reader, most int, do func(part io.Reader) error) error {
	kind, parameters := mediaType(contentType)
	if kind != "multipart/related" || parameters["boundary"] == "" || parameters["type"] != "" && parameters["type"] != "application/dicom" {
		return ErrMedia
	}
	end := &tail{Reader: body}
	m := multipart.NewReader(end, parameters["boundary"])
	for n := 0; ; n++ {
		part, err := m.NextRawPart()
		if errors.Is(err, io.EOF) && n > 0 && bytes.Contains(end.last, []byte("--"+parameters["boundary"]+"--")) {
			return nil
		}
		if err == nil && n >= most {
			err = ErrParts
		}
		if err != nil {
			return broken(err)
		}
		if own := part.Header.Get("Content-Type"); own != "" {
			if kind, _ := mediaType(own); kind != "application/dicom" {
				return fmt.Errorf("%w: a part is of another type", ErrMedia)
			}
		}
		if err := do(part); err != nil {
			return broken(err)
		}
	}
}

// tail remembers the end of what was read: a reader of multipart takes a body that is cut off between parts for a whole one.
type tail struct {
	io.Reader
	last []byte
}

const tailBytes = 16 << 10 // more than a reader of multipart reads ahead

func (t *tail) Read(b []byte) (int, error) {
	n, err := t.Reader.Read(b)
	t.last = append(t.last, b[:n]...)
	if len(t.last) > 4*tailBytes {
		t.last = append(t.last[:0], t.last[len(t.last)-tailBytes:]...)
	}
	return n, err
}

// broken says that a multipart body broke off, unless something else is at fault.
func broken(err error) error {
	var own *Error
	var path *os.PathError
	switch {
	case errors.As(err, &own), errors.As(err, &path), errors.Is(err, ErrParts), errors.Is(err, ErrMedia):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), err.Error() == "multipart: NextPart: EOF":
		return fmt.Errorf("%w: it ends before its last boundary", ErrParts)
	}
	return fmt.Errorf("%w: %w", ErrParts, err)
}

// Failure says why a server did not store an instance: a code of PS3.4, C.2.3, such as 43264 for A900.
type Failure struct{ Reason int }

// duplicate is the code of an instance that is there already.
const duplicate = 0x0111

// Later reports whether it may be stored at another time: the server was out of resources (A7xx), or busy (0110: a failure while it worked).
func (f Failure) Later() bool { return f.Reason>>8 == 0xA7 || f.Reason == 0x0110 }

func (f Failure) String() string { return fmt.Sprintf("%04X", f.Reason) }

// Stored is what a server answered about instances that were sent to it, by SOPInstanceUID.
type Stored struct {
	Accepted []string
	Failed   map[string]Failure
	Warnings map[string]int // of what it accepted and changed: codes
}

// Store sends instances, DICOM files by their SOPInstanceUID, into a study (STOW-RS). An instance that is there already counts as accepted. An
// error means that nothing is known to be stored.
func (c *Client) Store(ctx context.Context, study string, instances map[string][]byte) (Stored, error) {
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	if err := m.SetBoundary("voxgene" + random(16)); err != nil {
		return Stored{}, err
	}
	uids := slices.Sorted(maps.Keys(instances))
	for _, uid := range uids {
		w, err := m.CreatePart(map[string][]string{"Content-Type": {"application/dicom"}})
		if err != nil {
			return Stored{}, err
		}
		if _, err := w.Write(instances[uid]); err != nil {
			return Stored{}, err
		}
	}
	if err := m.Close(); err != nil {
		return Stored{}, err
	}
	kind := `multipart/related; type="application/dicom"; boundary=` + m.Boundary()
	r, err := c.do(ctx, http.MethodPost, "/studies/"+url.PathEscape(study), "application/dicom+json, application/dicom+xml;q=0.5", kind, bytes.NewReader(body.Bytes()), int64(body.Len()),
		http.StatusOK, http.StatusAccepted, http.StatusConflict)
	if err != nil {
		return Stored{}, err
	}
	defer r.Body.Close()
	b, err := text(r.Body)
	if err != nil {
		return Stored{}, err
	}
	answer, err := parseStored(b)
	if err != nil {
		return Stored{}, &Error{Status: r.StatusCode, Detail: fmt.Sprintf("answered %d, and what it says of the instances cannot be read", r.StatusCode)}
	}
	return judge(r.StatusCode, answer, uids), nil
}

// parseStored reads the answer to STOW-RS, in JSON or XML; nothing where there is none.
func parseStored(b []byte) (Dataset, error) {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0:
		return nil, nil
	case b[0] == '<':
		return ParseXML(b)
	case b[0] == '[': // as some servers do
		var all []Dataset
		if err := json.Unmarshal(b, &all); err != nil || len(all) != 1 {
			return nil, errors.Join(err, ErrParts)
		}
		return all[0], nil
	}
	var d Dataset
	return d, json.Unmarshal(b, &d)
}

// judge sorts the instances by what the answer says of them. Of one that it does not name the status decides: 200 is all stored, 409 none; 202
// without a word is taken for not stored, and is asked again.
func judge(status int, answer Dataset, uids []string) Stored {
	out := Stored{Failed: map[string]Failure{}, Warnings: map[string]int{}}
	failed, stored := map[string]int{}, map[string]bool{}
	for _, i := range answer.Items(FailedSequence) {
		failed[i.Text(ReferencedInstance)] = number(i.Text(FailureReason))
	}
	for _, i := range answer.Items(ReferencedSequence) {
		uid := i.Text(ReferencedInstance)
		stored[uid] = true
		if w := number(i.Text(WarningReason)); w != 0 && slices.Contains(uids, uid) {
			out.Warnings[uid] = w
		}
	}
	for _, uid := range uids {
		reason, bad := failed[uid]
		switch {
		case bad && reason != duplicate:
			out.Failed[uid] = Failure{reason}
		case bad || stored[uid] || status == http.StatusOK && len(stored) == 0 && len(failed) == 0:
			out.Accepted = append(out.Accepted, uid)
		default:
			out.Failed[uid] = Failure{0x0110}
		}
	}
	return out
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 0xFFFF {
		return 0
	}
	return n
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

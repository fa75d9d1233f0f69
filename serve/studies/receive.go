package studies

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/voxgene/voxgene/serve/problem"
)

// upload is what arrived of a study.
type upload struct {
	dir    string
	fields map[string]string   // small parts, by name
	files  map[string][]string // paths of files, by the name of their part: image, image.NAME, mask, mask.NAME
	hash   string              // sha256: of all parts, whatever their order
	notes  []string            // on what arrived, for the answer
	loose  map[string]bool     // parts that are one DICOM folder: several files, or an archive
}

// The parts that are texts, with the bytes that each may have.
var texts = map[string]int64{"patient": 256, "issuer": 256, "prepared": 4096, "features": 16 << 20, "table": 64 << 20, "expression": 64 << 20, "explain": 64}

// refused is a fault of the request that the client can repair.
func refused(status int, format string, args ...any) error {
	return problem.New(status, fmt.Sprintf(format, args...))
}

// arriving reads a body: one that stalls is cut off, and one that keeps coming may take its time.
type arriving struct {
	body    io.Reader
	control *http.ResponseController
	stall   time.Duration
	left    int64
}

func (a *arriving) Read(b []byte) (int, error) {
	if a.left <= 0 {
		return 0, errTooLong
	}
	if err := a.control.SetReadDeadline(time.Now().Add(a.stall)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := a.body.Read(b)
	a.left -= int64(n)
	return n, err
}

var errTooLong = errors.New("too long")

// Arriving is the body of a request, within limits: it is cut off where it stalls or is longer than they allow, and may take its time otherwise. The
// error is a problem for the client. done ends the reading: what is written from there on has its own time.
func Arriving(w http.ResponseWriter, r *http.Request, l Limits) (body io.Reader, done func() error) {
	control := http.NewResponseController(w)
	return told{&arriving{r.Body, control, l.Stall, l.Upload}, l}, func() error {
		if err := errors.Join(control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Now().Add(time.Minute))); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		return nil
	}
}

// told says what broke off a body as a problem.
type told struct {
	io.Reader
	l Limits
}

func (t told) Read(b []byte) (int, error) {
	n, err := t.Reader.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = arrival(err, t.l)
	}
	return n, err
}

// receive reads a multipart body into a folder. Names that a client gives decide nothing of where a file lies.
func receive(w http.ResponseWriter, r *http.Request, dir string, l Limits) (*upload, error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return nil, refused(http.StatusUnsupportedMediaType, "a study is multipart/form-data with the parts image, mask, features, table, expression, patient")
	}
	if r.ContentLength > l.Upload {
		w.Header().Set("Connection", "close")
		return nil, refused(http.StatusRequestEntityTooLarge, "the study has more than %d bytes", l.Upload)
	}
	control := http.NewResponseController(w)
	r.Body = io.NopCloser(&arriving{r.Body, control, l.Stall, l.Upload})
	m, err := r.MultipartReader()
	if err != nil {
		return nil, refused(http.StatusBadRequest, "the body is not multipart/form-data with a boundary")
	}
	u := &upload{dir: dir, fields: map[string]string{}, files: map[string][]string{}, loose: map[string]bool{}}
	var sums []string
	budget := l.Unpacked
	for n := 0; ; n++ {
		part, err := m.NextPart()
		if errors.Is(err, io.EOF) && n > 0 {
			break
		}
		if err == nil && n >= l.Files {
			err = refused(http.StatusRequestEntityTooLarge, "more than %d parts", l.Files)
		}
		var sum string
		if err == nil {
			sum, err = u.part(part, n, l, &budget)
		}
		if err != nil {
			w.Header().Set("Connection", "close")
			return nil, arrival(err, l)
		}
		sums = append(sums, sum)
	}
	// What is written from here on has its own time.
	if err := errors.Join(control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Now().Add(l.Wait+time.Minute))); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	slices.Sort(sums)
	all := sha256.Sum256([]byte(strings.Join(sums, "\n")))
	u.hash = "sha256:" + hex.EncodeToString(all[:])
	return u, nil
}

// arrival says what broke off a body.
func arrival(err error, l Limits) error {
	var p problem.Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, errTooLong):
		return refused(http.StatusRequestEntityTooLarge, "the study has more than %d bytes, or its archives more than %d", l.Upload, l.Unpacked)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refused(http.StatusRequestTimeout, "nothing arrived for %v", l.Stall)
	case errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrAlgorithm), errors.Is(err, zip.ErrChecksum):
		return refused(http.StatusUnprocessableEntity, "an archive is damaged, or packed in a way that is not read")
	}
	var path *os.PathError
	if errors.As(err, &path) {
		return err // ours: the disk
	}
	return refused(http.StatusBadRequest, "the body broke off, or is not multipart/form-data")
}

// part takes one part and returns its hash.
func (u *upload) part(p *multipart.Part, n int, l Limits, budget *int64) (string, error) {
	name := p.FormName()
	if limit, ok := texts[name]; ok {
		b, err := io.ReadAll(io.LimitReader(p, limit+1))
		if err != nil {
			return "", err
		}
		if int64(len(b)) > limit {
			return "", refused(http.StatusRequestEntityTooLarge, "the part %s has more than %d bytes", name, limit)
		}
		if _, twice := u.fields[name]; twice {
			return "", refused(http.StatusUnprocessableEntity, "the part %s comes twice", name)
		}
		u.fields[name] = string(b)
		sum := sha256.Sum256(b)
		return name + ":" + hex.EncodeToString(sum[:]), nil
	}
	kind, _, _ := strings.Cut(name, ".")
	if kind != "image" && kind != "mask" || len(name) > 200 {
		return "", refused(http.StatusUnprocessableEntity, "a part that is not known; known are image, image.SOURCE, mask, mask.SOURCE, features, table, expression, patient, issuer, prepared, explain")
	}
	path := filepath.Join(u.dir, fmt.Sprintf("part%06d", n))
	h := sha256.New()
	if err := write(path, io.TeeReader(p, h)); err != nil {
		return "", err
	}
	packed, err := isZip(path)
	if err != nil {
		return "", err
	}
	if packed {
		u.loose[name] = true
		paths, err := unpack(path, l.Files, budget)
		if err != nil {
			return "", err
		}
		u.files[name] = append(u.files[name], paths...)
	} else {
		u.files[name] = append(u.files[name], path)
	}
	if len(u.files[name]) > l.Files {
		return "", refused(http.StatusRequestEntityTooLarge, "more than %d files", l.Files)
	}
	return name + ":" + hex.EncodeToString(h.Sum(nil)), nil
}

// write writes a new file.
func write(path string, from io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}

func isZip(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	var magic [4]byte
	n, err := io.ReadFull(f, magic[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return string(magic[:n]) == "PK\x03\x04", nil
}

// unpack takes the files of an archive out under names of ours, as long as the budget of bytes lasts, and removes the archive. What an
// archive claims of its sizes is not believed.
func unpack(path string, most int, budget *int64) ([]string, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, refused(http.StatusUnprocessableEntity, "an archive is damaged")
	}
	defer z.Close()
	var out []string
	for _, f := range z.File {
		if !f.Mode().IsRegular() {
			continue
		}
		if len(out) >= most {
			return nil, refused(http.StatusRequestEntityTooLarge, "more than %d files in an archive", most)
		}
		in, err := f.Open()
		if err != nil {
			return nil, err
		}
		to := fmt.Sprintf("%s_%06d", path, len(out))
		err = errors.Join(write(to, &rationed{in, budget}), in.Close())
		if err != nil {
			return nil, err
		}
		out = append(out, to)
	}
	return out, os.Remove(path)
}

// rationed reads as long as the budget lasts.
type rationed struct {
	io.Reader
	left *int64
}

func (r *rationed) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if *r.left -= int64(n); *r.left < 0 {
		return n, errTooLong
	}
	return n, err
}

// folder is a path that holds all files of a part: the one file, or a folder into which they are moved.
func (u *upload) folder(name string) (string, error) {
	files := u.files[name]
	if len(files) == 1 && !u.loose[name] {
		return files[0], nil
	}
	dir, err := os.MkdirTemp(u.dir, "folder-")
	if err != nil {
		return "", err
	}
	for i, f := range files {
		to := filepath.Join(dir, filepath.Base(f))
		if err := os.Rename(f, to); err != nil {
			return "", err
		}
		files[i] = to
	}
	u.files[name], u.loose[name] = []string{dir}, false
	return dir, nil
}

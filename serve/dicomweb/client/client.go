// Package client speaks DICOMweb (PS3.18) with a PACS: it searches (QIDO-RS), retrieves (WADO-RS) and stores (STOW-RS). The same client reads
// other resources below a base address, such as Orthanc's.
//
// Answers are bounded in bytes and in time, also those that never end or never come. Redirects are not followed, so that credentials stay
// with the server that they are for. Errors say what a server answered by its status and its codes, and quote nothing that could name a
// patient.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"time"
)

// maxText bounds answers that are read into memory: JSON and XML.
const maxText = 64 << 20

// Error is an answer other than the one asked for.
type Error struct {
	Status int // of HTTP; 0 where there was no answer
	Detail string
	unsent bool // nothing of the request left us
}

func (e *Error) Error() string { return e.Detail }

// Later reports whether the same request may succeed at another time: the server was down, busy, or did not know the credentials, which are
// renewed.
func Later(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return err != nil
	}
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return e.Status == 0 || e.Status >= 500
}

// Reached reports whether what was sent may have been taken all the same: the other side was connected, and said neither that it took it nor that
// it did not.
func Reached(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return err != nil
	}
	return !e.unsent && (e.Status == 0 || e.Status >= 500 && e.Status != http.StatusServiceUnavailable)
}

// do sends a request and returns the answer if its status is one of those wanted. The body has to be closed; it stalls no longer than the
// configuration allows and ends in an error past the limit.
func (c *Client) do(ctx context.Context, method, path, accept, contentType string, body io.Reader, length int64, want ...int) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		cancel()
		return nil, &Error{Detail: "the address makes no request", unsent: true}
	}
	if body != nil {
		r.ContentLength = length
		r.Header.Set("Content-Type", contentType)
	}
	r.Header.Set("Accept", accept)
	r.Header.Set("User-Agent", "voxgene")
	if err := c.authorise(r); err != nil {
		cancel()
		return nil, &Error{Detail: "credentials: " + err.Error(), unsent: true}
	}
	got, err := c.http.Do(r)
	if err != nil {
		cancel()
		var dial *net.OpError
		return nil, &Error{Detail: unanswered(err), unsent: errors.As(err, &dial) && dial.Op == "dial"}
	}
	got.Body = &bounded{ReadCloser: got.Body, left: c.config.Limit, stall: c.config.Stall, timer: time.AfterFunc(c.config.Stall, cancel), cancel: cancel}
	for _, s := range want {
		if got.StatusCode == s {
			return got, nil
		}
	}
	got.Body.Close()
	return nil, &Error{Status: got.StatusCode, Detail: fmt.Sprintf("answered %d %s", got.StatusCode, http.StatusText(got.StatusCode))}
}

// unanswered says why there was no answer, without the address, whose query may name a patient.
func unanswered(err error) string {
	var inner interface{ Unwrap() error }
	for errors.As(err, &inner) {
		next := inner.Unwrap()
		if next == nil {
			break
		}
		err = next
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "did not answer in time"
	}
	return "no answer: " + err.Error()
}

// bounded is a body that may not stall, nor go on for ever.
type bounded struct {
	io.ReadCloser
	left   int64
	stall  time.Duration
	timer  *time.Timer
	cancel context.CancelFunc
}

var errLimit = errors.New("the answer is longer than the limit")

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, &Error{Status: http.StatusRequestEntityTooLarge, Detail: errLimit.Error()}
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	b.timer.Reset(b.stall)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &Error{Detail: "the answer broke off or stalled"}
	}
	return n, err
}

func (b *bounded) Close() error {
	b.timer.Stop()
	b.cancel()
	return b.ReadCloser.Close()
}

// JSON reads a resource below the base address into v.
func (c *Client) JSON(ctx context.Context, path string, v any) error {
	return c.json(ctx, path, "application/json", v)
}

// Post sends a body to a resource below the base address and reads the JSON that is answered into v.
func (c *Client) Post(ctx context.Context, path, contentType string, body []byte, v any) error {
	r, err := c.do(ctx, http.MethodPost, path, "application/json", contentType, bytes.NewReader(body), int64(len(body)), http.StatusOK)
	if err != nil {
		return err
	}
	return decode(r, v)
}

// Delete deletes a resource below the base address. One that is there no more is no error.
func (c *Client) Delete(ctx context.Context, path string) error {
	r, err := c.do(ctx, http.MethodDelete, path, "application/json", "", nil, 0, http.StatusOK, http.StatusNoContent, http.StatusNotFound)
	if err != nil {
		return err
	}
	return r.Body.Close()
}

func (c *Client) json(ctx context.Context, path, accept string, v any) error {
	r, err := c.do(ctx, http.MethodGet, path, accept, "", nil, 0, http.StatusOK, http.StatusNoContent)
	if err != nil {
		return err
	}
	return decode(r, v)
}

// decode reads the JSON of an answer, which it closes.
func decode(r *http.Response, v any) error {
	defer r.Body.Close()
	b, err := text(r.Body)
	if err != nil || r.StatusCode == http.StatusNoContent || len(b) == 0 {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return &Error{Status: r.StatusCode, Detail: "answered what is not the JSON that was asked for"}
	}
	return nil
}

// text reads a short body.
func text(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxText+1))
	if err == nil && len(b) > maxText {
		err = &Error{Status: http.StatusRequestEntityTooLarge, Detail: errLimit.Error()}
	}
	return b, err
}

// File copies a resource below the base address, such as a DICOM file, to w.
func (c *Client) File(ctx context.Context, path string, w io.Writer) error {
	r, err := c.do(ctx, http.MethodGet, path, "application/dicom, */*;q=0.5", "", nil, 0, http.StatusOK)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	_, err = io.Copy(w, r.Body)
	return err
}

// mediaType is the kind of a body and its parameters; "" where the header says nothing sensible.
func mediaType(header string) (string, map[string]string) {
	kind, parameters, err := mime.ParseMediaType(header)
	if err != nil {
		return "", nil
	}
	return kind, parameters
}

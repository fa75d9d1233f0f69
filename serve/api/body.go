package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"

	"github.com/voxgene/voxgene/serve/problem"
)

// ReadBody reads a JSON body into buffer, or says why it does not: the wrong type (415), too long (413), too slow (408), broken off (400).
func ReadBody(w http.ResponseWriter, r *http.Request, buffer *[]byte, limit int64) *problem.Problem {
	if p := checkType(r); p != nil {
		return p
	}
	return readAll(w, r, buffer, limit)
}

// ReadText reads a body of another media type in UTF-8, under the same limits.
func ReadText(w http.ResponseWriter, r *http.Request, buffer *[]byte, limit int64, media string) *problem.Problem {
	t, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if c := parameters["charset"]; err != nil || t != media || c != "" && !strings.EqualFold(c, "utf-8") || r.Header.Get("Content-Encoding") != "" {
		p := problem.New(http.StatusUnsupportedMediaType, "the body has to be "+media+" in UTF-8 and not compressed, and its Content-Type to say so")
		return &p
	}
	return readAll(w, r, buffer, limit)
}

func readAll(w http.ResponseWriter, r *http.Request, buffer *[]byte, limit int64) *problem.Problem {
	tooLong := func() *problem.Problem {
		w.Header().Set("Connection", "close")
		p := problem.New(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes; send less in a request", limit))
		return &p
	}
	if r.ContentLength > limit {
		return tooLong()
	}
	b := (*buffer)[:0]
	// What the client claims is believed up to a bound, so that a header alone allocates little.
	if want := min(r.ContentLength, 1<<20); int64(cap(b)) <= want {
		b = make([]byte, 0, want+1)
	}
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if int64(len(b)) > limit {
			return tooLong()
		}
		if err == nil {
			continue
		}
		*buffer = b
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			w.Header().Set("Connection", "close")
			p := problem.New(http.StatusRequestTimeout, "the body did not arrive in time")
			return &p
		}
		p := problem.New(http.StatusBadRequest, "the body broke off")
		return &p
	}
}

// checkType refuses a body that says it is not JSON.
func checkType(r *http.Request) *problem.Problem {
	if r.Header.Get("Content-Encoding") != "" {
		p := problem.New(http.StatusUnsupportedMediaType, "the body is compressed; send it as it is")
		return &p
	}
	t := r.Header.Get("Content-Type")
	if t == "application/json" {
		return nil
	}
	if media, parameters, err := mime.ParseMediaType(t); err == nil && (media == "application/json" || media == "application/fhir+json") {
		if c := parameters["charset"]; c == "" || c == "utf-8" || c == "UTF-8" {
			return nil
		}
	}
	p := problem.New(http.StatusUnsupportedMediaType, "the body has to be application/json in UTF-8, and its Content-Type to say so")
	return &p
}

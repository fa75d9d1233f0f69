// Package web is the page at /: one patient's prediction and what drove it, for a clinician or a reviewer.
//
// It is three files and no library. It asks the same routes as any other client, keeps nothing, loads nothing from elsewhere, and is
// served under a policy that would not let it.
package web

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
)

//go:embed page
var files embed.FS

// types of the files, by extension.
var types = map[string]string{".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

// Paths are those of the page and its parts. They say nothing of a model or a patient.
var Paths = []string{"/", "/page.css", "/page.js", "/draw.js"}

// Register adds the page's routes to a mux.
func Register(mux *http.ServeMux) {
	for _, p := range Paths {
		name, pattern := path.Base(p), "GET "+p
		if p == "/" {
			name, pattern = "index.html", "GET /{$}"
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			b, err := fs.ReadFile(files, "page/"+name)
			if err != nil { // embedded: it cannot fail
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			h := w.Header()
			h.Set("Content-Type", types[path.Ext(name)])
			h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("Cache-Control", "no-cache")
			w.Write(b) // an error means that the client went away
		})
	}
}

// Package web is the page at /: the worklist, one patient's prediction and what drove it, the scan with its region and heat maps, and a
// cohort, for a clinician, a reviewer or a tumour board.
//
// It is plain files, modules and no library. It asks the same routes as any other client, keeps nothing in the browser beyond its own
// memory, loads nothing from elsewhere, and is served under a policy that would not let it, nor let a text become markup.
package web

import (
	"embed"
	"io/fs"
	"net/http"
	"path"

	"github.com/voxgene/voxgene/serve/auth"
)

//go:embed page
var files embed.FS

// types of the files, by extension.
var types = map[string]string{".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

// policy is what a browser lets the page do: run and style by its own files, and ask this server.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// Paths are those of the page and its parts. They say nothing of a model or a patient.
func Paths() []string {
	out := []string{"/"}
	list, err := fs.ReadDir(files, "page")
	if err != nil { // embedded: it cannot fail
		return out
	}
	for _, e := range list {
		if e.Name() != "index.html" {
			out = append(out, auth.Page+e.Name())
		}
	}
	return out
}

// Register adds the page's routes to a mux.
func Register(mux *http.ServeMux) {
	for _, p := range Paths() {
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
			h.Set("Content-Security-Policy", policy)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("Cache-Control", "no-cache")
			w.Write(b) // an error means that the client went away
		})
	}
}

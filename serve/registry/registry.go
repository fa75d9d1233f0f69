// Package registry holds the bundles that a server answers from.
//
// What is being served is one immutable set behind an atomic pointer: a request takes the set once and keeps it, so a reload never
// fails or mixes a request that is under way. A reload that meets a bad file changes nothing and says which file it was.
package registry

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/voxgene/voxgene/models/bundle"
)

// Extension is that of bundles which are looked for in folders.
const Extension = ".voxgene"

// Entry is one loaded bundle.
type Entry struct {
	Bundle   *bundle.Bundle
	Path     string
	Modified time.Time // of the file
	Columns  *Columns
	Drift    *Drift

	size int64
}

// Model is all versions of one model, the one that answers when none is pinned first.
type Model struct {
	Name     string
	Versions []*Entry
}

// set is what is served at one moment.
type set struct {
	names  []string // sorted
	models map[string]*Model
	byPath map[string]*Entry
}

// Registry loads bundles from files and folders and hands them out. It is safe for concurrent use.
type Registry struct {
	paths   []string
	aliases map[string]Alias
	trusted []ed25519.PublicKey
	current atomic.Pointer[set]
	loading sync.Mutex
}

// Alias is another name for a model, or for one version of it.
type Alias struct {
	Model   string
	Version string // a full version or the beginning of one; empty is whatever answers for the model
}

// Open loads the bundles in the given files and folders (each *.voxgene in them, not in folders below). Every file must be sound,
// and signed by one of the trusted keys where there are any.
func Open(paths []string, aliases map[string]Alias, trusted ...ed25519.PublicKey) (*Registry, error) {
	r := &Registry{paths: paths, aliases: aliases, trusted: trusted}
	if _, err := r.Reload(); err != nil {
		return nil, err
	}
	return r, nil
}

// Change says what a reload did.
type Change struct{ Added, Removed []string } // model@version

// Reload looks at the files again and serves what is there now. Files that did not change are not read again. After an error,
// what was served before is served still.
func (r *Registry) Reload() (Change, error) {
	r.loading.Lock()
	defer r.loading.Unlock()
	files, err := r.files()
	if err != nil {
		return Change{}, err
	}
	old := r.current.Load()
	next := &set{models: map[string]*Model{}, byPath: make(map[string]*Entry, len(files))}
	var faults []error
	for _, path := range files {
		e, err := r.load(path, old)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		next.byPath[path] = e
		next.add(e)
	}
	if err := errors.Join(faults...); err != nil {
		return Change{}, err
	}
	if err := next.finish(r.aliases); err != nil {
		return Change{}, err
	}
	r.current.Store(next)
	return difference(old, next), nil
}

// files lists the bundles' files, sorted, each once.
func (r *Registry) files() ([]string, error) {
	found := map[string]bool{}
	for _, p := range r.paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			found[filepath.Clean(p)] = true
			continue
		}
		list, err := os.ReadDir(p)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			if e.Type()&fs.ModeDir == 0 && strings.HasSuffix(e.Name(), Extension) && !strings.HasPrefix(e.Name(), ".") {
				found[filepath.Join(p, e.Name())] = true
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no bundle in %s: a folder is searched for files named *%s", strings.Join(r.paths, ", "), Extension)
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// load returns the entry of a file, the old one where the file is as it was.
func (r *Registry) load(path string, old *set) (*Entry, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if old != nil {
		if e := old.byPath[path]; e != nil && e.Modified.Equal(info.ModTime()) && e.size == info.Size() {
			return e, nil
		}
	}
	b, err := bundle.Open(path)
	if err != nil {
		return nil, err
	}
	if len(r.trusted) > 0 {
		if err := b.VerifyFile(path, r.trusted); err != nil {
			return nil, err
		}
	}
	return &Entry{Bundle: b, Path: path, Modified: info.ModTime(), Columns: newColumns(b), Drift: newDrift(b), size: info.Size()}, nil
}

func (s *set) add(e *Entry) {
	m := s.models[e.Bundle.Name]
	if m == nil {
		m = &Model{Name: e.Bundle.Name}
		s.models[m.Name] = m
	}
	if !slices.ContainsFunc(m.Versions, func(v *Entry) bool { return v.Bundle.Version() == e.Bundle.Version() }) {
		m.Versions = append(m.Versions, e)
	}
}

// finish orders versions, newest file first, and adds aliases as models of their own.
func (s *set) finish(aliases map[string]Alias) error {
	for _, m := range s.models {
		slices.SortFunc(m.Versions, func(a, b *Entry) int {
			return cmp.Or(b.Modified.Compare(a.Modified), cmp.Compare(a.Bundle.Version(), b.Bundle.Version()))
		})
	}
	named := map[string]*Model{}
	for _, name := range slices.Sorted(maps.Keys(aliases)) {
		a := aliases[name]
		if _, taken := s.models[name]; taken {
			return fmt.Errorf("alias %s: a model has that name", name)
		}
		e, err := s.find(a.Model, a.Version)
		if err != nil {
			return fmt.Errorf("alias %s: %w", name, err)
		}
		named[name] = &Model{Name: name, Versions: []*Entry{e}}
	}
	maps.Copy(s.models, named) // after all were found: an alias names a model, not another alias
	s.names = slices.Sorted(maps.Keys(s.models))
	return nil
}

// ErrNotFound says that no such model or version is served.
var ErrNotFound = errors.New("not served here")

// find returns a version of a model: the one that answers where version is empty, else the one that it names or begins.
func (s *set) find(model, version string) (*Entry, error) {
	m := s.models[model]
	if m == nil {
		return nil, fmt.Errorf("model %q is %w; there are %s", model, ErrNotFound, strings.Join(slices.Sorted(maps.Keys(s.models)), ", "))
	}
	if version == "" {
		return m.Versions[0], nil
	}
	var found *Entry
	for _, e := range m.Versions {
		v := e.Bundle.Version()
		if v == version {
			return e, nil
		}
		const shortest = len("sha256:") + 8
		if len(version) >= shortest && strings.HasPrefix(v, version) {
			if found != nil {
				return nil, fmt.Errorf("version %q of model %q is ambiguous", version, model)
			}
			found = e
		}
	}
	if found == nil {
		return nil, fmt.Errorf("version %q of model %q is %w; the newest is %s", version, model, ErrNotFound, m.Versions[0].Bundle.Version())
	}
	return found, nil
}

// Find returns a loaded version of a model. An empty version is the one that answers; the beginning of one is enough where it is
// eight digits or more. The error wraps ErrNotFound when there is none.
func (r *Registry) Find(model, version string) (*Entry, error) {
	return r.current.Load().find(model, version)
}

// Models returns all models and aliases, sorted by name.
func (r *Registry) Models() []*Model {
	s := r.current.Load()
	out := make([]*Model, len(s.names))
	for i, n := range s.names {
		out[i] = s.models[n]
	}
	return out
}

// difference lists what a reload added and removed.
func difference(old, next *set) Change {
	names := func(s *set) map[string]bool {
		out := map[string]bool{}
		if s != nil {
			for _, e := range s.byPath {
				out[e.Bundle.Name+"@"+e.Bundle.Version()] = true
			}
		}
		return out
	}
	was, is := names(old), names(next)
	var c Change
	for _, n := range slices.Sorted(maps.Keys(is)) {
		if !was[n] {
			c.Added = append(c.Added, n)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(was)) {
		if !is[n] {
			c.Removed = append(c.Removed, n)
		}
	}
	return c
}

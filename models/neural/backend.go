package neural

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // pure Go, always there
)

const (
	// defaultBackend is pure Go, one operation after the other. Its other mode, which runs operations in parallel, deadlocks.
	defaultBackend = "go:ops_sequential"
	goBackend      = "Go Backend" // its Name
)

// engine is the backend in use, and the programs compiled for it.
var engine struct {
	sync.Mutex
	name     string
	backend  compute.Backend
	programs map[string]*program
	order    []string // of programs, the oldest first
}

// Backends are the names that Use knows in this build: go, and onnxruntime and xla in builds with those tags.
func Backends() []string {
	names := compute.List()
	slices.Sort(names)
	return names
}

// Use chooses the backend that networks run on, such as go, onnxruntime:cpu, xla:cpu or xla:cuda; empty takes the one that the environment variable
// GOMLX_BACKEND names, and otherwise go. A backend that this build or machine lacks is replaced by go, and warning says why. Programs
// compiled before are forgotten.
func Use(name string) (warning string, err error) {
	engine.Lock()
	defer engine.Unlock()
	return use(name)
}

func use(name string) (warning string, err error) {
	if name == "" {
		name = os.Getenv(compute.ConfigEnvVar)
	}
	if kind, options, _ := strings.Cut(name, ":"); name == "" || kind == "go" {
		if options != "" && options != "ops_sequential" {
			warning = fmt.Sprintf("backend %s: its parallel mode can deadlock; using %s", name, defaultBackend)
		}
		name = defaultBackend
	}
	b, err := open(name)
	if err != nil {
		warning = fmt.Sprintf("backend %s is not available (%v); using %s. This build has %v", name, err, defaultBackend, Backends())
		name = defaultBackend
		if b, err = open(name); err != nil {
			return warning, err
		}
	}
	engine.name, engine.backend, engine.programs, engine.order = name, b, map[string]*program{}, nil
	return warning, nil
}

// open returns a backend; the library panics on a name that it does not know.
func open(name string) (b compute.Backend, err error) {
	defer func() {
		if e := recover(); e != nil {
			err = fmt.Errorf("%v", e)
		}
	}()
	if kind, _, _ := strings.Cut(name, ":"); !slices.Contains(compute.List(), kind) {
		return nil, fmt.Errorf("it is not part of this build")
	}
	return compute.NewWithConfig(name)
}

// engineName is the backend in use, opened if none is.
func engineName() string {
	engine.Lock()
	defer engine.Unlock()
	if engine.backend == nil {
		if _, err := use(""); err != nil {
			return ""
		}
	}
	return engine.name
}

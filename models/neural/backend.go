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
		reason, _, _ := strings.Cut(err.Error(), " -- ") // behind it the library tells programmers what to import
		reason, _, _ = strings.Cut(reason, " (if you need")
		warning = fmt.Sprintf("backend %s is not available (%s); using %s. %s", name, reason, defaultBackend, remedy(name))
		name = defaultBackend
		if b, err = open(name); err != nil {
			return warning, err
		}
	}
	engine.name, engine.backend, engine.programs, engine.order = name, b, map[string]*program{}, nil
	return warning, nil
}

// remedy says what a backend that could not be opened needs.
func remedy(name string) string {
	kind, _, _ := strings.Cut(name, ":")
	inside := slices.Contains(compute.List(), kind)
	switch kind {
	case "onnxruntime", "onnx":
		if !inside {
			return "ONNX Runtime needs a build with CGO_ENABLED=1 go build -tags onnx"
		}
		return "Let ONNXRUNTIME_SHARED_LIBRARY_PATH name the shared library of ONNX Runtime 1.26 (libonnxruntime.so.1; docs/networks.md, Backends); nothing is downloaded"
	case "xla":
		if !inside {
			return "XLA needs a build with CGO_ENABLED=1 go build -tags xla"
		}
		return "Install the PJRT plugin of XLA, with NVIDIA's driver for xla:cuda, and let PJRT_PLUGIN_LIBRARY_PATH name its directory (docs/networks.md, Backends); nothing is downloaded"
	}
	return fmt.Sprintf("This build has %v", Backends())
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

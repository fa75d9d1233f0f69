package neural

import (
	"errors"
	"fmt"
	"os"
	"runtime"
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
	opened   map[string]compute.Backend // by name; never closed, since a library whose programs outlive it may crash
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
		warning = fmt.Sprintf("backend %s is not available (%s); using %s. %s", name, reason(err), defaultBackend, remedy(name))
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
		return "Install the PJRT plugin of XLA, with NVIDIA's driver for xla:cuda (nvidia-smi lists the card), and let PJRT_PLUGIN_LIBRARY_PATH name its directory (docs/networks.md, Backends); nothing is downloaded"
	}
	return fmt.Sprintf("This build has %v", Backends())
}

// reason is why a backend could not be opened, without what the library tells programmers to import. It panics on a plugin that cannot be loaded, after it
// has printed why.
func reason(err error) string {
	if fault := runtime.Error(nil); errors.As(err, &fault) {
		return "its library could not be loaded; the line above may say what it lacks"
	}
	s, _, _ := strings.Cut(root(err).Error(), " -- ")
	s, _, _ = strings.Cut(s, " (if you need")
	return s
}

// open returns a backend that has a device, the one of that name that was opened before if there is one.
func open(name string) (b compute.Backend, err error) {
	defer func() {
		if e := recover(); e != nil {
			b, err = nil, asError(e)
		}
	}()
	kind, config, _ := strings.Cut(name, ":")
	if !slices.Contains(compute.List(), kind) {
		return nil, errors.New("it is not part of this build")
	}
	if b := engine.opened[name]; b != nil {
		return b, nil
	}
	if err := wholePrecision(config); err != nil {
		return nil, err
	}
	if b, err = compute.NewWithConfig(name); err != nil {
		return nil, err
	}
	if b.NumDevices() < 1 {
		return nil, errors.New("it found no device")
	}
	if engine.opened == nil {
		engine.opened = map[string]compute.Backend{}
	}
	engine.opened[name] = b
	return b, nil
}

// wholePrecision keeps NVIDIA's libraries from rounding the factors of convolutions to ten bits where a backend is asked for without that: XLA's option
// notf32 reaches products of matrices alone. They look at the variable when they are loaded.
func wholePrecision(config string) error {
	const variable = "NVIDIA_TF32_OVERRIDE"
	options := strings.Split(config, ",")
	if _, set := os.LookupEnv(variable); set || !slices.Contains(options, "notf32") && !slices.Contains(options, "tf32=false") {
		return nil
	}
	return os.Setenv(variable, "0")
}

// Other is the backend in use where it was chosen and is not Go's, and empty otherwise.
func Other() string {
	engine.Lock()
	defer engine.Unlock()
	if engine.name == defaultBackend {
		return ""
	}
	return engine.name
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

package neural

import (
	"errors"
	"fmt"
	"strings"
)

// failure says that a backend could not build or run a network. It names no patient: the cause is the library's, which knows none.
type failure struct {
	backend string // as it was chosen: xla:cuda
	doing   string // build or run
	cause   string
}

// causeLimit bounds what is quoted of the library, whose allocators print tables of their memory.
const causeLimit = 600

// failed is the failure behind what the library returned, or panicked with. What Go's backend says stays as it is: there it is a mistake of ours, for
// which all of it is wanted.
func failed(backend string, err error) error {
	if backend == defaultBackend {
		return err
	}
	f := failure{backend: backend, doing: "run"}
	if strings.Contains(err.Error(), "graph construction/compilation") {
		f.doing = "build"
	}
	f.cause = strings.Join(strings.Fields(root(err).Error()), " ")
	if len(f.cause) > causeLimit {
		f.cause = strings.ToValidUTF8(f.cause[:causeLimit], "") + " …"
	}
	return f
}

// BackendFailed is true of an error behind which a backend could not build or run a network, so that neither the input nor the command line is wrong.
func BackendFailed(err error) bool { return errors.As(err, new(failure)) }

// root is the error that others wrap.
func root(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}

func (f failure) Error() string {
	advice := "--backend go does without it (docs/networks.md, Backends)"
	if f.memory() {
		advice = "its memory does not suffice: smaller batches, crops or widths need less, and other processes on the device may hold it; --backend go uses the machine's"
	}
	return fmt.Sprintf("backend %s could not %s a network (%s); %s", f.backend, f.doing, f.cause, advice)
}

// memory is true of what XLA and CUDA say where memory is short: the eighth of the status codes of Abseil.
func (f failure) memory() bool {
	for _, sign := range []string{"code=8)", "RESOURCE_EXHAUSTED", "ut of memory", "OUT_OF_MEMORY"} {
		if strings.Contains(f.cause, sign) {
			return true
		}
	}
	return false
}

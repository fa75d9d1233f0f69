package neural

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// program is a graph, compiled for one set of shapes when it is first run. It is safe for concurrent use.
type program struct {
	exec *graph.Exec
	// backend is the name of what it was compiled for.
	backend string
	// whole is true where a batch is run in one piece, because an operation uses all processors by itself.
	whole bool
}

// maxPrograms bounds the compiled graphs that are kept. Training needs one or two, a served model one.
const maxPrograms = 64

// compiled returns the program under a key, which names all that the graph and its shapes depend on.
func compiled(key string, build func(in []*graph.Node) []*graph.Node) (*program, error) {
	engine.Lock()
	defer engine.Unlock()
	if engine.backend == nil {
		if _, err := use(""); err != nil {
			return nil, err
		}
	}
	if p, ok := engine.programs[key]; ok {
		return p, nil
	}
	exec, err := graph.NewExec(engine.backend, build)
	if err != nil {
		return nil, err
	}
	exec.SetMaxCache(-1)
	if len(engine.order) == maxPrograms { // forgotten, not finalised: it may be running
		delete(engine.programs, engine.order[0])
		engine.order = slices.Delete(engine.order, 0, 1)
	}
	p := &program{exec, engine.name, engine.backend.Name() != goBackend}
	engine.programs[key] = p
	engine.order = append(engine.order, key)
	return p, nil
}

// onGo says whether programs run on the Go backend.
func onGo() bool { return engineName() == defaultBackend }

// array is a tensor in plain Go, the last axis fastest.
type array struct {
	shape  []int
	values []float32
}

func newArray(shape ...int) array {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return array{shape, make([]float32, n)}
}

// run runs the program and returns its outputs, flat. Its error is a failure unless the backend is Go's.
func (p *program) run(inputs ...array) (out [][]float32, err error) {
	defer func() {
		if e := recover(); e != nil {
			err = asError(e)
		}
		if err != nil {
			out, err = nil, failed(p.backend, err)
		}
	}()
	args := make([]any, len(inputs))
	for i, a := range inputs {
		args[i] = tensors.FromFlatDataAndDimensions(a.values, a.shape...)
	}
	results, err := p.exec.Call(args...)
	for _, a := range args {
		_ = a.(*tensors.Tensor).FinalizeAll() // memory is the backend's to reuse
	}
	if err != nil {
		return nil, err
	}
	out = make([][]float32, len(results))
	for i, t := range results {
		if err == nil {
			out[i], err = tensors.CopyFlatData[float32](t)
		}
		_ = t.FinalizeAll()
	}
	return out, err
}

// asError is what was panicked with, as the library does where others return an error.
func asError(e any) error {
	if err, ok := e.(error); ok {
		return err
	}
	return fmt.Errorf("%v", e)
}

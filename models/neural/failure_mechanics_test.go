package neural

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gomlx/compute"

	"github.com/voxgene/voxgene/features/clinical"
)

// faulty is Go's backend under another name, which fails where its options say: as a plugin without a device, one that cannot be loaded, or a device that
// compiles or runs nothing.
type faulty struct {
	compute.Backend
	option string
}

type faultyBuilder struct {
	compute.Builder
	option string
}

type faultyProgram struct {
	compute.Executable
	option string
}

var faults struct{ opened, built, run atomic.Int64 }

func init() {
	compute.Register("faulty", func(option string) (compute.Backend, error) {
		faults.opened.Add(1)
		if option == "unloadable" {
			var plugin *faulty
			option = plugin.option // what go-xla does with a library that the system cannot load
		}
		b, err := compute.NewWithConfig(defaultBackend)
		return faulty{b, option}, err
	})
}

func (f faulty) Name() string { return "faulty" }

func (f faulty) NumDevices() int {
	if f.option == "deviceless" {
		return 0
	}
	return 1
}

func (f faulty) Builder(name string) compute.Builder {
	return faultyBuilder{f.Backend.Builder(name), f.option}
}

func (b faultyBuilder) Compile() (compute.Executable, error) {
	faults.built.Add(1)
	if b.option == "build" {
		return nil, errors.New("PJRT error (code=13): no algorithm\n  for this convolution")
	}
	p, err := b.Builder.Compile()
	return faultyProgram{p, b.option}, err
}

func (p faultyProgram) Execute(in []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	faults.run.Add(1)
	switch p.option {
	case "run":
		return nil, errors.New("PJRT error (code=13): the device is lost")
	case "memory":
		return nil, errors.New("PJRT error (code=8): RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8589934592 bytes." + strings.Repeat(" a line of a table", 100))
	}
	return p.Executable.Execute(in, donate, device)
}

// backToGo ends a test with the backend that the others run on.
func backToGo(t *testing.T) {
	t.Cleanup(func() {
		if _, err := Use("go"); err != nil {
			t.Error(err)
		}
	})
}

// A backend that has no device, or whose library cannot be loaded, is replaced by Go with a warning that says so.
func TestBackendThatCannotBeOpened(t *testing.T) {
	backToGo(t)
	for option, want := range map[string]string{"deviceless": "it found no device", "unloadable": "its library could not be loaded"} {
		warning, err := Use("faulty:" + option)
		if err != nil || !strings.Contains(warning, want) || engineName() != defaultBackend {
			t.Errorf("%s: %q, %v, using %s", option, warning, err, engineName())
		}
	}
}

// A backend that is chosen again is the one that was opened before: the library destroys one that nothing refers to, and not after its programs.
func TestBackendIsOpenedOnce(t *testing.T) {
	backToGo(t)
	before := faults.opened.Load()
	for _, name := range []string{"faulty:once", "go", "faulty:once"} {
		if warning, err := Use(name); err != nil || warning != "" {
			t.Fatalf("%s: %s %v", name, warning, err)
		}
	}
	if n := faults.opened.Load() - before; n != 1 {
		t.Errorf("opened %d times", n)
	}
}

// A backend that fails in the middle of training, prediction or explanation ends it with one error that says what failed, why, and what to do, however many rows
// there are, and is not asked again for each of them.
func TestBackendFails(t *testing.T) {
	backToGo(t)
	data := pictured(400, [3]int{2, 2, 1})
	n := network(t, mlpKind, map[string]any{"hidden": []any{3}, "epochs": 1})
	m := fit(t, context.Background(), n, data)
	for option, want := range map[string][]string{
		"build":  {"backend faulty:build could not build a network (PJRT error (code=13): no algorithm for this convolution)", "--backend go"},
		"run":    {"backend faulty:run could not run a network (PJRT error (code=13): the device is lost)", "--backend go"},
		"memory": {"backend faulty:memory could not run a network (PJRT error (code=8): RESOURCE_EXHAUSTED", "…", "smaller batches"},
	} {
		if warning, err := Use("faulty:" + option); err != nil || warning != "" {
			t.Fatalf("%s: %s %v", option, warning, err)
		}
		tried := faults.built.Load() + faults.run.Load()
		_, trained := n.Fit(context.Background(), data)
		_, predicted := m.Predict(data.X, nil)
		for what, err := range map[string]error{"training": trained, "prediction": predicted} {
			if err == nil || !BackendFailed(err) {
				t.Errorf("%s: %s: %v", option, what, err)
				continue
			}
			for _, part := range want {
				if strings.Count(err.Error(), part) != 1 {
					t.Errorf("%s: %s: %q is not once in %q", option, what, part, err)
				}
			}
		}
		if tried = faults.built.Load() + faults.run.Load() - tried; tried > int64(8+4*runtime.GOMAXPROCS(0)) {
			t.Errorf("%s: tried %d times", option, tried)
		}
	}
	if BackendFailed(errors.New("another")) || BackendFailed(nil) {
		t.Error("another error is not a backend's")
	}
}

// Convolutions keep the whole of their factors where notf32 is asked for, unless the user has decided otherwise.
func TestWholePrecision(t *testing.T) {
	const variable = "NVIDIA_TF32_OVERRIDE"
	t.Setenv(variable, "1") // so that it is put back
	for _, c := range []struct{ before, config, want string }{
		{"", "cuda", ""}, {"", "cpu", ""}, {"", "cuda,notf32", "0"}, {"", "cuda,preallocate,tf32=false", "0"}, {"1", "cuda,notf32", "1"},
	} {
		if err := os.Unsetenv(variable); err != nil {
			t.Fatal(err)
		}
		if c.before != "" {
			t.Setenv(variable, c.before)
		}
		if err := wholePrecision(c.config); err != nil || os.Getenv(variable) != c.want {
			t.Errorf("%s, %q before: %q, %v", c.config, c.before, os.Getenv(variable), err)
		}
	}
}

// Folds of a network in discrete time cut time at other places and share its programs nevertheless.
func TestFoldsShareAProgram(t *testing.T) {
	data := pictured(40, [3]int{2, 2, 1})
	r := data.Seed.Rand()
	data.Y = clinical.Outcome{Name: "os", Kind: clinical.Survival, Unit: "mo"}
	for range data.X.Rows {
		data.Y.Time, data.Y.Event = append(data.Y.Time, 0.5+r.ExpFloat64()), append(data.Y.Event, 1)
	}
	count := func() int {
		engine.Lock()
		defer engine.Unlock()
		return len(engine.programs)
	}
	n := network(t, mlpKind, map[string]any{"hidden": []any{7}, "epochs": 1, "survival": "discrete_time", "intervals": 4, "holdout": 0})
	if _, err := Use("go"); err != nil { // forgets the programs of other tests
		t.Fatal(err)
	}
	var cuts [2]float64
	var after [2]int
	for k := range cuts {
		m := fit(t, context.Background(), n, data)
		if _, err := m.Predict(data.X, nil); err != nil {
			t.Fatal(err)
		}
		cuts[k], after[k] = m.Architecture.Heads[0].Cuts[0], count()
		for i := range data.Y.Time {
			data.Y.Time[i] *= 2
		}
	}
	if cuts[0] == cuts[1] || after[0] == 0 || after[0] != after[1] {
		t.Errorf("cut at %v, %v programs", cuts, after)
	}
}

//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// With this variable set the test program is voxgene itself, for tests that stop it from outside.
const programVariable = "VOXGENE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		main()
	}
	os.Exit(m.Run())
}

// A run that trains a network is killed in the middle of a fit, goes on from its checkpoint, is told to stop while the report's explanations are
// computed, ends at once, and goes on again: the bundle and all else that holds no time have the bytes of a run that nobody stopped.
func TestStoppedNetwork(t *testing.T) {
	t.Chdir(t.TempDir())
	if code, _, errs := voxgene("phantom", "c", "--patients", "24", "--plant", "texture", "--seed", "7"); code != 0 {
		t.Fatal(errs)
	}
	experiment := `name: stopped
seed: 7
cohort: {patients: c/patients.csv, id: patient}
sources:
  - name: t1
    kind: images
    image: "c/images/{patient}/t1.nii.gz"
    mask: "c/images/{patient}/mask.nii.gz"
    parameters: {imageType: {Original: {}}, featureClass: {firstorder: [Mean]}}
    volume: {spacing: [1.5, 1.5, 2], size: [8, 8, 6], mask: crop}
outcomes: [{name: subtype, kind: class, column: subtype}]
models: [{kind: cnn, widths: [4, 8], epochs: 30, learning_rate: 0.01, holdout: 0}]
validation: {scheme: cv, folds: 2, repeats: 1}
honest: {permutations: 0, baselines: []}
`
	if err := os.WriteFile("stopped.yaml", []byte(experiment), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := voxgene("train", "stopped.yaml", "--out", "whole"); code != 0 {
		t.Fatal(errs)
	}
	all := len(stored(t, "whole"))
	const before = 24 // crops, which are stored ahead of the first checkpoint

	child := startProgram(t, "train", "stopped.yaml", "--out", "run", "--jobs", "1")
	child.until(t, func() bool { return len(stored(t, "run")) > before })
	if code, _ := child.end(t, syscall.SIGKILL); code == 0 {
		t.Fatal("the run was done before it was killed")
	}
	halfway := stored(t, "run")
	if len(halfway) != before+1 {
		t.Fatalf("%d parts of the work are stored, and %d before the first fit", len(halfway), before)
	}
	time.Sleep(20 * time.Millisecond) // file times are coarse
	resumed := time.Now()
	child = startProgram(t, "train", "stopped.yaml", "--out", "run", "--backend", "go", "--resume")
	child.until(t, func() bool { return len(stored(t, "run")) == all })
	time.Sleep(100 * time.Millisecond) // the last fit is over and its explanations are under way
	asked := time.Now()
	code, said := child.end(t, syscall.SIGTERM)
	if took := time.Since(asked); code != 1 || took > 5*time.Second || !strings.Contains(said, "stopped; go on with: voxgene train stopped.yaml --out run --backend go --resume") {
		t.Errorf("told to stop, it ended with exit %d after %v: %s", code, took, said)
	}
	again := 0 // checkpoints of the killed run that the resumed one wrote on
	for _, name := range halfway {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.ModTime().After(resumed) {
			again++
		}
	}
	if again != 1 {
		t.Errorf("the resumed run went on with %d of the checkpoints of the killed one", again)
	}
	if _, err := os.Stat(filepath.Join("run", "model.voxgene")); err == nil {
		t.Error("the stopped run has a bundle")
	}
	if code, _, errs := voxgene("train", "stopped.yaml", "--out", "run", "--resume"); code != 0 {
		t.Fatal(errs)
	}
	for _, name := range []string{"model.voxgene", "metrics.json", "predictions.csv", "features.parquet"} {
		got, err := os.ReadFile(filepath.Join("run", name))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("whole", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s has other bytes", name)
		}
	}
}

// stored are the parts of a run's work that are in its store.
func stored(t *testing.T, run string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(run, ".work", "??", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var whole []string
	for _, name := range names {
		if !strings.Contains(filepath.Base(name), ".") { // one that is being written
			whole = append(whole, name)
		}
	}
	return whole
}

// program is voxgene as a process of its own.
type program struct {
	*exec.Cmd
	said bytes.Buffer
	done chan struct{}
}

func startProgram(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{Cmd: exec.Command(os.Args[0], args...), done: make(chan struct{})}
	p.Env = append(os.Environ(), programVariable+"=1")
	p.Stdout, p.Stderr = &p.said, &p.said
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.Wait() // its exit code is looked at
		close(p.done)
	}()
	t.Cleanup(func() { _ = p.Process.Kill() }) // it may have ended
	return p
}

// until waits for something that the process does.
func (p *program) until(t *testing.T, happened func() bool) {
	t.Helper()
	for !happened() {
		select {
		case <-p.done:
			t.Fatalf("it ended before: %s", &p.said)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// end sends a signal and returns the exit code, −1 of a process that was killed, and what it said.
func (p *program) end(t *testing.T, s os.Signal) (code int, said string) {
	t.Helper()
	_ = p.Process.Signal(s) // it may have ended
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
	return p.ProcessState.ExitCode(), p.said.String()
}

//go:build unix

package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// blocks are the ```sh blocks of a page, in order.
func blocks(t *testing.T, page string) []string {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(b), -1) {
		out = append(out, strings.TrimSpace(m[1]))
	}
	return out
}

// checkout is a folder in which the commands of a page find the repository as a new clone would have it, and write beside it.
func checkout(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "runs" || e.Name() == ".git" {
			continue
		}
		if err := os.Symlink(filepath.Join(root, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shell runs one block and returns what it printed.
func shell(t *testing.T, dir, command string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", command)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", command, err, out)
	}
	return string(out)
}

// background starts a command that serves, waits until url answers, and stops it when the test ends.
func background(t *testing.T, dir, command, url string) {
	t.Helper()
	c := exec.Command("bash", "-c", command)
	c.Dir = dir
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run starts a child: both have to stop
	var log strings.Builder
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
		_ = c.Wait()
	})
	for range 600 {
		if r, err := http.Get(url); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s: no answer\n%s", command, log.String())
}

// Every command of the README works in a clean checkout, in the order in which it stands there.
func TestREADME(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the program")
	}
	dir := checkout(t)
	start := time.Now()
	shell(t, dir, "go build -o voxgene-built ./cmd/voxgene")
	built := time.Since(start)
	ran := 0
	for _, command := range blocks(t, "../../README.md") {
		switch {
		case strings.HasPrefix(command, "go test "):
			// This is the command that runs the test you are reading; .ci/run takes it from the README.
		case strings.Contains(command, "voxgene serve"):
			background(t, dir, command, "http://127.0.0.1:8080/readyz")
		case strings.Contains(command, "VOXGENE_RADIOMICS"):
			// A user has these two files; here they are made from the phantom.
			shell(t, dir, "cp runs/phantom/cohort/patients.csv . && go run ./cmd/voxgene extract runs/phantom/cohort/batch.csv -o radiomics.csv")
			shell(t, dir, command)
			for _, name := range []string{"model.voxgene", "report.html"} {
				if _, err := os.Stat(filepath.Join(dir, "runs/pyradiomics", name)); err != nil {
					t.Error(err)
				}
			}
		default:
			start := time.Now()
			out := shell(t, dir, command)
			if ran == 0 {
				t.Logf("command one: built in %.1f s (less where the cache has it), ran in %.1f s", built.Seconds(), time.Since(start).Seconds())
			}
			if strings.HasPrefix(command, "curl") && strings.Contains(out, `"status":4`) {
				t.Errorf("%s\n%s", command, out)
			}
			if strings.Contains(command, "/predict") && !(strings.Contains(out, `"probabilities"`) && strings.Contains(out, `"survival"`)) {
				t.Errorf("%s\n%s", command, out)
			}
		}
		ran++
	}
	if ran != 6 {
		t.Errorf("the README has %d commands; this test knows 6", ran)
	}
	for _, name := range []string{"model.voxgene", "report.html", "metrics.json", "predictions.csv", "features.parquet", "run.json"} {
		if _, err := os.Stat(filepath.Join(dir, "runs/phantom", name)); err != nil {
			t.Error(err)
		}
	}
}

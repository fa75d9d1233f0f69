package scratch_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/serve/scratch"
)

// within names the folder that a process of TestKilled works in.
const within = "VOXGENE_TEST_SCRATCH"

// TestMain is the test, or a process that it starts: one that opens a folder, says where, and works until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(within); dir != "" {
		f, err := scratch.Open(dir)
		if err != nil {
			panic(err)
		}
		if err := os.WriteFile(filepath.Join(f.Path, "slice.dcm"), []byte("CANARY"), 0o600); err != nil {
			panic(err)
		}
		fmt.Println(f.Path)
		time.Sleep(time.Minute)
		return
	}
	os.Exit(m.Run())
}

// What a process that was killed left is removed by the next one; what a process that lives holds, and what is not ours, stays.
func TestKilled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there nothing tells whether a process lives, and nothing is removed")
	}
	dir := t.TempDir()
	process := func() (*exec.Cmd, string) {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), within+"="+dir)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Process.Kill(); c.Wait() })
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return c, strings.TrimSpace(line)
	}
	dead, left := process()
	_, alive := process()
	for _, other := range []string{"voxgene-files-without-a-lock", "voxgene-study-1", "else"} {
		if err := os.Mkdir(filepath.Join(dir, other), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(alive, filepath.Join(dir, "voxgene-files-link")); err != nil {
		t.Fatal(err)
	}
	if err := dead.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	dead.Wait() // says that it was killed
	f, err := scratch.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) || f.Removed != 1 {
		t.Errorf("what was left is there still (%v); %d removed", err, f.Removed)
	}
	if _, err := os.Stat(filepath.Join(alive, "slice.dcm")); err != nil {
		t.Error("a process that lives lost its files")
	}
	if info, err := os.Stat(f.Path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v (%v)", info.Mode(), err)
	}
	again, err := scratch.Open(dir)
	if err != nil || again.Removed != 0 {
		t.Errorf("%+v (%v)", again, err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 5 { // alive, three that are not ours, the link
		t.Errorf("%v (%v)", entries, err)
	}
}

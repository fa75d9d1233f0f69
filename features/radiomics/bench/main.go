//go:build linux

// Command bench makes the inputs of the radiomics benchmarks and runs voxgene extract on them, as a user would: from process start to the
// written table. It prints the rows of docs/benchmarks.md.
//
//	go run ./features/radiomics/bench                             makes, runs and prints
//	go run ./features/radiomics/bench -dir DIR -make              makes the inputs only
//	go run ./features/radiomics/bench -dir DIR -voxgene OLD,NEW   programs in turn, which a shared machine needs
//
// With VOXGENE_ORACLES set, brain1 of PyRadiomics' test cases runs too, as one program and in a batch of sixty.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/voxgene/voxgene/features/radiomics/bench/inputs"
)

func main() {
	dir := flag.String("dir", "", "folder of the inputs, which are made where it lacks them (default: a temporary one)")
	only := flag.Bool("make", false, "make the inputs and run nothing")
	programs := flag.String("voxgene", "", "programs to run in turn, with commas between (default: one built of this source)")
	runs := flag.Int("runs", 5, "how often; the least CPU time and the greatest memory count")
	flag.Parse()
	if err := bench(*dir, *only, *programs, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(dir string, only bool, programs string, runs int) error {
	scratch, err := os.MkdirTemp("", "radiomics-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if dir == "" {
		if only {
			return errors.New("-make wants -dir, the folder to write to")
		}
		dir = scratch
	}
	if err := prepare(dir); err != nil || only {
		return err
	}
	if programs == "" {
		programs = filepath.Join(scratch, "voxgene")
		build := exec.Command("go", "build", "-o", programs, "github.com/voxgene/voxgene/cmd/voxgene")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("building voxgene: %w", err)
		}
	}
	jobs, err := list(dir)
	if err != nil {
		return err
	}
	return table(os.Stdout, jobs, strings.Split(programs, ","), runs, filepath.Join(scratch, "features.csv"))
}

// Names of the inputs in their folder.
const (
	image, series  = "ct.nrrd", "ct-dicom"
	small, large   = "mask-50k.nrrd", "mask-500k.nrrd"
	whole, cropped = "filters.yaml", "filters-precrop.yaml"
	plain          = "plain.yaml"
	brains         = "brain1-sixty.csv"
)

const filters = "imageType: {Original: {}, Wavelet: {}, LoG: {sigma: [1.0, 2.0, 3.0, 4.0, 5.0]}}\n"

// prepare makes the inputs that a folder lacks.
func prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	ct := inputs.CT()
	text := func(s string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(s), 0o644) }
	}
	for _, in := range []struct {
		name string
		make func(path string) error
	}{
		{image, ct.WriteImage},
		{series, ct.WriteSeries},
		{small, func(path string) error { return ct.WriteMask(path, 50_000) }},
		{large, func(path string) error { return ct.WriteMask(path, 500_000) }},
		{whole, text(filters)},
		{plain, text("setting: {additionalInfo: false}\n")},
		{cropped, text(filters + "setting: {preCrop: true}\n")},
	} {
		path := filepath.Join(dir, in.name)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := in.make(path + ".part"); err != nil {
			return err
		}
		if err := os.Rename(path+".part", path); err != nil {
			return err
		}
	}
	return nil
}

// job is a command line of voxgene extract, and how many cases it is.
type job struct {
	name  string
	args  []string
	cases int
}

func list(dir string) ([]job, error) {
	in := func(name string) string { return filepath.Join(dir, name) }
	jobs := []job{
		{"107 features, CT, region of 50,000 voxels", []string{in(image), in(small)}, 1},
		{"the same, from the DICOM series", []string{in(series), in(small)}, 1},
		{"the same, without hashes (`additionalInfo: false`)", []string{in(image), in(small), "--params", in(plain)}, 1},
		{"107 features, CT, region of 500,000 voxels", []string{in(image), in(large)}, 1},
		{"1,316 features, 50,000 voxels, `preCrop: true`", []string{in(image), in(small), "--params", in(cropped)}, 1},
		{"1,316 features, 50,000 voxels, as on the whole image", []string{in(image), in(small), "--params", in(whole)}, 1},
	}
	oracles := os.Getenv("VOXGENE_ORACLES")
	if oracles == "" {
		return jobs, nil
	}
	img, mask := filepath.Join(oracles, "pyradiomics", "brain1_image.nrrd"), filepath.Join(oracles, "pyradiomics", "brain1_label.nrrd")
	batch := "Image,Mask\n" + strings.Repeat(img+","+mask+"\n", 60)
	if err := os.WriteFile(in(brains), []byte(batch), 0o644); err != nil {
		return nil, err
	}
	return append(jobs,
		job{"107 features, brain1 (gzipped NRRD), a program started for one", []string{img, mask}, 1},
		job{"the same, sixty copies in one batch, a case", []string{in(brains)}, 60}), nil
}

// table runs every job with every program in turn and writes a row each.
func table(w io.Writer, jobs []job, programs []string, runs int, output string) error {
	fmt.Fprintln(w, "| work | program | CPU s | MB |\n|---|---|---:|---:|")
	for _, j := range jobs {
		seconds, megabytes := make([]float64, len(programs)), make([]float64, len(programs))
		for i := range seconds {
			seconds[i] = math.Inf(1)
		}
		for range runs {
			for i, program := range programs {
				s, mb, err := run(program, append([]string{"extract", "-o", output}, j.args...))
				if err != nil {
					return fmt.Errorf("%s: %w", j.name, err)
				}
				seconds[i], megabytes[i] = min(seconds[i], s/float64(j.cases)), max(megabytes[i], mb)
			}
		}
		for i, program := range programs {
			fmt.Fprintf(w, "| %s | %s | %.4f | %.0f |\n", j.name, filepath.Base(program), seconds[i], megabytes[i])
		}
	}
	return nil
}

// run is the CPU time, user and system, and the greatest resident memory of a program.
func run(program string, args []string) (seconds, megabytes float64, err error) {
	c := exec.Command(program, args...)
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return 0, 0, err
	}
	if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		megabytes = float64(usage.Maxrss) / 1000
	}
	return (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds(), megabytes, nil
}

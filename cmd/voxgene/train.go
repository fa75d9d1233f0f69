package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/voxgene/voxgene/features/phantom"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models/neural"
	"github.com/voxgene/voxgene/train"
	"github.com/voxgene/voxgene/train/config"
)

func trainCommand() *cobra.Command {
	var set []string
	var out, against string
	resume := false
	c := &cobra.Command{
		Use:   "train CONFIG",
		Short: "Train models from an experiment file and report how well they do on patients they have not seen",
		Long: `Train from an experiment file: read the cohort, judge the procedure on folds of patients with everything fitted inside the fold, make
the final choice, refit on all patients.

It leaves, in the output folder: model.voxgene (the bundle that predict, explain and serve read), report.html, metrics.json,
predictions.csv (out of fold), features.parquet and run.json.

"voxgene train phantom", where no file of that name exists, makes a synthetic cohort in the output folder and trains on it.

Settings come from the file, then VOXGENE_OUTPUT, VOXGENE_JOBS, VOXGENE_SEED and VOXGENE_BACKEND, then flags. Exit code 0: done; 1: the work
failed, or some patients' files could not be used; 2: the command line, the experiment or its data need repair.`,
		Example: `  voxgene train phantom
  voxgene train experiment.yaml
  voxgene train experiment.yaml --set models.0.alpha=0.5 --set validation.repeats=10 --out runs/second
  voxgene train experiment.yaml --resume --jobs 2`,
		Args: exactly(1, "an experiment file, or phantom"),
		RunE: func(c *cobra.Command, args []string) error {
			e, err := experiment(c, args[0], out, set)
			if err != nil {
				return badInput(err)
			}
			stderr := c.ErrOrStderr()
			if err := useBackend(c, e.Backend); err != nil {
				return err
			}
			p := newProgress(stderr)
			s, err := promptly(c.Context(), func() (*train.Summary, error) {
				return train.Run(c.Context(), e, train.Options{Resume: resume, Against: against, Backend: neural.Other(), Log: p, Progress: p.step})
			})
			p.done()
			var wrong *train.InputError
			switch {
			case errors.As(err, &wrong):
				return badInput(err)
			case errors.Is(err, context.Canceled):
				again := ""
				if out != "" {
					again = " --out " + out
				}
				for _, s := range set {
					again += " --set '" + s + "'"
				}
				if name := c.Flag("backend").Value.String(); name != "" {
					again += " --backend " + name
				}
				return fmt.Errorf("stopped; go on with: voxgene train %s%s --resume", args[0], again)
			case s == nil:
				return err
			}
			if e := headline(c.OutOrStdout(), s); e != nil {
				return e
			}
			return err
		},
	}
	c.Flags().StringVar(&out, "out", "", "folder for the results (default: output of the file, or runs/NAME)")
	c.Flags().StringArrayVar(&set, "set", nil, "change the experiment: key=value, such as models.0.trees=100; may be repeated")
	c.Flags().BoolVar(&resume, "resume", false, "go on from the work that a stopped run in the same folder finished")
	c.Flags().StringVar(&against, "against", "", "folder of an earlier run to compare the headline with")
	c.Flags().Int("jobs", 0, "fits at once; 0 is one a processor")
	c.Flags().Uint64("seed", 0, "seed of every random draw")
	c.Flags().String("backend", "", backendUsage)
	return c
}

// experiment reads the experiment that the command line names, and lays the run settings over it.
func experiment(c *cobra.Command, name, out string, set []string) (*config.Experiment, error) {
	if info, err := os.Stat(name); name == "phantom" && (err != nil || info.IsDir()) {
		if out == "" {
			out = filepath.Join("runs", "phantom")
		}
		var err error
		if name, err = makePhantom(c.Context(), filepath.Join(out, "cohort"), c.ErrOrStderr()); err != nil {
			return nil, err
		}
	}
	e, err := config.ReadFile(name, set)
	if err != nil {
		return nil, err
	}
	if err := e.Layer(c.Flags()); err != nil {
		return nil, err
	}
	if out != "" {
		e.Output = out
	}
	return e, nil
}

// makePhantom writes the synthetic cohort into a folder, unless it is there, and returns its experiment file.
func makePhantom(ctx context.Context, dir string, log io.Writer) (string, error) {
	file := filepath.Join(dir, "experiment.yaml")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	start := time.Now()
	o := phantom.Defaults()
	cohort, err := phantom.New(o)
	if err != nil {
		return "", err
	}
	if err := cohort.Write(ctx, dir, work.Pool{}); err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(log, "made a synthetic cohort of %d patients in %s (%.1f s)\n", o.Patients, dir, time.Since(start).Seconds())
	return file, err
}

// headline prints what a run found.
func headline(w io.Writer, s *train.Summary) error {
	for _, o := range s.Outcomes {
		if _, err := fmt.Fprintf(w, "%s: ", o.Name); err != nil {
			return err
		}
		text := "no measure of discrimination in this scheme"
		if o.Measure != "" {
			text = fmt.Sprintf("%s %.3f", o.Measure, o.Estimate.Value)
			if !math.IsNaN(o.Estimate.Low) {
				text += fmt.Sprintf(" (%.3f to %.3f, %s)", o.Estimate.Low, o.Estimate.High, o.Interval)
			}
		}
		if _, err := fmt.Fprintf(w, "%s; kept: %s\n", text, o.Selected); err != nil {
			return err
		}
		for _, line := range o.Lines {
			if _, err := fmt.Fprintf(w, "  %s\n", line); err != nil {
				return err
			}
		}
		for _, warning := range o.Warnings {
			if _, err := fmt.Fprintf(w, "  warning: %s\n", warning); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(w, "%d fits in %.1f s; results in %s\n", s.Fits, s.Seconds, s.Output)
	return err
}

// sayEvery is how often a stage under way says how far it is where there is no terminal.
const sayEvery = 30 * time.Second

// progress shows how far a stage is: a bar on a terminal, a line now and then and at its end otherwise, with the time left. Lines of the log go above the bar.
type progress struct {
	w     io.Writer
	tty   bool
	mu    sync.Mutex
	stage string
	total int
	since time.Time
	said  time.Time // when the last line of a stage under way was written
	bar   *progressbar.ProgressBar
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, tty: ok && term.IsTerminal(int(f.Fd()))}
}

// Write passes a line of the log on.
func (p *progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear() // the bar is drawn again with its next step
	}
	return p.w.Write(b)
}

// step is called as the parts of a stage are done.
func (p *progress) step(stage string, done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if stage != p.stage || total != p.total {
		p.stage, p.total, p.since, p.said = stage, total, time.Now(), time.Now()
		if p.tty {
			p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(stage), progressbar.OptionShowCount(),
				progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
		}
	}
	if p.bar != nil {
		_ = p.bar.Set(done) // a bar that cannot be drawn is no reason to stop
	} else if done == total && total > 1 {
		fmt.Fprintf(p.w, "%s: %d done in %.1f s\n", stage, total, time.Since(p.since).Seconds())
	} else if done > 0 && done < total && time.Since(p.said) > sayEvery {
		p.said = time.Now()
		left := time.Duration(float64(time.Since(p.since)) / float64(done) * float64(total-done))
		fmt.Fprintf(p.w, "%s: %d of %d done, about %s left\n", stage, done, total, left.Round(time.Second))
	}
	if done == total {
		p.bar = nil
	}
}

func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

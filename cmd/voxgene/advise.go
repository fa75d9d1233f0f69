package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/advice"
	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/radiomics/batch"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/work"
)

func adviseCommand() *cobra.Command {
	var params string
	var jobs int
	c := &cobra.Command{
		Use:   "advise COHORT.yaml | BATCH.csv",
		Short: "What a cohort can and cannot carry, before anything is fitted",
		Long: `Looks at the scans, masks and outcomes of a cohort or experiment file, or at the scans of a batch file, and prints what to know and
to do before features are extracted: voxel sizes and whether texture belongs in slices, grey levels that the parameters would give, masks
with faults, scanners that stand apart, patients and events. Each line has its reason. Nothing is fitted. It exits with 0 whatever it
finds.`,
		Example: `  voxgene advise study.yaml
  voxgene advise cases.csv --params params.yaml`,
		Args: exactly(1, "a batch list or a cohort file"),
		RunE: func(c *cobra.Command, args []string) error {
			var lines []advice.Line
			var err error
			if strings.EqualFold(filepath.Ext(args[0]), ".csv") {
				lines, err = adviseBatch(c.Context(), args[0], params, jobs)
			} else if params != "" {
				err = badInput(errors.New("--params is for a batch file: the sources of a cohort name theirs"))
			} else {
				lines, err = adviseCohort(c.Context(), args[0], jobs)
			}
			if err != nil {
				return err
			}
			return printAdvice(c.OutOrStdout(), lines)
		},
	}
	c.Flags().StringVar(&params, "params", "", "of a batch file: PyRadiomics parameter file, or a preset")
	c.Flags().IntVar(&jobs, "jobs", 0, "cases at once (default: one a processor)")
	return c
}

// look looks at scans on the pool, in order.
func look(ctx context.Context, jobs, n int, one func(i int) advice.Scan) ([]advice.Scan, error) {
	scans := make([]advice.Scan, n)
	items := make([]work.Item, n)
	for i := range items {
		items[i] = work.Item{Name: fmt.Sprintf("case %d", i+1), Do: func(context.Context) ([]byte, error) {
			scans[i] = one(i)
			return nil, nil
		}}
	}
	results, err := work.Pool{Jobs: jobs}.Run(ctx, items)
	if err != nil {
		return nil, err
	}
	return scans, work.Errors(results)
}

func adviseBatch(ctx context.Context, path, params string, jobs int) ([]advice.Line, error) {
	p, err := readParams(params)
	if err != nil {
		return nil, badInput(err)
	}
	cases, _, err := batch.ReadList(path)
	if err != nil {
		return nil, badInput(err)
	}
	scans, err := look(ctx, jobs, len(cases), func(i int) advice.Scan {
		label := p.Label
		if len(cases[i].Labels) > 0 {
			label = cases[i].Labels[0]
		}
		name := cases[i].Image
		for _, key := range []string{"ID", "Patient", "PatientID"} {
			if v := cases[i].Extra[key]; v != "" {
				name = v
			}
		}
		in := open.Image{Path: cases[i].Image, Layer: max(cases[i].Layer, p.LabelChannel, 0)}
		m, err := in.MaskFor(cases[i].Mask, label)
		if err != nil {
			return advice.Scan{Patient: name, Fault: fmt.Errorf("mask: %w", err)}
		}
		return advice.Look(name, cases[i].Extra["Batch"], in, m, label, p.CorrectMask)
	})
	if err != nil {
		return nil, err
	}
	return advice.Images(filepath.Base(path), "", false, scans, p), nil
}

func adviseCohort(ctx context.Context, path string, jobs int) ([]advice.Line, error) {
	n, err := settings.ReadFile(path)
	if err != nil {
		return nil, badInput(err)
	}
	var problems settings.Problems
	cfg := cohort.Decode(n, &problems)
	if err := problems.Err(); err != nil {
		return nil, badInput(err)
	}
	base := filepath.Dir(path)
	pairs, absent, err := cfg.ImagePairs(base)
	if err != nil {
		return nil, badInput(err)
	}
	scans, err := look(ctx, jobs, len(pairs), func(i int) advice.Scan {
		p := pairs[i]
		in, m, err := p.Plan.Scan(p.Image, p.Mask)
		if err != nil {
			return advice.Scan{Patient: p.Patient, Batch: p.Batch, Fault: err}
		}
		return advice.Look(p.Patient, p.Batch, in, m, 1, p.Plan.Grid != "" && p.Plan.Grid != "same")
	})
	if err != nil {
		return nil, err
	}
	var lines []advice.Line
	for from := 0; from < len(pairs); {
		to := from
		for to < len(pairs) && pairs[to].Source == pairs[from].Source {
			to++
		}
		lines = append(lines, advice.Images(pairs[from].Source, pairs[from].Modality, pairs[from].Plan.Normalise != nil, scans[from:to],
			pairs[from].Plan.Parameters)...)
		from = to
	}
	for _, a := range absent {
		lines = append(lines, advice.Line{About: "cohort", Problem: true, Text: a.Patient + " lacks " + a.Reason, Reason: "a missing image is a missing source, never filled in"})
	}
	tables := cfg.Tables()
	if len(tables.Sources) > 0 || len(tables.Outcomes) > 0 {
		c, err := cohort.Load(ctx, tables, base, work.Pool{Jobs: jobs})
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil { // its scans can be judged all the same
			return append(lines, advice.Line{About: "cohort", Problem: true, Text: err.Error(), Reason: "training would stop here"}), nil
		}
		columns := len(c.Table.Columns)
		for _, s := range cfg.Sources {
			if s.Kind == "images" {
				columns += 107 * len(radiomicsImages(pairs, s.Name))
			}
		}
		lines = append(lines, advice.Outcomes(c.Outcomes, columns)...)
	}
	return lines, nil
}

// radiomicsImages are the image types that a source would extract.
func radiomicsImages(pairs []cohort.ImagePair, source string) []radiomics.ImageType {
	for _, p := range pairs {
		if p.Source == source {
			return p.Plan.Parameters.Images
		}
	}
	return nil
}

// printAdvice prints problems first.
func printAdvice(w io.Writer, lines []advice.Line) error {
	advice.Sort(lines)
	problems := 0
	for _, l := range lines {
		mark := " "
		if l.Problem {
			mark = "!"
			problems++
		}
		if _, err := fmt.Fprintf(w, "%s %s: %s\n      because: %s\n", mark, l.About, l.Text, l.Reason); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d lines, %d of them problems\n", len(lines), problems)
	return err
}

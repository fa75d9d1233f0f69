package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/train/association"
)

func associateCommand() *cobra.Command {
	var out string
	var set []string
	jobs := 0
	c := &cobra.Command{
		Use:   "associate CONFIG",
		Short: "Map which image features go with which genes, with error control",
		Long: `Test every column of one side of a cohort against every column of the other, as a rule image features against genes, from the
association block of an experiment file. Models are not needed in that file.

It leaves, in the output folder: association.parquet (every pair), found.csv (pairs within the level, strongest first), association.json (the
summary) and map.html (heat map, volcano, links, values of a pair; one page that needs no network).`,
		Example: "  voxgene associate experiment.yaml\n  voxgene associate experiment.yaml --set association.method=pearson --set association.permutations=1000 --out runs/map",
		Args:    exactly(1, "an experiment file"),
		RunE: func(c *cobra.Command, args []string) error {
			start := time.Now()
			run, err := readAssociation(args[0], set)
			if err != nil {
				return badInput(err)
			}
			if out == "" {
				out = run.output
			}
			data, err := cohort.Load(c.Context(), run.cohort, filepath.Dir(args[0]), work.Pool{Jobs: jobs})
			if err != nil {
				return badInput(err)
			}
			m, err := association.Run(c.Context(), data.Table, data.Sites, run.association, run.seed.Split("association"), jobs)
			if err != nil {
				return badInput(err)
			}
			s, err := m.Write(out, run.name, data.Table)
			if err != nil {
				return err
			}
			for _, note := range append(data.Notes, s.Notes...) {
				fmt.Fprintln(c.ErrOrStderr(), "note:", note)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%d × %d columns, %d patients: %d of %d pairs within %s %g; results in %s (%.1f s)\n",
				s.X, s.Y, s.Patients, s.Found, s.Tested, s.Adjust, s.Level, out, time.Since(start).Seconds())
			if err == nil && len(data.Failures) > 0 {
				return fmt.Errorf("%d patients have files that could not be used, such as %s: %s", len(data.Failures), data.Failures[0].Patient, data.Failures[0].Reason)
			}
			return err
		},
	}
	c.Flags().StringVar(&out, "out", "", "folder for the results (default: output of the file, or runs/NAME)")
	c.Flags().StringArrayVar(&set, "set", nil, "change the experiment: key=value, such as association.method=pearson; may be repeated")
	c.Flags().IntVar(&jobs, "jobs", 0, "threads; 0 uses every processor")
	return c
}

// associationRun is the part of an experiment file that the map needs.
type associationRun struct {
	name, output string
	seed         work.Seed
	cohort       cohort.Config
	association  association.Config
}

func readAssociation(path string, set []string) (associationRun, error) {
	root, err := settings.ReadFile(path)
	if err != nil {
		return associationRun{}, err
	}
	for _, s := range set {
		if err := root.Set(s); err != nil {
			return associationRun{}, err
		}
	}
	var p settings.Problems
	general := struct {
		Name   string                    `yaml:"name,required"`
		Seed   uint64                    `yaml:"seed"`
		Output string                    `yaml:"output"`
		Rest   map[string]*settings.Node `yaml:",rest"` // what training reads
	}{}
	settings.Decode(root, &general, &p)
	r := associationRun{name: general.Name, output: general.Output, seed: work.Seed(general.Seed)}
	if r.output == "" {
		r.output = filepath.Join("runs", general.Name)
	}
	r.cohort = cohort.Decode(root, &p)
	r.association = association.Decode(root.Get("association"), &p)
	return r, p.Err()
}

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/train/association"
)

func associateCommand() *cobra.Command {
	var out, study, predictions string
	var set []string
	jobs := 0
	c := &cobra.Command{
		Use:   "associate CONFIG",
		Short: "Map which image features go with which genes, with error control",
		Long: `Test every column of one side of a cohort against every column of the other, as a rule image features against genes, from the
association block of an experiment file. Models are not needed in that file.

It leaves, in the output folder: association.parquet (every pair), found.csv (pairs within the level, strongest first), association.json (the
summary), map.html (heat map, volcano, links, values of a pair; one page that needs no network), heat.svg and volcano.svg; and where they are asked
for sets.csv (gene sets), modules.csv and replication.csv (a second cohort). With --cbioportal also the files that bring the radiomics, and with
--predictions the risks of a training run, into a study of cBioPortal.`,
		Example: `  voxgene associate experiment.yaml
  voxgene associate experiment.yaml --set association.method=pearson --set association.permutations=1000 --out runs/map
  voxgene associate experiment.yaml --set association.sets.file=hallmark.gmt --set association.replicate=second.yaml
  voxgene associate experiment.yaml --cbioportal my_study --predictions runs/glioma/predictions.csv`,
		Args: exactly(1, "an experiment file"),
		RunE: func(c *cobra.Command, args []string) error {
			start := time.Now()
			run, err := readAssociation(args[0], set)
			if err != nil {
				return badInput(err)
			}
			if out == "" {
				out = run.output
			}
			data, err := cohort.Load(c.Context(), run.cohort, run.dir, work.Pool{Jobs: jobs})
			if err != nil {
				return badInput(err)
			}
			m, err := run.associate(c.Context(), data, jobs)
			if err != nil {
				return badInput(err)
			}
			s, err := m.Write(out, run.name, data.Table, run.seed.Split("bootstrap"))
			if err != nil {
				return err
			}
			if study != "" {
				if err := writeCBioPortal(out, study, predictions, data, run.association.X); err != nil {
					return badInput(err)
				}
			}
			for _, note := range append(data.Notes, s.Notes...) {
				fmt.Fprintln(c.ErrOrStderr(), "note:", note)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%d × %d columns, %d patients: %d of %d pairs within %s %g; results in %s (%.1f s)\n",
				s.X, s.Y, s.Patients, s.Found, s.Tested, s.Adjust, s.Level, out, time.Since(start).Seconds())
			if r := s.Replication; err == nil && r != nil {
				_, err = fmt.Fprintf(c.OutOrStdout(), "second cohort: %d of %d pairs tested again are found there too (%.0f %%)\n", r.Replicated, r.Tested, r.Percent())
			}
			if err == nil && len(data.Failures) > 0 {
				return fmt.Errorf("%d patients have files that could not be used, such as %s: %s", len(data.Failures), data.Failures[0].Patient, data.Failures[0].Reason)
			}
			return err
		},
	}
	c.Flags().StringVar(&out, "out", "", "folder for the results (default: output of the file, or runs/NAME)")
	c.Flags().StringArrayVar(&set, "set", nil, "change the experiment: key=value, such as association.method=pearson; may be repeated")
	c.Flags().IntVar(&jobs, "jobs", 0, "threads; 0 uses every processor")
	c.Flags().StringVar(&study, "cbioportal", "", "write the x side as a Generic Assay profile for this cBioPortal study; the files name patients")
	c.Flags().StringVar(&predictions, "predictions", "", "predictions.csv of a training run, whose risks go along with --cbioportal")
	return c
}

// associationRun is the part of an experiment file that the map needs.
type associationRun struct {
	name, output, dir string
	seed              work.Seed
	cohort            cohort.Config
	association       association.Config
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
	r := associationRun{name: general.Name, output: general.Output, dir: filepath.Dir(path), seed: work.Seed(general.Seed)}
	if r.output == "" {
		r.output = filepath.Join("runs", general.Name)
	}
	r.cohort = cohort.Decode(root, &p)
	r.association = association.Decode(root.Get("association"), &p)
	return r, p.Err()
}

// path is where an input of the experiment lies.
func (r associationRun) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.dir, name)
}

// associate makes the map and what goes with it: gene sets, a second cohort.
func (r associationRun) associate(ctx context.Context, data *cohort.Cohort, jobs int) (*association.Map, error) {
	seed := r.seed.Split("association")
	m, err := association.Run(ctx, sidesOf(data), r.association, seed, jobs)
	if err != nil {
		return nil, err
	}
	if file := r.association.Sets.File; file != "" {
		sets, err := genes.ReadGMT(r.path(file))
		if err != nil {
			return nil, err
		}
		if err := m.Enrich(ctx, sets, data.Sites, seed.Split("sets"), jobs); err != nil {
			return nil, err
		}
	}
	if file := r.association.Replicate; file != "" {
		second, err := readAssociation(r.path(file), nil)
		if err != nil {
			return nil, err
		}
		again, err := cohort.Load(ctx, second.cohort, second.dir, work.Pool{Jobs: jobs})
		if err != nil {
			return nil, fmt.Errorf("second cohort: %w", err)
		}
		if err := m.Replicate(ctx, sidesOf(again), seed, jobs); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func sidesOf(data *cohort.Cohort) association.Cohort {
	return association.Cohort{Table: data.Table, Outcomes: data.Outcomes, Site: data.Sites}
}

func writeCBioPortal(dir, study, predictions string, data *cohort.Cohort, groups []string) error {
	var risks []association.Risk
	if predictions != "" {
		var err error
		if risks, err = association.ReadRisks(predictions); err != nil {
			return err
		}
	}
	return association.WriteCBioPortal(dir, study, data.Table, groups, risks)
}

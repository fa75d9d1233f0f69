package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/phantom"
	"github.com/voxgene/voxgene/features/work"
)

func phantomCommand() *cobra.Command {
	o := phantom.Defaults()
	seed, plant, jobs := uint64(o.Seed), string(o.Plant), 0
	c := &cobra.Command{
		Use:   "phantom DIR",
		Short: "Make a synthetic cohort with known links between images, genes and outcomes",
		Long: `Make a synthetic cohort: scans and masks (NIfTI), expression, a clinical table, and an experiment file that trains on them.
What is planted is written to truth.json: every pair of image feature and gene that is not independent, with its correlation in the
population, and the causes of subtype and survival.

--plant additive     subtype from the lesion's texture and a gene (the default)
--plant texture      subtype from texture alone, in lesions of equal first-order histogram
--plant interaction  subtype from the product of an image feature and a gene; neither alone says anything

With --lesions 3 and --plant texture each patient has one to three lesions, side by side in one scan, and each lesion a subtype and a texture of its own;
lesions.csv has them, and the experiment file has a row a lesion.`,
		Example: "  voxgene phantom cohort\n  voxgene phantom cohort --patients 200 --plant texture --seed 7\n  voxgene phantom cohort --plant texture --lesions 3",
		Args:    exactly(1, "the folder to write to"),
		RunE: func(c *cobra.Command, args []string) error {
			o.Seed, o.Plant = work.Seed(seed), phantom.Plant(plant)
			cohort, err := phantom.New(o)
			if err != nil {
				return badInput(err)
			}
			if err := cohort.Write(c.Context(), args[0], work.Pool{Jobs: jobs}); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%d patients in %s; train on them with: voxgene train %s/experiment.yaml\n", o.Patients, args[0], args[0])
			return err
		},
	}
	c.Flags().IntVar(&o.Patients, "patients", o.Patients, "number of patients")
	c.Flags().IntVar(&o.Genes, "genes", o.Genes, "number of genes")
	c.Flags().Uint64Var(&seed, "seed", seed, "seed of every random draw")
	c.Flags().StringVar(&plant, "plant", plant, "what causes the subtype: additive, texture or interaction")
	c.Flags().IntVar(&o.Lesions, "lesions", o.Lesions, "most lesions of a patient, each with a subtype of its own")
	c.Flags().IntVar(&jobs, "jobs", 0, "files written at once; 0 uses every processor")
	return c
}

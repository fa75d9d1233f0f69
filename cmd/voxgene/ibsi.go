package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/radiomics"
)

func ibsiCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ibsi",
		Short: "The standard of the Image Biomarker Standardisation Initiative",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use:   "check",
		Short: "Compute the digital phantom and compare every value that has a consensus",
		Long: `Computes every feature of the digital phantom (5 × 4 × 4 voxels, CC BY 4.0, github.com/theibsi/data_sets) for which the Image
Biomarker Standardisation Initiative reached a consensus, and prints value, reference, tolerance and verdict. It exits with 1 when a
value, rounded to three digits, lies outside its tolerance.`,
		Example: "  voxgene ibsi check",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			checked, err := radiomics.CheckPhantom()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "feature\tvalue\treference\ttolerance\tverdict")
			missed := 0
			for _, x := range checked {
				verdict := "agrees"
				if !x.Agrees {
					verdict = "MISSES"
					missed++
				}
				fmt.Fprintf(w, "%s\t%.6g\t%g\t%g\t%s\n", x.Tag, x.Value, x.Reference, x.Tolerance, verdict)
			}
			if err := w.Flush(); err != nil {
				return err
			}
			if missed > 0 {
				return fmt.Errorf("%d of %d values miss their reference", missed, len(checked))
			}
			fmt.Fprintf(c.OutOrStdout(), "%d values, all within their tolerances\n", len(checked))
			return nil
		},
	})
	return c
}

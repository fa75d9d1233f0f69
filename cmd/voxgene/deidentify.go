package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/deidentify"
)

func deidentifyCommand() *cobra.Command {
	var keyFile string
	c := &cobra.Command{
		Use:   "deidentify FOLDER|ARCHIVE.zip OUT --key FILE",
		Short: "Take out of a cohort's DICOM files what names a patient",
		Long: `Write every DICOM file of a folder or zip archive to a new folder without what names its patient: the basic profile of PS3.15 with the options
that retain patient characteristics, dates (shifted by as many days for all of a patient, so that intervals and SUV stay) and safe private
attributes. Texts stay only where they are known to be harmless. UIDs are replaced alike in every file.

Pseudonyms, shifts and UIDs come from the key file, which is made where it is not there: keep it, and keep it apart. Files that may show a
name (burned-in text, secondary captures, documents) are not written and are listed; so is every file that is not DICOM. Scans of the head are
flagged in OUT/deidentified.json: a face can be made of them, and it is not taken off here.`,
		Example: "  voxgene deidentify scans clean --key study.key\n  voxgene deidentify export.zip clean --key study.key",
		Args:    exactly(2, "a folder or archive, and the folder to write to"),
		RunE: func(c *cobra.Command, args []string) error {
			if keyFile == "" {
				return badInput(fmt.Errorf("--key names the key file, which is made where it is not there"))
			}
			key, err := deidentify.ReadKey(keyFile)
			if err != nil {
				return badInput(err)
			}
			r, err := (&deidentify.Profile{Key: key}).Folder(c.Context(), args[0], args[1])
			if err != nil {
				return badInput(err)
			}
			for _, l := range r.Left {
				if _, err := fmt.Fprintf(c.ErrOrStderr(), "not written: %s: %s\n", l.Path, l.Reason); err != nil {
					return err
				}
			}
			quarantined := 0
			for _, reason := range slices.Sorted(maps.Keys(r.Quarantined)) {
				quarantined += r.Quarantined[reason]
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%d files: %d written of %d patients, %d the same as another, %d quarantined, %d no DICOM; %d series may show a face\n",
				r.Files, r.Written, r.Patients, r.Twice, quarantined, r.Other, len(r.Faces))
			if err == nil && quarantined > 0 {
				err = fmt.Errorf("%d files are quarantined: see above and %s", quarantined, deidentify.ReportFile)
			}
			return err
		},
	}
	c.Flags().StringVar(&keyFile, "key", "", "key file, made where it is not there")
	return c
}

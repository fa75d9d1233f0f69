package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/deidentify"
)

func deidentifyCommand() *cobra.Command {
	var keyFile string
	var retain []string
	var profile deidentify.Profile
	c := &cobra.Command{
		Use:   "deidentify FOLDER|ARCHIVE.zip OUT --key FILE",
		Short: "Take out of a cohort's files what names a patient",
		Long: `Write the DICOM files, tables, NIfTI and NRRD files of a folder or zip archive to a new folder without what names a patient.

DICOM goes by Table E.1-1 of PS3.15: the basic profile with the options that clean descriptors and the content of structured reports, and retain patient characteristics, dates (shifted by as
many days for all of a patient, so that intervals and SUV stay) and safe private attributes. UIDs are replaced alike in every file. --table shows, for
every attribute of the table, its codes.

In tables, the columns named by --id hold identifiers; they get the same pseudonyms, their dates the same shifts, and what may be free text is emptied
unless --keep names the column. NIfTI and NRRD files are told by the identifier in their path, and lose comments, free texts and extensions.

Pseudonyms, shifts and UIDs come from the key file, which is made where it is not there: keep it, and keep it apart. Files that may show a
name (burned-in text, secondary captures, encapsulated documents) are not written and are listed; so is every file of another kind. Scans of the head are
flagged in OUT/deidentified.json: a face can be made of them, and it is not taken off here.`,
		Example: "  voxgene deidentify scans clean --key study.key\n  voxgene deidentify cohort clean --key study.key --id patient,case_id --keep 'HGVS*'\n  voxgene deidentify export.zip clean --key study.key --retain devices",
		Args: func(c *cobra.Command, args []string) error {
			if table, err := c.Flags().GetBool("table"); err == nil && table {
				return exactly(0, "nothing beside --table")(c, args)
			}
			return exactly(2, "a folder or archive, and the folder to write to")(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return printTable(c.OutOrStdout())
			}
			for _, r := range retain {
				switch r {
				case "devices":
					profile.Devices = true
				case "institutions":
					profile.Institutions = true
				default:
					return badInput(fmt.Errorf("--retain %s: want devices or institutions", r))
				}
			}
			if keyFile == "" {
				return badInput(fmt.Errorf("--key names the key file, which is made where it is not there"))
			}
			key, err := deidentify.ReadKey(keyFile)
			if err != nil {
				return badInput(err)
			}
			profile.Key = key
			r, err := profile.Folder(c.Context(), args[0], args[1])
			if err != nil {
				return badInput(err)
			}
			for _, l := range r.Left {
				if _, err := fmt.Fprintf(c.ErrOrStderr(), "not written: %s: %s\n", l.Path, l.Reason); err != nil {
					return err
				}
			}
			for _, col := range r.Columns {
				if _, err := fmt.Fprintf(c.ErrOrStderr(), "%s: column %s: %s\n", col.Table, col.Column, col.Done); err != nil {
					return err
				}
			}
			quarantined := 0
			for _, reason := range slices.Sorted(maps.Keys(r.Quarantined)) {
				quarantined += r.Quarantined[reason]
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%d files: %d written of %d patients, %d the same as another, %d quarantined, %d of other kinds; %d series or files may show a face\n",
				r.Files, r.Written+r.Scans+r.Tables, r.Patients, r.Twice, quarantined, r.Other, len(r.Faces))
			if err == nil && quarantined > 0 {
				err = fmt.Errorf("%d files are quarantined: see above and %s", quarantined, deidentify.ReportFile)
			}
			return err
		},
	}
	c.Flags().StringVar(&keyFile, "key", "", "key file, made where it is not there")
	c.Flags().StringSliceVar(&profile.ID, "id", []string{"patient"}, "columns of tables that hold identifiers of patients")
	c.Flags().StringSliceVar(&profile.Keep, "keep", nil, "columns of tables, as globs, that are not emptied")
	c.Flags().StringSliceVar(&retain, "retain", nil, "options of PS3.15 beside those in force: devices (stations, serial numbers), institutions")
	c.Flags().Bool("table", false, "print Table E.1-1 with the codes of each attribute, and nothing else")
	return c
}

// printTable prints Table E.1-1, tab-separated.
func printTable(w io.Writer) error {
	if _, err := fmt.Fprintln(w, "tag\tname\tbasic\tretain safe private\tretain uids\tretain device\tretain institution\tretain patient\tfull dates\tmodified dates\tclean descriptors\tclean structured\tclean graphics"); err != nil {
		return err
	}
	for _, r := range deidentify.Table() {
		_, err := fmt.Fprintln(w, strings.Join([]string{r.Tag, r.Name, r.Basic, r.SafePrivate, r.UIDs, r.Device, r.Institution, r.Patient, r.FullDates, r.ModifiedDates, r.CleanDescriptors, r.CleanStructured, r.CleanGraphics}, "\t"))
		if err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/configs"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/radiomics/batch"
	"github.com/voxgene/voxgene/features/radiomics/perturb"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/work"
)

// extraction is the command line of extract.
type extraction struct {
	params, output, cache string
	profile, mapped       string
	series, suv           string
	labels                []string
	jobs                  int
	voxelwise             bool
	draws                 int
	changes               []string
	seed                  uint64
	sources               []string
}

func extractCommand() *cobra.Command {
	var x extraction
	c := &cobra.Command{
		Use:   "extract IMAGE MASK | BATCH.csv | COHORT.yaml",
		Short: "Radiomics features of the regions of a mask",
		Long: `Computes PyRadiomics' features of the labelled regions of a mask, one row a label, under PyRadiomics' names.

A batch is a CSV with the columns Image and Mask, and Label where it differs; other columns are passed through. Paths in it are
relative to it. A case that fails is listed at the end and the others go on.

A cohort is an experiment file: its sources of kind images are extracted, a row a patient. --sources takes others too: the table that
train learns from and predict reads, from gene files and clinical tables as they are. What was left out, and why, is printed.

--profile ibsi computes the features of the Image Biomarker Standardisation Initiative instead, under the tags of its reference values.`,
		Example: `  voxgene extract scan.nii.gz mask.nii.gz
  voxgene extract scan.nrrd mask.nrrd --params ct --label 1 --label 2 -o features.csv
  voxgene extract scan.nrrd mask.nrrd --map original_firstorder_Energy -o energy.nii.gz
  voxgene extract ct-folder RS.dcm --label 1
  voxgene extract cases.csv --params params.yaml --jobs 4 --cache work -o features.parquet
  voxgene extract study.yaml -o features.parquet
  voxgene extract study.yaml --sources rna,mutations -o genes.csv`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 2 || len(args) == 1 && strings.EqualFold(filepath.Ext(args[0]), ".csv") || ofCohort(args) {
				return nil
			}
			return badInput(errors.New("extract wants an image and a mask, one .csv with the columns Image and Mask, or one .yaml with a cohort and sources of images"))
		},
		RunE: func(c *cobra.Command, args []string) error {
			// What lives is small beside what a case leaves behind, so that collecting less often costs little memory and saves time.
			if os.Getenv("GOGC") == "" {
				defer debug.SetGCPercent(debug.SetGCPercent(400))
			}
			return x.run(c.Context(), args, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&x.params, "params", "", "PyRadiomics parameter file, or a preset: "+strings.Join(configs.RadiomicsNames(), ", "))
	c.Flags().StringVar(&x.profile, "profile", "pyradiomics", "definitions: pyradiomics; ibsi, whose parameter file has keys of its own and whose dictionary is written beside the output; or conventional, for RECIST axes, volume, SUV and percentiles")
	c.Flags().StringArrayVar(&x.labels, "label", nil, "label of the region; repeat for several, or all (default: that of the parameters, 1)")
	c.Flags().StringVar(&x.series, "series", "", "which series of a DICOM folder, as in a configuration: '{series_description: \"*flair*\", echo_time: [80, 140]}'")
	c.Flags().StringVar(&x.suv, "suv", "", "PET as SUV by bw (the default), lbm, lbm_janma or bsa; none leaves it")
	c.Flags().StringVarP(&x.output, "output", "o", "", "file to write: .csv, .json or .parquet (default: CSV to standard output)")
	c.Flags().IntVar(&x.jobs, "jobs", 0, "cases at once (default: one a processor)")
	c.Flags().StringVar(&x.mapped, "map", "", "write where in the region this feature comes from, as NIfTI (-o map.nii.gz), in place of a table")
	c.Flags().IntVar(&x.draws, "perturb", 0, "extract so many changed copies of each region as well, and write how well features last beside the output")
	c.Flags().StringSliceVar(&x.changes, "perturb-kinds", perturb.Names, "which changes")
	c.Flags().Uint64Var(&x.seed, "seed", 1, "of the changes")
	c.Flags().BoolVar(&x.voxelwise, "voxelwise", false, "with --map: the feature of the neighbourhood of each voxel instead, PyRadiomics' voxel-based mode (voxelSetting)")
	c.Flags().StringSliceVar(&x.sources, "sources", nil, "of a cohort: the sources to read, or all (default: those of kind images)")
	c.Flags().StringVar(&x.cache, "cache", "", "folder that keeps what was extracted, so that a second run does nothing")
	return c
}

// run extracts one pair or a batch, writes what came of it, and reports what failed.
func (x *extraction) run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if ofCohort(args) {
		pool, err := x.pool()
		if err != nil {
			return err
		}
		return x.cohort(ctx, args[0], pool, stdout, stderr)
	}
	method, label, layer, err := x.method()
	if err != nil {
		return badInput(err)
	}
	labels, err := parseLabels(x.labels, label)
	if err != nil {
		return badInput(err)
	}
	if x.voxelwise && x.mapped == "" {
		return badInput(errors.New("--voxelwise wants --map FEATURE"))
	}
	if x.mapped != "" {
		return x.writeMap(args, labels, stderr)
	}
	cases, extra := []batch.Case{{}}, []string(nil)
	if len(args) == 2 {
		cases[0].Image, cases[0].Mask = args[0], args[1]
	} else if cases, extra, err = batch.ReadList(args[0]); err != nil {
		return badInput(err)
	}
	rules, suv, err := x.choice()
	if err != nil {
		return badInput(err)
	}
	for i := range cases {
		cases[i].Series, cases[i].SUV = rules, suv
		if len(args) == 2 || cases[i].Layer < 0 {
			cases[i].Layer = layer
		}
		if cases[i].Labels == nil {
			cases[i].Labels = labels
		}
	}
	if x.output != "" {
		switch strings.ToLower(filepath.Ext(x.output)) {
		case ".csv", ".json", ".parquet":
		default:
			return badInput(fmt.Errorf("-o %s: want a name that ends in .csv, .json or .parquet", x.output))
		}
	}
	pool, err := x.pool()
	if err != nil {
		return err
	}
	if f, ok := stderr.(*os.File); ok && len(cases) > 1 && terminal(f) {
		bar := progressbar.NewOptions(len(cases), progressbar.OptionSetWriter(f), progressbar.OptionSetDescription("cases"))
		pool.Progress = func(done, _ int) { _ = bar.Set(done) }
		defer bar.Finish()
	}
	if x.draws > 0 {
		return x.perturbed(ctx, cases, extra, method, pool, stdout, stderr)
	}
	outcomes, err := batch.Run(ctx, cases, method, pool)
	if err != nil {
		return err
	}
	sheet := batch.NewSheet(cases, extra, outcomes)
	if err := x.write(sheet, stdout); err != nil {
		return err
	}
	warn(stderr, cases, outcomes)
	return failures(cases, outcomes)
}

// choice reads --series and --suv.
func (x *extraction) choice() (*dicom.Rules, dicom.SUV, error) {
	suv := dicom.SUV(x.suv)
	if err := suv.Validate(); err != nil {
		return nil, suv, fmt.Errorf("--suv: %w", err)
	}
	if x.series == "" {
		return nil, suv, nil
	}
	n, err := settings.Parse("--series", []byte(x.series))
	if err != nil {
		return nil, suv, err
	}
	var rules dicom.Rules
	var p settings.Problems
	settings.Decode(n, &rules, &p)
	return &rules, suv, p.Err()
}

// pool runs cases, with a store where a cache is named.
func (x *extraction) pool() (work.Pool, error) {
	pool := work.Pool{Jobs: x.jobs}
	var err error
	if x.cache != "" {
		pool.Store, err = work.OpenStore(x.cache)
	}
	return pool, err
}

// method is the profile with its parameters, and the label and the layer of the mask that they name.
func (x *extraction) method() (m batch.Method, label, layer int, err error) {
	switch x.profile {
	case "pyradiomics":
		p, err := readParams(x.params)
		return batch.PyRadiomics(p), p.Label, p.LabelChannel, err
	case "ibsi":
		if x.params == "" {
			return batch.Standard(radiomics.DefaultStandard()), 1, 0, nil
		}
		s, err := radiomics.ReadStandard(x.params)
		return batch.Standard(s), 1, 0, err
	}
	if x.profile == "conventional" {
		if x.params != "" {
			return batch.Method{}, 0, 0, errors.New("--profile conventional has no parameters: it measures the image as it is")
		}
		return batch.Conventional(), 1, 0, nil
	}
	return batch.Method{}, 0, 0, fmt.Errorf("--profile %s: want pyradiomics, ibsi or conventional", x.profile)
}

// write writes the sheet, if it has a row, and, by the standard's definitions, its dictionary beside it.
func (x *extraction) write(s *batch.Sheet, stdout io.Writer) error {
	if len(s.Rows) == 0 {
		return nil
	}
	if x.output == "" {
		return s.Write(stdout, ".csv")
	}
	var b bytes.Buffer
	if err := s.Write(&b, x.output); err != nil {
		return err
	}
	if err := work.WriteFile(x.output, b.Bytes(), 0o644); err != nil || x.profile != "ibsi" {
		return err
	}
	b.Reset()
	if err := s.Dictionary(&b); err != nil {
		return err
	}
	return work.WriteFile(x.beside(".dictionary.csv"), b.Bytes(), 0o644)
}

// beside is the name of a file that belongs to the output.
func (x *extraction) beside(suffix string) string {
	return strings.TrimSuffix(x.output, filepath.Ext(x.output)) + suffix
}

// warn says of each case what was left out of its rows, or done to it.
func warn(w io.Writer, cases []batch.Case, outcomes []batch.Outcome) {
	for i, o := range outcomes {
		for _, n := range o.Notes() {
			fmt.Fprintf(w, "warning: %s: %s\n", cases[i].Image, n)
		}
	}
}

// failures lists what could not be extracted.
func failures(cases []batch.Case, outcomes []batch.Outcome) error {
	var all []error
	failed := 0
	for i, o := range outcomes {
		if o.Err == nil && o.Errors == nil {
			continue
		}
		failed++
		if o.Err != nil {
			all = append(all, o.Err)
		}
		for _, e := range o.Errors {
			all = append(all, fmt.Errorf("%s: %w", cases[i].Image, e))
		}
	}
	if all == nil {
		return nil
	}
	if len(cases) > 1 {
		all = append(all, fmt.Errorf("%d of %d cases failed", failed, len(cases)))
	}
	return errors.Join(all...)
}

// readParams reads a parameter file or a preset; without a name, PyRadiomics' defaults hold.
func readParams(name string) (radiomics.Params, error) {
	if name == "" {
		return radiomics.DefaultParams(), nil
	}
	if strings.ContainsAny(name, `./\`) {
		return radiomics.ReadParams(name)
	}
	b, err := configs.Radiomics(name)
	if err != nil {
		return radiomics.Params{}, fmt.Errorf("--params: %w; a parameter file is named with its extension", err)
	}
	return radiomics.ParseParams("preset "+name, b)
}

// parseLabels reads --label: numbers, or all for every label of the mask, which is no label here.
func parseLabels(texts []string, label int) ([]int, error) {
	if len(texts) == 0 {
		return []int{label}, nil
	}
	var out []int
	for _, text := range texts {
		if text == "all" && len(texts) == 1 {
			return nil, nil
		}
		for _, part := range strings.Split(text, ",") {
			l, err := strconv.Atoi(part)
			if err != nil || l < 1 || l > 65535 {
				return nil, fmt.Errorf("--label %s: want whole numbers of 1 to 65535, or all", text)
			}
			out = append(out, l)
		}
	}
	return out, nil
}

// terminal says whether a file is one.
func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

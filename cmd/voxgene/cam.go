package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	plan "github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/explain"
)

// gradCAM is the method of voxgene cam that only it has.
const gradCAM = "grad_cam"

// camFlags are the command line of voxgene cam.
type camFlags struct {
	source, outcome, class, output string
	patient, row, method, scale    string
	at                             []string
	prepared, sanity               bool
}

func camCommand() *cobra.Command {
	var f camFlags
	c := &cobra.Command{
		Use:   "cam BUNDLE IMAGE MASK | BUNDLE COHORT.yaml --patient ID",
		Short: "Show where in a patient's scan a network found what it predicts",
		Long: `Writes a map of one patient on the grid of the scan, as NIfTI. The bundle makes the crop from the files as training did. With an image and
a mask every other source counts as absent; with a cohort file and --patient all sources of that patient are read.

grad_cam (default) is 0 and up, highest where the network found what speaks for the class (the last by default) or for risk.
Where each lesion is a row of the model, --row names the lesion that the map is of, and its crop is about that lesion alone.

expected_gradients and integrated_gradients give what each voxel contributed, with its sign: with the contributions of columns, which
voxgene explain lists, voxels sum to the estimate but for the gap that is printed. Of several sources, one map each is written to the folder
that -o names.

With --sanity the maps themselves are put to the test over the patients of a cohort file, twenty of them at most, and the folder that -o names gets
the numbers and figures: layers are randomised from the last to the first, and a map that shows what was learnt changes (its rank correlation
with the first falls); and voxels are removed by their place in the map and replaced by what their neighbours say (ROAD), the most important
first, the least important first, and in any order.

A map shows what the network used for this estimate, not what causes the outcome, and not that the network is right.`,
		Example: `  voxgene cam runs/glioma/model.voxgene flair.nii.gz mask.nii.gz -o map.nii.gz
  voxgene cam runs/glioma/model.voxgene flair/ seg.dcm --source flair --outcome idh --class 1 -o map.nii.gz
  voxgene cam runs/glioma/model.voxgene cohort.yaml --patient P7 --method expected_gradients -o maps/
  voxgene cam runs/glioma/model.voxgene cohort.yaml --sanity -o sanity/`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 2 {
				return nil
			}
			return exactly(3, "a bundle, an image and a mask, or a bundle and a cohort file")(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if f.output == "" {
				return badInput(fmt.Errorf("name the file to write with -o"))
			}
			b, err := bundle.Open(args[0])
			if err != nil {
				return badInput(err)
			}
			if f.sanity {
				return f.examine(c, b, args[1:])
			}
			b, scans, x, err := f.read(c, b, args[1:])
			if err != nil {
				return badInput(err)
			}
			if f.method == gradCAM {
				return f.gradCAM(b, scans, x)
			}
			return f.gradients(c, b, scans, x)
		},
	}
	c.Flags().StringVar(&f.source, "source", "", "source of the bundle that the scan is for (default: the only one with crops)")
	c.Flags().StringVar(&f.outcome, "outcome", "", "outcome (default: the first)")
	c.Flags().StringVar(&f.class, "class", "", "class that the map speaks for (default: the last)")
	c.Flags().StringVar(&f.method, "method", gradCAM, "grad_cam, expected_gradients or integrated_gradients")
	c.Flags().StringVar(&f.scale, "scale", "", "of gradients: log-odds, probability, log-hazard, survival or \"cumulative hazard\" (default: the model's own)")
	c.Flags().StringSliceVar(&f.at, "at", nil, "of gradients: the time at which survival is explained, such as 12mo, in place of the risk")
	c.Flags().BoolVar(&f.sanity, "sanity", false, "test the maps of a cohort file's patients, and write what comes out to the folder of -o")
	c.Flags().StringVar(&f.patient, "patient", "", "the patient of a cohort file")
	c.Flags().StringVar(&f.row, "row", "", "the lesion or visit of the patient, of a model whose rows are these")
	c.Flags().StringVarP(&f.output, "output", "o", "", "NIfTI file to write, or a folder for maps of several sources")
	c.Flags().BoolVar(&f.prepared, "prepared", false, "the files were prepared as the experiment says")
	return c
}

// read makes the row of one patient, and the scans that maps are written for.
func (f *camFlags) read(c *cobra.Command, b *bundle.Bundle, args []string) (*bundle.Bundle, []scanned, models.Matrix, error) {
	var none models.Matrix
	if len(args) == 2 {
		s, err := cropSource(b, f.source)
		if err != nil {
			return nil, nil, none, err
		}
		one, err := scanOf(c.Context(), s, plan.Files{Image: args[0], Mask: args[1], Prepared: f.prepared}, f.row)
		if err != nil {
			return nil, nil, none, err
		}
		x, err := oneScan(b, s, one.result)
		return b, []scanned{one}, x, err
	}
	if ext := strings.ToLower(filepath.Ext(args[0])); ext != ".yaml" && ext != ".yml" || f.patient == "" {
		return nil, nil, none, fmt.Errorf("give an image and its mask, or a cohort file (.yaml) and --patient")
	}
	b, t, x, err := readCohort(c.Context(), b, args[0])
	if err != nil {
		return nil, nil, none, err
	}
	i, err := theRow(b, t, f.patient, f.row, args[0])
	if err != nil {
		return nil, nil, none, err
	}
	x = x.Select([]int{i})
	scans, err := scansOf(c.Context(), b, args[0], t.Keys[i], x)
	return b, scans, x, err
}

// only are the scans of the source asked for.
func (f *camFlags) only(scans []scanned) ([]scanned, error) {
	if f.source == "" {
		return scans, nil
	}
	out := slices.DeleteFunc(slices.Clone(scans), func(s scanned) bool { return s.source.Name != f.source })
	if len(out) == 0 {
		return nil, badInput(fmt.Errorf("the patient has no image of a source %q", f.source))
	}
	return out, nil
}

// gradCAM writes the one map of the crop on the grid of each scan that the crop was made of.
func (f *camFlags) gradCAM(b *bundle.Bundle, scans []scanned, x models.Matrix) error {
	maps, err := b.Locate(x, f.outcome, f.class)
	if err != nil {
		return badInput(err)
	}
	if maps[0] == nil || !slices.ContainsFunc(maps[0], func(v float32) bool { return v > 0 }) {
		return fmt.Errorf("the map is 0 everywhere: the network found nothing that speaks for the class; another --class may show what it went by")
	}
	if scans, err = f.only(scans); err != nil {
		return err
	}
	if isNIfTI(f.output) {
		return scans[0].write(f.output, maps[0], false)
	}
	for i := range scans {
		path := filepath.Join(f.output, fileSafe(scans[i].source.Name)+".nii.gz")
		if err := os.MkdirAll(f.output, 0o700); err != nil {
			return err
		}
		if err := scans[i].write(path, maps[0], false); err != nil {
			return err
		}
	}
	return nil
}

// gradients writes what each voxel contributed, and prints the sums.
func (f *camFlags) gradients(c *cobra.Command, b *bundle.Bundle, scans []scanned, x models.Matrix) error {
	if !slices.Contains([]string{explain.ExpectedGradients, explain.IntegratedGradients}, f.method) {
		return badInput(fmt.Errorf("--method is %s, %s or %s, not %q", gradCAM, explain.ExpectedGradients, explain.IntegratedGradients, f.method))
	}
	e := &bundle.Explain{Method: f.method, Scale: f.scale, Maps: true, GroupBy: "source"}
	var err error
	if e.At, err = parseTimes(f.at); err != nil || len(e.At) > 1 {
		return badInput(fmt.Errorf("--at is one time with its unit, such as 12mo: %v", f.at))
	}
	r := bundle.Request{Explain: e}
	if f.outcome != "" {
		r.Outcomes = []string{f.outcome}
	} else {
		r.Outcomes = []string{b.Outcomes[0].Name}
	}
	answers, err := b.Predict(c.Context(), x, r)
	if err != nil {
		return badInput(err)
	}
	list := answers[0].Outcomes[0].Explanations
	at := len(list) - 1
	if f.class != "" {
		if at = slices.IndexFunc(list, func(e bundle.Explanation) bool { return e.Class == f.class }); at < 0 {
			return badInput(fmt.Errorf("class %q is not explained by itself; of two classes the last is, and contributions to the first have the other sign", f.class))
		}
	}
	if at < 0 {
		return badInput(fmt.Errorf("outcome %s has no explanation", r.Outcomes[0]))
	}
	got := list[at]
	parts := got.Images
	if f.source != "" {
		parts = slices.DeleteFunc(slices.Clone(parts), func(p models.ImagePart) bool { return p.Source != f.source })
	}
	paths, err := writeParts(f.output, scans, parts)
	if err != nil {
		return err
	}
	for i, p := range parts {
		fmt.Fprintf(c.OutOrStdout(), "%s: the image contributed %s\n", paths[i], number(p.Value))
	}
	fmt.Fprintf(c.OutOrStdout(), "base %s, %s %s, gap %s\n", number(got.Base), got.Scale, number(got.Output), number(got.Gap))
	for _, w := range answers[0].Warnings {
		if w.Code == bundle.ExplanationGap {
			fmt.Fprintln(c.ErrOrStderr(), "warning:", w.Message)
		}
	}
	return nil
}

// cropSource is the source of a bundle that makes crops.
func cropSource(b *bundle.Bundle, name string) (*plan.Source, error) {
	var names []string
	found := -1
	for i, s := range b.Sources {
		if s.Volume != nil {
			names = append(names, s.Name)
			if name == "" || s.Name == name {
				found = i
			}
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no model of the bundle reads an image, so there is no map; voxgene explain says what columns contributed")
	}
	if found < 0 || name == "" && len(names) > 1 {
		return nil, fmt.Errorf("name one of the sources that make crops with --source: %v", names)
	}
	return &b.Sources[found], nil
}

// oneScan is the row of a patient of whom one scan is known.
func oneScan(b *bundle.Bundle, s *plan.Source, r plan.Result) (models.Matrix, error) {
	t := table.New([]table.Key{{Patient: "patient"}})
	for _, f := range r.Features {
		if err := t.Add(table.Column{Name: f.Name, Source: s.Name}, []float64{f.Value}); err != nil {
			return models.Matrix{}, err
		}
	}
	x, err := b.Align(t)
	if err != nil {
		return x, err
	}
	x.Volumes = []models.Volumes{{Source: s.Name, Channels: s.Volume.Channels(), Size: [3]int(s.Volume.Size), Spacing: [3]float64(s.Volume.Spacing), Values: r.Crop, Crop: []int{0}}}
	return x, nil
}

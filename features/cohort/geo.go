package cohort

import (
	"slices"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
)

// A table of patients, of features or of outcomes may be a GEO series matrix: its rows are the samples, its columns their accession (sample),
// title and characteristics.

// isSeries reports whether a file is a GEO series matrix. A file that cannot be opened is for the reader to complain of.
func isSeries(path string) bool {
	format, err := formatOf(path)
	return err == nil && format == "geo"
}

func readTable(path string, o table.Options) (*table.Table, error) {
	if !isSeries(path) {
		return table.Read(path, o)
	}
	b, err := genes.SeriesTable(path)
	if err != nil {
		return nil, err
	}
	return table.ReadText(path, b, ofSeries(o))
}

func readTexts(path string, o table.Options) (*table.Texts, error) {
	if !isSeries(path) {
		return table.ReadTexts(path, o)
	}
	b, err := genes.SeriesTable(path)
	if err != nil {
		return nil, err
	}
	return table.ParseTexts(path, b, ofSeries(o))
}

// ofSeries names patients by accession, where nothing else is asked for.
func ofSeries(o table.Options) table.Options {
	if o.Key == "" {
		o.Key = "sample"
	}
	if o.Separator = ','; o.Key == "title" && len(o.Columns) == 0 {
		o.Drop = append(slices.Clip(o.Drop), "sample") // another name of the row, and no feature
	} else if len(o.Columns) == 0 {
		o.Drop = append(slices.Clip(o.Drop), "title")
	}
	return o
}

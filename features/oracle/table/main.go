// Command table turns the rows that oracle tests leave into docs/validation.md:
//
//	rm -rf rows && mkdir rows
//	VOXGENE_VALIDATION=$PWD/rows go test -count=1 ./...
//	go run ./features/oracle/table rows > docs/validation.md
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/voxgene/voxgene/features/oracle"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: table FOLDER")
		os.Exit(2)
	}
	rows, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	print(rows)
}

func read(dir string) ([]oracle.Row, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no rows: run the tests with VOXGENE_VALIDATION, VOXGENE_ORACLES and VOXGENE_COHORTS set", dir)
	}
	var all []oracle.Row
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var rows []oracle.Row
		if err := json.Unmarshal(b, &rows); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		all = append(all, rows...)
	}
	slices.SortStableFunc(all, func(a, b oracle.Row) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.Quantity, b.Quantity), cmp.Compare(a.Configuration, b.Configuration))
	})
	return all, nil
}

func print(rows []oracle.Row) {
	fmt.Println("# Validation")
	fmt.Println()
	fmt.Println("Every number that a test compares with a reference we did not write. This page is generated from a run of the tests")
	fmt.Println("(see features/oracle/table); the error is the largest of the values compared.")
	last, values, failed := "", 0, 0
	for _, r := range rows {
		if r.Package != last {
			last = r.Package
			fmt.Printf("\n## %s\n\n| quantity | configuration | reference | values | tolerance | worst error |\n|---|---|---|---:|---:|---:|\n", r.Package)
		}
		kind := "absolute"
		if r.Relative {
			kind = "relative"
		}
		fmt.Printf("| %s | %s | %s | %d | %.0e %s | %s |\n", r.Quantity, r.Configuration, r.Reference, r.Count, r.Tolerance, kind, worst(r))
		values += r.Count
		failed += r.Failed
	}
	fmt.Printf("\n%d values compared, %d outside their tolerance.\n", values, failed)
}

// worst rounds the error up to a power of ten below 1e-9: the digits there differ from one processor to the next.
func worst(r oracle.Row) string {
	switch {
	case r.Failed > 0:
		return fmt.Sprintf("%.1e (%d outside)", r.Worst, r.Failed)
	case r.Worst < 1e-9:
		return "< 1e-9"
	}
	return fmt.Sprintf("%.1e", r.Worst)
}

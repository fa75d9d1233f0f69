// Package oracle is the tests' measure of correctness: agreement with numbers from the field's reference implementations.
//
// A test opens the reference data with Data or Cohort, compares with a Check, and each Check leaves one row: quantity,
// configuration, reference, tolerance, worst error, count. The rows of a run become docs/validation.md (go run ./features/oracle/table).
// A package that has such tests runs them through Main, which fails when fewer or more values were compared than the package is
// known to have, so that none is lost in silence. Only tests import this package.
package oracle

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Row says how well one quantity agrees with its reference.
type Row struct {
	Package       string  `json:"package"`
	Quantity      string  `json:"quantity"`      // first-order features
	Configuration string  `json:"configuration"` // brain1, default
	Reference     string  `json:"reference"`     // PyRadiomics 8ed5793
	Tolerance     float64 `json:"tolerance"`
	Relative      bool    `json:"relative"`
	Worst         float64 `json:"worst"` // largest error, in the unit of Tolerance
	Count         int     `json:"count"` // values compared
	Failed        int     `json:"failed"`
}

// Data returns the path of a file or folder of reference data, below VOXGENE_ORACLES. Without that variable the test is skipped.
func Data(t testing.TB, elements ...string) string { return below(t, "VOXGENE_ORACLES", elements) }

// Cohort returns the path of a file or folder of a real cohort, below VOXGENE_COHORTS. Without that variable the test is skipped.
func Cohort(t testing.TB, elements ...string) string { return below(t, "VOXGENE_COHORTS", elements) }

func below(t testing.TB, variable string, elements []string) string {
	t.Helper()
	root := os.Getenv(variable)
	if root == "" {
		t.Skipf("%s is not set: no reference data to compare with", variable)
	}
	path := filepath.Join(append([]string{root}, elements...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// validation is the variable that names the folder for rows.
const validation = "VOXGENE_VALIDATION"

// Check compares values of one quantity with their references.
type Check struct {
	t   testing.TB
	row Row
	// AbsoluteBelow switches a relative check to the absolute tolerance AbsoluteTolerance where the reference is smaller.
	AbsoluteBelow, AbsoluteTolerance float64
}

// Relative starts a check by relative error, |got−want| ≤ tolerance·|want|. The row is written when the test ends.
func Relative(t testing.TB, quantity, configuration, reference string, tolerance float64) *Check {
	return start(t, Row{Quantity: quantity, Configuration: configuration, Reference: reference, Tolerance: tolerance, Relative: true})
}

// Absolute starts a check by absolute error, |got−want| ≤ tolerance.
func Absolute(t testing.TB, quantity, configuration, reference string, tolerance float64) *Check {
	return start(t, Row{Quantity: quantity, Configuration: configuration, Reference: reference, Tolerance: tolerance})
}

func start(t testing.TB, r Row) *Check {
	// go test only knows that a result depends on a variable that is read while a test runs, and would give a cached one that left no rows.
	_ = os.Getenv(validation)
	c := &Check{t: t, row: r}
	t.Cleanup(func() {
		if c.row.Count == 0 {
			t.Errorf("oracle %s, %s: nothing was compared", r.Quantity, r.Configuration)
		}
		record(c.row)
	})
	return c
}

// Near compares one value; name says which, for the message. Two NaN, or the same infinity, agree.
func (c *Check) Near(name string, got, want float64) {
	c.t.Helper()
	c.row.Count++
	err := math.Abs(got - want)
	tolerance := c.row.Tolerance
	switch {
	case got == want || math.IsNaN(got) && math.IsNaN(want):
		return
	case !c.row.Relative:
	case math.Abs(want) < c.AbsoluteBelow:
		err, tolerance = err/c.AbsoluteTolerance*c.row.Tolerance, c.row.Tolerance // in units of the tolerance
	default:
		err /= math.Abs(want)
	}
	if math.IsNaN(err) {
		err = math.Inf(1)
	}
	c.row.Worst = max(c.row.Worst, err)
	if !(err <= tolerance) {
		c.row.Failed++
		if c.row.Failed <= 20 {
			c.t.Errorf("%s, %s: %s: got %.12g, want %.12g (error %.2g, tolerance %.2g)", c.row.Quantity, c.row.Configuration, name, got, want, err, tolerance)
		}
	}
}

var (
	mu   sync.Mutex
	rows []Row
)

func record(r Row) {
	mu.Lock()
	defer mu.Unlock()
	rows = append(rows, r)
}

// Main runs a package's tests, for its TestMain: os.Exit(oracle.Main(m, "features/radiomics", 812)). With VOXGENE_ORACLES set and
// the whole package asked for, it fails unless exactly that number of values was compared. With VOXGENE_VALIDATION naming a
// folder, it leaves the rows there.
func Main(m *testing.M, pkg string, compared int) int {
	flag.Parse()
	dir, oracles := os.Getenv(validation), os.Getenv("VOXGENE_ORACLES")
	code := m.Run()
	count := 0
	for i := range rows {
		rows[i].Package = pkg
		count += rows[i].Count
	}
	whole := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" && !testing.Short() &&
		flag.Lookup("test.bench").Value.String() == "" && flag.Lookup("test.fuzz").Value.String() == "" && flag.Lookup("test.list").Value.String() == ""
	if whole && oracles != "" && flag.Lookup("test.count").Value.String() == "1" && count != compared {
		fmt.Printf("oracle: %s compared %d values with references; it has %d. If that is meant, change the number in its TestMain.\n", pkg, count, compared)
		return max(code, 1)
	}
	if dir != "" && whole && len(rows) > 0 {
		b, err := json.MarshalIndent(rows, "", " ")
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, strings.ReplaceAll(pkg, "/", "-")+".json"), b, 0o644)
		}
		if err != nil {
			fmt.Println("oracle:", err)
			return max(code, 1)
		}
	}
	return code
}

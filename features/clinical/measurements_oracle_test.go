package clinical

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
)

var (
	dumpedNumber     = regexp.MustCompile(`<contains NUM:\(,,"([^"]*)"\)="([^"]*)" \((.*),UCUM,`)
	dumpedEvaluation = regexp.MustCompile(`<contains CODE:\(,,"([^"]*)"\)=\(([^,]*),[^,]*,"([^"]*)"\)`)
)

// Reports of pydicom 2.3.1 with explicit and with implicit types, and what DCMTK's dsrdump says that they hold. dsrdump prints
// NumericValue, which is cut to four digits after the point for a volume whose FloatingPointValue has them all.
func TestMeasurementReportOracle(t *testing.T) {
	numbers := oracle.Relative(t, "measurements of a report", "TID 1500 with 1410, 1411 and 1501", "pydicom, DCMTK dsrdump", 1e-8)
	words := oracle.Absolute(t, "units and evaluations of a report", "TID 1500 with 1410, 1411 and 1501", "pydicom, DCMTK dsrdump", 0)
	same := func(name, got, want string) {
		x := 0.0
		if got == want {
			x = 1
		} else {
			t.Logf("%s: %q, want %q", name, got, want)
		}
		words.Near(name, x, 1)
	}
	for _, name := range []string{"one", "two"} {
		r, err := ReadMeasurementReport("testdata/" + name + ".dcm")
		if err != nil {
			t.Fatal(err)
		}
		var measured []Measurement
		var said []Finding
		for _, g := range r.Groups {
			for _, m := range g.Measurements {
				if !math.IsNaN(m.Value) {
					measured = append(measured, m)
				}
			}
			said = append(said, g.Evaluations...)
		}
		b, err := os.ReadFile("testdata/" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if m := dumpedNumber.FindStringSubmatch(line); m != nil {
				if len(measured) == 0 {
					t.Fatalf("%s: %s is lacking", name, line)
				}
				want, err := strconv.ParseFloat(m[2], 64)
				if err != nil {
					t.Fatal(err)
				}
				unit := measured[0].Unit
				if unit == "" {
					unit = "1"
				}
				numbers.Near(name+" "+m[1], measured[0].Value, want)
				same(name+" "+m[1], measured[0].Code.Meaning+" "+unit, m[1]+" "+m[3])
				measured = measured[1:]
			}
			if m := dumpedEvaluation.FindStringSubmatch(line); m != nil && m[1] != "Finding" {
				if len(said) == 0 {
					t.Fatalf("%s: %s is lacking", name, line)
				}
				same(name+" "+m[1], said[0].Label+" "+said[0].Code+" "+said[0].Meaning, strings.Join(m[1:], " "))
				said = said[1:]
			}
		}
		if len(measured)+len(said) > 0 {
			t.Errorf("%s: beyond the dump: %v %v", name, measured, said)
		}
	}
}

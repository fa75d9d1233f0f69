package genes

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/table"
)

// Segment is a stretch of a chromosome with one copy number in a sample.
type Segment struct {
	Chromosome string // 1 to 22, X, Y
	Start, End float64
	Log2       float64 // log₂ of the copy number over two
}

// ReadSEG reads a segmented copy-number file (SEG of cBioPortal, the GDC or CBS), gzipped or not: columns for the sample, the
// chromosome, start, end and mean of each segment, under any of their usual names. A segment whose mean is missing covers nothing.
func ReadSEG(path string) (map[string][]Segment, error) {
	in, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	s := table.NewScanner(in)
	s.Plain, s.Comment = true, "#"
	if !s.Scan() {
		return nil, fmt.Errorf("%s: the file is empty", path)
	}
	var header []string
	for _, f := range s.Fields() {
		header = append(header, strings.ToLower(strings.Trim(strings.TrimSpace(string(f)), `"'`)))
	}
	var at [5]int
	for k, names := range [][]string{
		{"id", "sample", "gdc_aliquot", "sampleid", "sample_id"}, {"chrom", "chromosome", "chr"}, {"loc.start", "start", "start_position"},
		{"loc.end", "end", "end_position"}, {"seg.mean", "segment_mean", "mean"}} {
		at[k] = slices.IndexFunc(header, func(h string) bool { return slices.Contains(names, h) })
		if at[k] < 0 {
			return nil, fmt.Errorf("%s: no column named %s; the header has %s", path, strings.Join(names, " or "), strings.Join(header, ", "))
		}
	}
	out := map[string][]Segment{}
	var problems table.Problems
	for s.Scan() {
		f := s.Fields()
		if len(f) != len(header) {
			problems.Add(path, s.Line(), "", "%d fields where the header has %d", len(f), len(header))
			continue
		}
		var v [3]float64
		good := !table.IsMissing(f[at[4]])
		for k := range v {
			x, ok := table.Number(f[at[k+2]])
			if !ok && (k < 2 || good) {
				problems.Add(path, s.Line(), header[at[k+2]], "%q is not a number", clip(f[at[k+2]]))
				good = false
			}
			v[k] = x
		}
		if good && v[1] < v[0] {
			problems.Add(path, s.Line(), "", "the segment ends, at %g, before it starts, at %g", v[1], v[0])
			good = false
		}
		if good {
			sample := string(f[at[0]])
			out[sample] = append(out[sample], Segment{chromosomeName(string(f[at[1]])), v[0], v[1], v[2]})
		}
	}
	if s.Err() != nil {
		return nil, fmt.Errorf("%s: %w", path, s.Err())
	}
	return out, problems.Err()
}

func chromosomeName(s string) string {
	s = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "CHR")
	switch s {
	case "23":
		return "X"
	case "24":
		return "Y"
	}
	return s
}

// centromeres are the borders of the arms in megabases, of the cytogenetic bands of UCSC (p11 to q11), for chromosomes 1 to 22, X, Y.
var centromeres = map[string][24]float64{
	"GRCh37": {125, 93.3, 91, 50.4, 48.4, 61, 59.9, 45.6, 49, 40.2, 53.7, 35.8, 17.9, 17.6, 19, 36.6, 24, 17.2, 26.5, 27.5, 13.2, 14.7, 60.6, 12.5},
	"GRCh38": {123.4, 93.9, 90.9, 50, 48.8, 59.8, 60.1, 45.2, 43, 39.8, 53.4, 35.5, 17.7, 17.2, 19, 36.8, 25.1, 18.5, 26.2, 28.1, 12, 15, 61, 10.4},
}

var chromosomes = []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "X", "Y"}

// ArmRule says when an arm counts as lost or gained.
type ArmRule struct {
	Build string // GRCh37 or GRCh38
	// Loss and Gain are the log₂ ratios below and above which a segment is lost or gained; 0 means −0.2 and 0.2.
	Loss, Gain float64
	// Fraction of the covered arm that has to be lost or gained; 0 means 0.7.
	Fraction float64
	// Covered is the length of segments, in bases, that an arm needs for a call; 0 means 5,000,000.
	Covered float64
}

// Arms calls every arm, named 1p to 22q: −1 lost, 0 neither, 1 gained, NaN where too little of it is covered. Short arms of
// acrocentric chromosomes and sex chromosomes are left out.
func (r ArmRule) Arms(segments []Segment) (map[string]float64, error) {
	build, ok := centromeres[Build(r.Build)]
	if !ok {
		return nil, fmt.Errorf("the genome build decides where arms end; say GRCh37 or GRCh38, not %q", r.Build)
	}
	if r.Loss == 0 {
		r.Loss = -0.2
	}
	if r.Gain == 0 {
		r.Gain = 0.2
	}
	if r.Fraction == 0 {
		r.Fraction = 0.7
	}
	if r.Covered == 0 {
		r.Covered = 5e6
	}
	if !(r.Loss < 0 && r.Gain > 0 && r.Fraction > 0 && r.Fraction <= 1) {
		return nil, fmt.Errorf("arms: loss %g, gain %g, fraction %g: want below zero, above zero, and between zero and one", r.Loss, r.Gain, r.Fraction)
	}
	type length struct{ all, lost, gained float64 }
	of := map[string]*length{}
	for _, s := range segments {
		c := slices.Index(chromosomes, s.Chromosome)
		if c < 0 || c >= 22 {
			continue
		}
		centre := build[c] * 1e6
		for _, part := range []struct {
			arm      string
			from, to float64
		}{{"p", s.Start, min(s.End, centre)}, {"q", max(s.Start, centre), s.End}} {
			size := part.to - part.from
			if size <= 0 {
				continue
			}
			l := of[s.Chromosome+part.arm]
			if l == nil {
				l = &length{}
				of[s.Chromosome+part.arm] = l
			}
			l.all += size
			if s.Log2 <= r.Loss {
				l.lost += size
			}
			if s.Log2 >= r.Gain {
				l.gained += size
			}
		}
	}
	out := map[string]float64{}
	for _, name := range ArmNames() {
		l := of[name]
		switch {
		case l == nil || l.all < r.Covered:
			out[name] = math.NaN()
		case l.lost >= r.Fraction*l.all:
			out[name] = -1
		case l.gained >= r.Fraction*l.all:
			out[name] = 1
		default:
			out[name] = 0
		}
	}
	return out, nil
}

// ArmNames returns the arms that are called, in order.
func ArmNames() []string {
	var names []string
	for c, chromosome := range chromosomes[:22] {
		if acrocentric := c >= 12 && c <= 14 || c >= 20; !acrocentric {
			names = append(names, chromosome+"p")
		}
		names = append(names, chromosome+"q")
	}
	return names
}

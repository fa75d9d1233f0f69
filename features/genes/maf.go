package genes

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/table"
)

// silentClasses are the variant classes that cBioPortal leaves out by default when it loads a study. Mutations of the TERT promoter
// (5'Flank) are kept.
var silentClasses = []string{"Silent", "Intron", "IGR", "3'UTR", "5'UTR", "3'Flank", "5'Flank"}

// knownClasses are the variant classes of the MAF formats of the GDC and of cBioPortal, beside silentClasses.
var knownClasses = []string{"Frame_Shift_Del", "Frame_Shift_Ins", "In_Frame_Del", "In_Frame_Ins", "Missense_Mutation", "Nonsense_Mutation",
	"Splice_Site", "Splice_Region", "Translation_Start_Site", "Nonstop_Mutation", "RNA", "lincRNA", "Targeted_Region", "De_novo_Start_InFrame",
	"De_novo_Start_OutOfFrame", "Start_Codon_SNP", "Start_Codon_Ins", "Start_Codon_Del", "Stop_Codon_Del", "Stop_Codon_Ins", "Fusion", "Unknown"}

// MAFOptions say which rows of a mutation file count.
type MAFOptions struct {
	// Classes are the variant classes that count as mutations; nil takes all but those that cBioPortal leaves out by default.
	Classes []string
	// Germline counts mutations that Mutation_Status calls germline; without it they are left out.
	Germline bool
	// Carry are columns that go along with a mutation as they are written, such as Tier or Mutation_Status.
	Carry []string
	// Build, when not empty, is the genome build that every row has to have: GRCh37 or GRCh38.
	Build string
}

// Mutations are the mutations of samples. Each sample and gene is named once and calls refer to them by index.
type Mutations struct {
	Samples []string  // as named in the file, sorted
	Genes   []string  // sorted
	Calls   []Call    // sorted by sample, then gene
	Carried []Carried // sorted by sample, gene, column and text, each once
	// Count is the number of different variants that count, of each sample, for its burden.
	Count []int
	Build string // GRCh37 or GRCh38; empty where the file does not say
	Notes []string
}

// Call says that a sample has a mutation of a gene.
type Call struct{ Sample, Gene int32 }

// mafColumns are the columns used, the first five of which have to be there.
var mafColumns = []string{"Hugo_Symbol", "Variant_Classification", "Tumor_Sample_Barcode", "Start_Position", "Tumor_Seq_Allele2",
	"Chromosome", "End_Position", "Reference_Allele", "NCBI_Build", "Mutation_Status"}

const (
	mafGene = iota
	mafClass
	mafSample
	mafStart
	mafAllele
	mafChromosome
	mafEnd
	mafReference
	mafBuild
	mafStatus
)

// ReadMAF reads a mutation file (MAF of the GDC, of cBioPortal or of vcf2maf), gzipped or not, in one pass. Rows of another build
// than the first are errors: builds are never mixed. A variant that is there twice counts once.
func ReadMAF(path string, o MAFOptions) (*Mutations, error) {
	in, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	s := table.NewScanner(in)
	s.Separator, s.Plain, s.Comment = '\t', true, "#"
	if !s.Scan() {
		return nil, fmt.Errorf("%s: there is no header: %v", path, s.Err())
	}
	m := &mafReader{path: path, o: o, samples: names{at: map[string]int32{}}, genes: names{at: map[string]int32{}},
		seen: map[uint64]struct{}{}, classes: map[string]*class{}}
	if err := m.header(s.Fields()); err != nil {
		return nil, err
	}
	for s.Scan() {
		m.row(s.Fields(), s.Line())
	}
	if s.Err() != nil {
		return nil, fmt.Errorf("%s: %w", path, s.Err())
	}
	if err := m.problems.Err(); err != nil {
		return nil, err
	}
	return m.mutations(), nil
}

// names gives each name a number, in order of appearance.
type names struct {
	at   map[string]int32
	list []string
}

func (n *names) number(b []byte) int32 {
	if i, ok := n.at[string(b)]; ok { // the compiler makes no copy here
		return i
	}
	s := string(b)
	i := int32(len(n.list))
	n.at[s] = i
	n.list = append(n.list, s)
	return i
}

type class struct {
	counts, known, promoter bool
	out                     int // rows left out
}

type mafReader struct {
	path     string
	o        MAFOptions
	fields   [10]int // of mafColumns; -1 where the file has none
	width    int
	samples  names
	genes    names
	classes  map[string]*class
	calls    []Call
	count    []int
	seen     map[uint64]struct{} // variants, by hash
	build    string
	raw      []byte // the build as the last row wrote it
	germline int
	carry    []int // columns that are carried
	carried  []Carried
	problems table.Problems
}

func (m *mafReader) header(f [][]byte) error {
	m.width = len(f)
	names := make([]string, len(f))
	for j := range f {
		names[j] = strings.TrimSpace(string(f[j]))
	}
	var missing []string
	for k, want := range mafColumns {
		m.fields[k] = slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, want) })
		if m.fields[k] < 0 && k <= mafAllele {
			missing = append(missing, want)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s: the header lacks %s; a MAF is tab-separated and has them", m.path, strings.Join(missing, ", "))
	}
	return m.carriedColumns(names)
}

func (m *mafReader) row(f [][]byte, line int) {
	if len(f) != m.width {
		m.problems.Add(m.path, line, "", "%d fields where the header has %d", len(f), m.width)
		return
	}
	if j := m.fields[mafBuild]; j >= 0 && (m.raw == nil || !bytes.Equal(f[j], m.raw)) {
		m.checkBuild(f[j], line)
	}
	name := bytes.TrimSpace(f[m.fields[mafSample]])
	if len(name) == 0 {
		m.problems.Add(m.path, line, mafColumns[mafSample], "the sample is missing")
		return
	}
	sample := m.samples.number(name)
	for len(m.count) < len(m.samples.list) {
		m.count = append(m.count, 0)
	}
	if j := m.fields[mafStatus]; j >= 0 && !m.o.Germline && bytes.EqualFold(f[j], []byte("germline")) {
		m.germline++
		return
	}
	gene := f[m.fields[mafGene]]
	c := m.class(f[m.fields[mafClass]])
	if !c.counts && !(c.promoter && string(gene) == "TERT") {
		c.out++
		return
	}
	if v := m.variant(f, sample); v {
		m.count[sample]++
	}
	if len(gene) > 0 && string(gene) != "Unknown" && string(gene) != "." {
		c := Call{sample, m.genes.number(gene)}
		m.calls = append(m.calls, c)
		m.carryCells(f, c)
	}
}

// class returns what becomes of rows of a variant class.
func (m *mafReader) class(name []byte) *class {
	if c, ok := m.classes[string(name)]; ok {
		return c
	}
	s := string(name)
	c := &class{counts: !slices.Contains(silentClasses, s), promoter: s == "5'Flank"}
	c.known = !c.counts || slices.Contains(knownClasses, s)
	if m.o.Classes != nil {
		c.counts, c.promoter = slices.Contains(m.o.Classes, s), false
	}
	m.classes[s] = c
	return c
}

// variant reports whether the variant of a row is new to its sample.
func (m *mafReader) variant(f [][]byte, sample int32) bool {
	h := uint64(14695981039346656037) ^ uint64(sample) // FNV-1a, the same in every run
	for _, k := range [...]int{mafChromosome, mafStart, mafEnd, mafReference, mafAllele} {
		if j := m.fields[k]; j >= 0 {
			for _, c := range f[j] {
				h = (h ^ uint64(c)) * 1099511628211
			}
		}
		h = (h ^ '\t') * 1099511628211
	}
	if _, ok := m.seen[h]; ok {
		return false
	}
	m.seen[h] = struct{}{}
	return true
}

// Build returns the usual name of a genome build, GRCh37 or GRCh38, or "" where the text names neither.
func Build(text string) string {
	t := strings.ToLower(strings.TrimSpace(text))
	switch {
	case t == "37" || t == "hg19" || strings.HasPrefix(t, "grch37"):
		return "GRCh37"
	case t == "38" || t == "hg38" || strings.HasPrefix(t, "grch38"):
		return "GRCh38"
	}
	return ""
}

func (m *mafReader) checkBuild(text []byte, line int) {
	m.raw = bytes.Clone(text)
	b := Build(string(text))
	switch {
	case len(text) == 0:
	case b == "":
		m.problems.Add(m.path, line, mafColumns[mafBuild], "%q is not a genome build that is known here: GRCh37 or GRCh38", clip(text))
	case m.o.Build != "" && b != Build(m.o.Build):
		m.problems.Add(m.path, line, mafColumns[mafBuild], "the build is %s, and %s is wanted", b, m.o.Build)
	case m.build != "" && b != m.build:
		m.problems.Add(m.path, line, mafColumns[mafBuild], "the build is %s, and rows before are %s; builds are never mixed", b, m.build)
	default:
		m.build = b
	}
}

// mutations sorts what was read, so that the order of rows decides nothing.
func (m *mafReader) mutations() *Mutations {
	for i, name := range m.genes.list {
		m.genes.list[i], _ = Repaired(name)
	}
	out := &Mutations{Build: m.build}
	var sample, gene []int32
	out.Samples, sample = sortNames(m.samples.list)
	out.Genes, gene = sortNames(m.genes.list)
	out.Count = make([]int, len(out.Samples))
	for i, n := range m.count {
		out.Count[sample[i]] += n
	}
	for i := range m.calls {
		m.calls[i] = Call{sample[m.calls[i].Sample], gene[m.calls[i].Gene]}
	}
	slices.SortFunc(m.calls, compareCalls)
	for i := range m.carried {
		c := &m.carried[i]
		c.Call = Call{sample[c.Sample], gene[c.Gene]}
	}
	slices.SortFunc(m.carried, func(a, b Carried) int {
		return cmp.Or(compareCalls(a.Call, b.Call), cmp.Compare(a.Column, b.Column), strings.Compare(a.Text, b.Text))
	})
	out.Carried = slices.Compact(m.carried)
	out.Calls = slices.Clip(slices.Compact(m.calls))
	for _, name := range slices.Sorted(maps.Keys(m.classes)) {
		c := m.classes[name]
		if c.out > 0 {
			out.Notes = append(out.Notes, plural(c.out, "row", "rows")+" of class "+name+" left out")
		}
		if !c.known && m.o.Classes == nil {
			out.Notes = append(out.Notes, fmt.Sprintf("variant class %q is not one of the MAF formats; it counts as a mutation", name))
		}
	}
	if m.germline > 0 {
		out.Notes = append(out.Notes, plural(m.germline, "germline row", "germline rows")+" left out")
	}
	return out
}

func compareCalls(a, b Call) int {
	if a.Sample != b.Sample {
		return int(a.Sample - b.Sample)
	}
	return int(a.Gene - b.Gene)
}

// sortNames returns the different names sorted, and the new number of each old one.
func sortNames(list []string) (sorted []string, to []int32) {
	sorted = slices.Clone(list)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	to = make([]int32, len(list))
	for i, n := range list {
		k, _ := slices.BinarySearch(sorted, n)
		to[i] = int32(k)
	}
	return sorted, to
}

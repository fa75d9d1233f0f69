package genes

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// BenchmarkReadMatrix reads 20,000 genes × 1,000 samples of gzipped TSV, as TPM is written.
func BenchmarkReadMatrix(b *testing.B) {
	path := filepath.Join(b.TempDir(), "m.tsv.gz")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	z := gzip.NewWriter(f)
	r := rand.New(rand.NewPCG(1, 2))
	var line bytes.Buffer
	line.WriteString("gene")
	for s := range 1000 {
		fmt.Fprintf(&line, "\tTCGA-%02d-%04d-01A", s%100, s)
	}
	z.Write(line.Bytes())
	for g := range 20000 {
		line.Reset()
		fmt.Fprintf(&line, "\nG%d", g)
		for range 1000 {
			fmt.Fprintf(&line, "\t%.4f", r.ExpFloat64()*50)
		}
		z.Write(line.Bytes())
	}
	z.Close()
	f.Close()
	b.ResetTimer()
	for range b.N {
		m, err := ReadMatrix(path, ReadOptions{})
		if err != nil || len(m.Genes) != 20000 || len(m.Samples) != 1000 {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadMAF reads 1,000,000 mutations of 20 columns, 250 bytes a row.
func BenchmarkReadMAF(b *testing.B) {
	path := filepath.Join(b.TempDir(), "m.maf")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var t bytes.Buffer
	t.WriteString("Hugo_Symbol\tEntrez_Gene_Id\tCenter\tNCBI_Build\tChromosome\tStart_Position\tEnd_Position\tStrand\tVariant_Classification\tVariant_Type\t" +
		"Reference_Allele\tTumor_Seq_Allele1\tTumor_Seq_Allele2\tdbSNP_RS\tdbSNP_Val_Status\tTumor_Sample_Barcode\tMatched_Norm_Sample_Barcode\tHGVSc\tHGVSp\tMutation_Status\n")
	for i := range 1_000_000 {
		class := []string{"Missense_Mutation", "Silent", "Nonsense_Mutation", "3'UTR"}[r.IntN(4)]
		start := t.Len()
		fmt.Fprintf(&t, "GENE%d\t%d\tBI\tGRCh38\tchr%d\t%d\t%d\t+\t%s\tSNP\tA\tA\tT\trs%d\tby1000\tTCGA-%02d-%04d-01A-11D-A%03d-09\tTCGA-02-0001-10A-01D-A000-09\tc.%dA>T\tp.K%dN",
			r.IntN(20000), i, 1+r.IntN(22), r.IntN(2e8), r.IntN(2e8), class, r.IntN(1e9), i%5000%97, i%5000, i%5000%999, r.IntN(5000), r.IntN(1700))
		for t.Len()-start < 241 {
			t.WriteByte('x')
		}
		t.WriteString("\tSomatic\n")
		if t.Len() > 1<<20 {
			f.Write(t.Bytes())
			t.Reset()
		}
	}
	f.Write(t.Bytes())
	f.Close()
	b.ResetTimer()
	for range b.N {
		m, err := ReadMAF(path, MAFOptions{})
		if err != nil || len(m.Genes) != 20000 {
			b.Fatal(err)
		}
	}
}

// noise is genes × samples of standard normal values.
func noise(genes, samples int) (*Matrix, []string) {
	r := rand.New(rand.NewPCG(3, 4))
	m := &Matrix{Genes: make([]string, genes), Samples: make([]string, samples), Values: make([]float64, genes*samples)}
	batch := make([]string, samples)
	for g := range m.Genes {
		m.Genes[g] = fmt.Sprint("G", g)
	}
	for s := range m.Samples {
		m.Samples[s] = fmt.Sprint("s", s)
		batch[s] = fmt.Sprint("b", s%5)
	}
	for i := range m.Values {
		m.Values[i] = r.NormFloat64() + 8
	}
	return m, batch
}

// BenchmarkComBat fits and applies the parametric correction of five batches on 20,000 genes of 500 samples.
func BenchmarkComBat(b *testing.B) {
	m, batch := noise(20000, 500)
	for b.Loop() {
		c, err := FitComBat(m, batch, nil, ComBatOptions{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Apply(m, batch, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSSGSEA scores 50 sets of 100 genes on 20,000 genes of 500 samples.
func BenchmarkSSGSEA(b *testing.B) {
	m, _ := noise(20000, 500)
	var sets []Set
	for k := range 50 {
		sets = append(sets, Set{fmt.Sprint("S", k), m.Genes[k*300 : k*300+100]})
	}
	for b.Loop() {
		if _, err := SSGSEA(m, sets); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTMM fits and applies on counts of 20,000 genes of 500 samples.
func BenchmarkTMM(b *testing.B) {
	m, _ := noise(20000, 500)
	for i, v := range m.Values {
		m.Values[i] = float64(int(max(0, v*v*v)))
	}
	for b.Loop() {
		f, err := FitTMM(m)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.Apply(m); err != nil {
			b.Fatal(err)
		}
	}
}

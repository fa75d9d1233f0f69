package table

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
)

// written is a small Parquet file as others write it: with a dictionary, in pages of the given version and compression.
func written(t *testing.T, codec compress.Codec, version int) []byte {
	t.Helper()
	type row struct {
		Patient string  `parquet:"patient"`
		Stage   *string `parquet:"stage,dict,optional"`
		Age     float64 `parquet:"age,dict"`
		Size    *int32  `parquet:"size,optional"`
	}
	var out bytes.Buffer
	w := parquet.NewGenericWriter[row](&out, parquet.Compression(codec), parquet.DataPageVersion(version))
	stages, size := []string{"I", "II"}, int32(12)
	rows := []row{{"p1", &stages[0], 61, &size}, {"p2", nil, 47.5, nil}, {"p3", &stages[1], 61, &size}}
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// However a Parquet file is damaged, it is read or refused, and takes no more memory than a file of its length can need.
func TestDamagedParquet(t *testing.T) {
	for name, codec := range map[string]compress.Codec{"uncompressed": &parquet.Uncompressed, "snappy": &parquet.Snappy, "gzip": &parquet.Gzip, "zstd": &parquet.Zstd} {
		for version := 1; version <= 2; version++ {
			whole := written(t, codec, version)
			tab, err := ReadParquet(name, bytes.NewReader(whole), int64(len(whole)), Options{})
			if err != nil || tab.Rows() != 3 || len(tab.Columns) != 3 || tab.Values[1][1] != 47.5 || !Missing(tab.Values[2][1]) {
				t.Fatalf("%s, version %d: %v, %v", name, version, tab, err)
			}
			rng := rand.New(rand.NewPCG(1, uint64(version)))
			var before, after runtime.MemStats
			for range 400 {
				b := damaged(rng, whole)
				runtime.ReadMemStats(&before)
				tab, err := ReadParquet(name, bytes.NewReader(b), int64(len(b)), Options{})
				runtime.ReadMemStats(&after)
				if taken := after.TotalAlloc - before.TotalAlloc; taken > 64<<20 {
					t.Errorf("%s, version %d: %d bytes for a file of %d: %v", name, version, taken, len(b), err)
				}
				if err != nil {
					continue
				}
				for j, c := range tab.Columns {
					if len(tab.Values[j]) != tab.Rows() {
						t.Errorf("%s: %d values of %d rows", c.Name, len(tab.Values[j]), tab.Rows())
					}
				}
			}
		}
	}
}

// damaged is a copy with some bytes changed, most of them in the footer, or runs of them set, which makes numbers large; or a part cut out.
func damaged(rng *rand.Rand, whole []byte) []byte {
	b := bytes.Clone(whole)
	for range 1 + rng.IntN(4) {
		at := rng.IntN(len(b))
		switch rng.IntN(6) {
		case 0:
			b[at] = byte(rng.IntN(256))
		case 1, 2:
			b[at] ^= 1 << rng.IntN(8)
		case 3: // a number of many digits in the place of a small one
			copy(b[at:], "\xff\xff\xff\xff\x07")
		case 4: // a list or a text as long as can be said
			copy(b[at:], "\xfc\xff\xff\xff\xff\x07")
		default:
			b = append(b[:at], b[min(len(b), at+1+rng.IntN(8)):]...)
		}
		if len(b) < 16 {
			break
		}
	}
	return b
}

// What a footer says is compared with the length of the file before memory is taken for it.
func TestParquetLengths(t *testing.T) {
	file := func(footer string) []byte {
		return []byte("PAR1" + footer + string([]byte{byte(len(footer)), 0, 0, 0}) + "PAR1")
	}
	// Field 1 is the version, field 2 the schema: a list of structures.
	for footer, want := range map[string]string{
		"\x15\x02\x19\xfc\xff\xff\xff\xff\x07": "a list of 2147483647 where 0 bytes are left",
		"\x15\x02\x18\xff\xff\xff\xff\x07":     "2147483647 bytes where 0 are left",
		"":                                     "1 bytes where 0 are left",
	} {
		b := file(footer)
		_, err := ReadParquet("f", bytes.NewReader(b), int64(len(b)), Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", footer, err, want)
		}
	}
}

package association

import (
	"bufio"
	"io"
	"math"

	"github.com/parquet-go/parquet-go"
)

// row is a pair as association.parquet holds it.
type row struct {
	X          string   `parquet:"x,dict"`
	Y          string   `parquet:"y,dict"`
	Effect     *float64 `parquet:"effect,optional"`
	P          *float64 `parquet:"p,optional"`
	Q          *float64 `parquet:"q,optional"`
	FamilyWise *float64 `parquet:"family_wise,optional"`
	RawEffect  *float64 `parquet:"raw_effect,optional"` // without removing the covariates
	RawP       *float64 `parquet:"raw_p,optional"`
	N          int32    `parquet:"n"`
}

// Places of row's fields.
const (
	atX = iota
	atY
	atEffect
	atP
	atQ
	atFamilyWise
	atRawEffect
	atRawP
	atN
	rowFields
)

// Pairs of a row group, which is what the writer holds.
const groupPairs = 1 << 20

// writeParquet writes every pair, or those found, x-major. A number that is not there is null. Values go column by column, without a
// struct a pair.
func (m *Map) writeParquet(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<20)
	pw := parquet.NewGenericWriter[row](b, parquet.Compression(&parquet.Zstd), parquet.DataPageStatistics(false))
	writers := pw.ColumnWriters()
	var values [rowFields][]parquet.Value
	inGroup := 0
	flush := func() error {
		for c := range values {
			if _, err := writers[c].WriteRowValues(values[c]); err != nil {
				return err
			}
			values[c] = values[c][:0]
		}
		return nil
	}
	for i := range m.X {
		m.appendPairs(i, &values)
		inGroup += len(values[atX])
		if err := flush(); err != nil {
			return err
		}
		if inGroup >= groupPairs {
			inGroup = 0
			if err := pw.Flush(); err != nil {
				return err
			}
		}
	}
	if err := pw.Close(); err != nil {
		return err
	}
	return b.Flush()
}

// appendPairs adds the pairs of column i of x.
func (m *Map) appendPairs(i int, values *[rowFields][]parquet.Value) {
	number := func(at int, v float64) {
		if math.IsNaN(v) {
			values[at] = append(values[at], parquet.NullValue().Level(0, 0, at))
			return
		}
		values[at] = append(values[at], parquet.DoubleValue(v).Level(0, 1, at))
	}
	x := parquet.ByteArrayValue([]byte(m.X[i].Name)).Level(0, 0, atX)
	for j, y := range m.Y {
		k := i*len(m.Y) + j
		if m.Config.Keep == "found" && !(m.Q[k] <= m.Config.Level) {
			continue
		}
		values[atX] = append(values[atX], x)
		values[atY] = append(values[atY], parquet.ByteArrayValue([]byte(y.Name)).Level(0, 0, atY))
		number(atEffect, m.Effect[k])
		number(atP, m.PValue(k))
		number(atQ, m.Q[k])
		familyWise, rawEffect, rawP := math.NaN(), math.NaN(), math.NaN()
		if m.FamilyWise != nil {
			familyWise = m.FamilyWise[k]
		}
		if m.Raw != nil {
			rawEffect, rawP = m.Raw.Effect[k], m.Raw.PValue(k)
		}
		number(atFamilyWise, familyWise)
		number(atRawEffect, rawEffect)
		number(atRawP, rawP)
		values[atN] = append(values[atN], parquet.Int32Value(int32(m.Count(k))).Level(0, 0, atN))
	}
}

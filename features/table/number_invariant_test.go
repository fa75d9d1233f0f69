package table

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func parseFloat(s string) (float64, error) { return strconv.ParseFloat(strings.TrimSpace(s), 64) }

// Numbers of every length and size are read as strconv reads them, to the bit.
func TestNumber(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200000 {
		v := math.Float64frombits(r.Uint64())
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		if r.IntN(2) == 0 {
			v = r.NormFloat64() * math.Pow(10, float64(r.IntN(30)-15))
		}
		s := strconv.FormatFloat(v, "gfe"[r.IntN(3)], r.IntN(22)-1, 64)
		want, err := parseFloat(s)
		got, ok := Number([]byte(s))
		if ok != (err == nil && !math.IsInf(want, 0)) || ok && math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%s: %v %v, want %v %v", s, got, ok, want, err)
		}
	}
	for _, bad := range []string{"", " ", "-", ".", "e", "1e", "nan", "inf", "0x10", "1_0", "1,5", "1.2.3", "--1", "1e999"} {
		if v, ok := Number([]byte(bad)); ok {
			t.Errorf("%q is %v", bad, v)
		}
	}
}

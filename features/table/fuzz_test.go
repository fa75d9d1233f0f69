package table

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

// No file makes the reader panic, and what it takes has a finite number, a level or a gap in every cell, and reads back the same.
func FuzzReadText(f *testing.F) {
	for _, s := range []string{"patient,a,b\np1,1.5,x\np2,,y\n", "id;a\n1;1,5\n", "\"patient\"\t\"a\"\n\"p\"\t\"x\ny\"\n", "a\tb\np1\t1\t2\n", "\xef\xbb\xbfid\r\n1\r\n", "patient,a\rp,1e400\r", "#c\nid,x\n1,#DIV/0!\n"} {
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, comma bool) {
		tab, err := ReadText("f", b, Options{DecimalComma: comma})
		if err != nil {
			return
		}
		for j, c := range tab.Columns {
			for _, v := range tab.Values[j] {
				if math.IsInf(v, 0) || c.Kind != Numeric && !Missing(v) && (v < 0 || int(v) >= len(c.Levels)) {
					t.Fatalf("%s: %v", c.Name, v)
				}
			}
		}
		var out bytes.Buffer
		if err := WriteText(&out, tab, '\t'); err != nil {
			t.Fatal(err)
		}
		for _, k := range tab.Keys {
			if strings.TrimSpace(k.Patient) != k.Patient || k.Patient == "" {
				t.Fatalf("patient %q", k.Patient)
			}
		}
	})
}

// Number reads what strconv reads, to the bit.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.5", "1e10", "123456789012345678901234567890", "0.1", "9007199254740993", "1e-320", ".5", "5.", "+3", "1_000", "0x1p3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := Number([]byte(s))
		want, err := parseFloat(s)
		if ok && (err != nil || math.Float64bits(got) != math.Float64bits(want)) {
			t.Errorf("%q: %v, and strconv has %v, %v", s, got, want, err)
		}
	})
}

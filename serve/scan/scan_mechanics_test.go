package scan_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/serve/scan"
)

// parse builds the tree that encoding/json would, so that the two can be compared.
func parse(s *scan.Scanner, depth int) any {
	if depth > 90 {
		s.Skip()
		return nil
	}
	first := true
	switch s.Peek() {
	case '{':
		m := map[string]any{}
		for s.Begin('{'); s.More(&first, '}'); {
			k := string(s.Key())
			m[k] = parse(s, depth+1)
		}
		return m
	case '[':
		l := []any{}
		for s.Begin('['); s.More(&first, ']'); {
			l = append(l, parse(s, depth+1))
		}
		return l
	case '"':
		return string(s.String())
	case 't', 'f':
		return s.Bool()
	case 'n':
		s.Null()
		return nil
	}
	return s.Number()
}

// texts that JSON has, and does not have.
var texts = []string{
	`{"a":[1,-2.5,3e4,0.1E-3,1e22,1e23,123456789012345678901234567890],"b":{"c":null,"d":true,"e":false}}`, ` [ ] `, `{}`, `"\u00e9\ud83d\ude00\n\"\\\/"`, `"é"`,
	`-0`, `0.30000000000000004`, `179769313486231570000000000000000000000000000000`, `4.9e-324`, `"\ud800"`,
	``, `{`, `[1,]`, `{"a":1,}`, `{"a"}`, `{a:1}`, `[1 2]`, `01`, `1.`, `.5`, `+1`, `1e`, `1e999`, `NaN`, `"a`, `"\x"`, `"\u12"`, "\"\n\"", `nul`, `tru`, `1 2`, `[1]]`, `'a'`,
	"\"\xff\"", `-`, `--1`, `{"a":1 "b":2}`, "\x00", "1\x00", `"\u00zz"`,
}

// agree fails where the scanner and encoding/json disagree on a text: whether it is JSON, and what it says.
func agree(t *testing.T, text string) {
	t.Helper()
	s := scan.New([]byte(text))
	got := parse(s, 0)
	s.End()
	var want any
	err := json.Unmarshal([]byte(text), &want)
	if (err == nil) != (s.Err() == nil) {
		t.Errorf("%q: scanner %v, encoding/json %v", text, s.Err(), err)
		return
	}
	if err == nil && fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
		t.Errorf("%q: got %#v, want %#v", text, got, want)
	}
}

func TestScanner(t *testing.T) {
	for _, text := range texts {
		if text == "\"\xff\"" { // encoding/json replaces what is not UTF-8; we refuse it
			if s := scan.New([]byte(text)); s.String() != nil || s.Err() == nil {
				t.Error("a text that is not UTF-8 was taken")
			}
			continue
		}
		agree(t, text)
	}
}

// Every number reads as strconv reads it, to the bit.
func TestNumberInvariant(t *testing.T) {
	x := uint64(1)
	for i := range 200_000 {
		x = x*6364136223846793005 + 1442695040888963407
		v := math.Float64frombits(x)
		if i%2 == 0 {
			v = math.Round(float64(int64(x>>20))/1e3) / 1e4
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		for _, format := range []byte{'g', 'f'} {
			if format == 'f' && (math.Abs(v) > 1e25 || math.Abs(v) < 1e-25) {
				continue
			}
			text := strconv.FormatFloat(v, format, -1, 64)
			if text[0] == '+' {
				continue
			}
			s := scan.New([]byte(text))
			if got := s.Number(); s.Err() != nil || math.Float64bits(got) != math.Float64bits(v) {
				t.Fatalf("%s: got %v, %v", text, got, s.Err())
			}
		}
	}
}

// Up to nineteen digits with a fraction, among them values half-way between two floats, read as strconv reads them.
func TestFractionInvariant(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200_000 {
		m, k := r.Uint64()>>r.IntN(64), 1+r.IntN(19)
		if r.IntN(4) == 0 { // an odd 54-bit number over a power of two is half-way
			m = (r.Uint64()>>10 | 1) * 5
			k = 1
		}
		digits := fmt.Sprintf("%0*d", k+1, m)
		if len(digits) > 19 {
			continue
		}
		text := digits[:len(digits)-k] + "." + digits[len(digits)-k:]
		if text[0] == '0' && text[1] != '.' {
			continue
		}
		want, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		s := scan.New([]byte(text))
		if got := s.Number(); s.Err() != nil || math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%s: got %v, want %v (%v)", text, got, want, s.Err())
		}
	}
}

func TestErrorPlace(t *testing.T) {
	s := scan.New([]byte("{\"a\": 1,\n  \"b\": tru}"))
	parse(s, 0)
	if want := "line 2, column 8: a word that JSON does not have"; s.Err() == nil || s.Err().Error() != want {
		t.Errorf("got %v, want %s", s.Err(), want)
	}
}

// The scanner agrees with encoding/json on any text, but for what is not UTF-8 and nesting beyond its bound.
func FuzzScanner(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, depth := 0, 0; i < len(text); i++ {
			if c := text[i]; c == '[' || c == '{' {
				depth++
			}
			if text[i] >= 0x80 || depth > 80 {
				s := scan.New([]byte(text))
				s.Skip()
				return
			}
		}
		agree(t, text)
	})
}

func ExampleScanner() {
	s := scan.New([]byte(`{"age": 61, "volume": 1.5e3}`))
	first := true
	for s.Begin('{'); s.More(&first, '}'); {
		fmt.Printf("%s=%g\n", s.Key(), s.Number())
	}
	fmt.Println(s.End())
	// Output:
	// age=61
	// volume=1500
	// true
}

// rows are members of an object as Row meets them.
var rows = []string{`"a":1,"b":2,"c":3}`, ` "a": -0.5 , "b": 1234567.123456789,"c":0}   `, `"a":0.1234567890123456,"b":12345678901234567.25,"c":-0.000001}       `, `"a":1,"b":2e3,"c":1}`,
	`"a":1,"c":2}`, `"a":01,"b":1}`, `"a":1.,"b":1}       `, `"a":-,"b":1}`, `"a":null}`, `"a" :1}`, `"a":9007199254740993,"b":1.00000000000000011102,"c":9223372036854775808.5}        `,
	`"a":0.12345678x,"b":1}`, `"a":1,}`, `"a":1 "b":2}`, `"a":1.25}        `, `"a":-0.0,"b":-0,"c":0.000000000000000001}          `, `"a":1e999}`, `"a":0.99999999999999999,"b":8`}

// ordered checks that the members that Row consumes are those that Key and Number would have read, to the bit, and that what stands behind is what
// More and they meet.
func ordered(t *testing.T, text string) {
	t.Helper()
	names := []string{"a", "b", "c"}
	into := make([]float64, len(names))
	quick, slow := scan.New([]byte(text)), scan.New([]byte(text))
	n := quick.Row([]string{`"a":`, `"b":`, `"c":`}, into)
	first := true
	for k := range n {
		if !slow.More(&first, '}') || string(slow.Key()) != names[k] {
			t.Fatalf("%q: member %d is not %s: %v", text, k, names[k], slow.Err())
		}
		if v := slow.Number(); slow.Err() != nil || math.Float64bits(v) != math.Float64bits(into[k]) {
			t.Fatalf("%q: member %d is %v, and by itself %v (%v)", text, k, into[k], v, slow.Err())
		}
	}
	if n > 0 && quick.Offset() != slow.Offset() || n == 0 && quick.Offset() != 0 || quick.Err() != nil {
		t.Fatalf("%q: stands at %d after %d members, want %d (%v)", text, quick.Offset(), n, slow.Offset(), quick.Err())
	}
}

func TestRow(t *testing.T) {
	for _, text := range rows {
		ordered(t, text)
	}
	r := rand.New(rand.NewPCG(7, 8))
	for range 100_000 { // numbers of up to 19 digits with the point anywhere are never left to others
		text := strconv.FormatUint(r.Uint64()>>r.IntN(64), 10)
		if at := r.IntN(len(text) + 1); at < len(text) && len(text) < 20 {
			text = text[:at] + "." + text[at:]
			if at == 0 {
				text = "0" + text
			}
		}
		body := `"a":` + text + `,"b":1.5,"c":` + strconv.FormatFloat(r.NormFloat64(), 'f', r.IntN(18), 64) + `}       `
		ordered(t, body)
		if n := scan.New([]byte(body)).Row([]string{`"a":`, `"b":`, `"c":`}, make([]float64, 3)); n != 3 && len(strings.ReplaceAll(text, ".", "")) < 16 {
			t.Fatalf("%s: %d members", body, n)
		}
	}
}

// Row agrees with the other methods on any text.
func FuzzRow(f *testing.F) {
	for _, text := range rows {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { ordered(t, text) })
}

package ucum

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// Every definition of the table can be read, and a prefixed atom is never mistaken for another atom.
func TestDefinitions(t *testing.T) {
	for symbol, a := range atoms {
		u, err := Parse(symbol)
		if err != nil || u.factor.Sign() <= 0 {
			t.Errorf("%s: %v", symbol, err)
		}
		if a.metric {
			k, err := Parse("k" + symbol)
			if err != nil {
				t.Errorf("k%s: %v", symbol, err)
				continue
			}
			if v, err := k.Convert(1, u); u.offset == nil && (err != nil || v != 1000) {
				t.Errorf("1 k%s is %v %s (%v)", symbol, v, symbol, err)
			}
		}
	}
	for _, symbol := range arbitrary {
		if _, err := Parse(symbol + "/mL"); err != nil {
			t.Errorf("%s: %v", symbol, err)
		}
	}
}

// Validation cases of the UCUM functional tests (UcumFunctionalTests.xml of 11 October 2018): those of its first hundred that are of syntax, all that are not
// valid, and what is written in clinical laboratories.
func TestSyntax(t *testing.T) {
	for _, code := range strings.Fields(`m /m 10*3/ul 10*-3/ul 10*+3/ul m[H2O] 10*23 rad2 m3.kg-1.s-2 4.[pi].10*-7.N/A2 rad2{a} {a}.rad2{b} 1{c} {e} % [cup_us] [foz_br] [ft_i] [in_i] 1/d 1/min a cm2 meq mm[Hg] pg/ml U/l
		/[HPF] /mmol [APL'U] [IU]/mL m[IU]/L u[IU]/mL 10*12/L Cel fmol/L g/g kU/L nmol/h/mL umol/2.h dyn.s/(cm5.m2) [bdsk'U] dyn.s/cm5 K/W {bsa} cm[H2O] kg{body_wt} cm[H2O].s/L mmol/(8.h.kg) {cfu} [ka'U] REM g{creat}
		kcal/(8.h) ms/s Ms g.m/m2{hb} g.m/{hb} osm/kg {od} pH pA g/(8.kg.h) [in_us] [todd'U] [in_i'Hg] mL/{hb}.m2 10*3{rbc} 10.L/(min.m2) mL/cm[H2O] ueq nkat kg/(s.m2) mbar.s/L pt a/m t Wb 10*9/mm3 Ohm.m 10^3/uL`) {
		if _, err := Parse(code); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
	for _, code := range append(strings.Fields(`m/ 10+3/ul rad2{錠} {a}rad2{b} {|}1 iU molv [BETH'U] [iIU] m[iIU]/L g/12h mmol/kg[H20] cm[H20] ug(8.h) ug(8hr) mL/10h U/1h
		m) (m ((m) m//s m..s . / () {a {a}} a} m{a m- 0 m/0 mcm kmin k[in_i] 10*101 m31 Cel.m Cel/s m.Cel /Cel Cel2 (Cel) [ m[ [pH] dB B[SPL] years mmHg`), "", "m s", strings.Repeat("m.", 120)+"m", strings.Repeat("(", 30)+"m"+strings.Repeat(")", 30),
		strings.TrimSuffix(strings.Repeat("10*99.", 30), "."), "9999999999999999999999999.m") {
		if u, err := Parse(code); err == nil {
			t.Errorf("%s is read as %v", code, u)
		}
	}
	for code, want := range map[string]string{"years": "did you mean a?", "mmHg": "did you mean mm[Hg]?", "cc": "did you mean cm3?", "mg/12h": "joined to a unit by a point", "[pH]": "which is not converted", "g/dL{a b}": "without spaces"} {
		if _, err := Parse(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// Conversions that laboratories need, to the last bit; and those that must not be made, with the reason.
func TestConvert(t *testing.T) {
	for _, c := range []struct {
		value    float64
		from, to string
		want     float64
	}{
		{0.9, "mL", "mm3", 900}, {1.7, "m", "cm", 170}, {5, "[ft_i]", "cm", 152.4}, {154, "[lb_av]", "kg", 69.85322498}, {13.2, "g/dL", "g/L", 132}, {132, "g/L", "g/dL", 13.2}, {99, "mg/dL", "mg/L", 990},
		{4.5, "10*9/L", "/uL", 4500}, {4.5, "10*3/uL{WBC}", "10*9/L", 4.5}, {4500, "{cells}/uL", "10*9/L", 4.5}, {42, "%", "1", 0.42}, {0.42, "L/L", "%", 42}, {120, "mm[Hg]", "kPa", 15.99864}, {61, "a", "d", 22280.25},
		{6, "mo", "a", 0.5}, {2, "wk", "d", 14}, {36, "h", "d", 1.5}, {310.15, "K", "Cel", 37}, {37000, "mCel", "Cel", 37}, {60, "U/L", "ukat/L", 1}, {5, "m[IU]/L", "u[iU]/mL", 5}, {2.5, "mmol/L", "umol/mL", 2.5}, {1, "mg/kg", "1", 1e-6},
		{7, "{score}", "1", 7}, {3, "cm3", "mL", 3}, {5, "km/h", "m/s", 25.0 / 18}, {22.5, "kg/m2", "g/cm2", 2.25}, {1e300, "m", "m", 1e300}, {40, "[hnsf'U]", "1", 40},
	} {
		if got, err := Convert(c.value, c.from, c.to); err != nil || got != c.want {
			t.Errorf("%v %s is %v %s (%v), want %v", c.value, c.from, got, c.to, err, c.want)
		}
	}
	for _, c := range [][3]string{{"mg/dL", "mmol/L", "takes a molar mass"}, {"meq/L", "mmol/L", "by the valence"}, {"[iU]/mL", "mg/mL", "an arbitrary unit is defined for each"}, {"[iU]/mL", "[arb'U]/mL", "an arbitrary unit"}, {"U/L", "[iU]/L", "not commensurable"},
		{"mm", "mm3", "not commensurable"}, {"mmol/L", "/L", "not commensurable"}, {"Cel", "m", "not commensurable"}, {"a", "1", "not commensurable"}} {
		for _, way := range [][2]string{{c[0], c[1]}, {c[1], c[0]}} {
			if v, err := Convert(1, way[0], way[1]); !errors.Is(err, ErrCommensurable) || !strings.Contains(err.Error(), c[2]) {
				t.Errorf("1 %s in %s: %v, %v", way[0], way[1], v, err)
			}
		}
	}
	for _, c := range []struct {
		value    float64
		from, to string
	}{{1e300, "Ym", "ym"}, {math.NaN(), "m", "cm"}, {math.Inf(1), "m", "cm"}} {
		if v, err := Convert(c.value, c.from, c.to); err == nil {
			t.Errorf("%v %s is %v %s", c.value, c.from, v, c.to)
		}
	}
	if got := Plain("10*3{John Doe}/uL{x}"); got != "10*3/uL" {
		t.Error(got)
	}
}

// What is read is sound whatever it is: a unit is itself by a factor of 1, and there and back is the same value but for the rounding.
func FuzzParse(f *testing.F) {
	for _, code := range []string{"mg/dL", "10*9/L", "mm[Hg]", "{a}.rad2{b}", "m3.kg-1.s-2", "dyn.s/(cm5.m2)", "[degF]", "/[HPF]", "mCel", "4.[pi].10*-7.N/A2"} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		u, err := Parse(code)
		if err != nil {
			return
		}
		if v, err := u.Convert(61.5, u); err != nil || v != 61.5 {
			t.Errorf("%s: %v %v", code, v, err)
		}
		one := one()
		one.dimension = u.dimension
		v, err := u.Convert(61.5, one)
		if err != nil || v == 0 || math.Abs(v) < 1e-290 { // beyond or below float64
			return
		}
		if back, err := one.Convert(v, u); u.offset == nil && (err != nil || math.Abs(back-61.5) > 1e-12) {
			t.Errorf("%s: %v is %v and back %v (%v)", code, 61.5, v, back, err)
		}
	})
}

func BenchmarkConvert(b *testing.B) {
	for b.Loop() {
		if _, err := Convert(13.2, "g/dL", "g/L"); err != nil {
			b.Fatal(err)
		}
	}
}

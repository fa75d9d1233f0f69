package ucum_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/ucum"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/ucum", 61)) }

// significant rounds a number to as many digits as a reference is written with.
func significant(v float64, text string) float64 {
	digits, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(text, "-")), "e")
	whole, fraction, point := strings.Cut(digits, ".")
	count := len(strings.TrimLeft(whole+fraction, "0"))
	if !point { // zeros at the end of a whole number only keep its place
		count = 15
		if len(digits) < 3 {
			count = len(digits)
		}
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', min(count, 15)-1, 64), 64)
	return rounded
}

// The conversion cases of the UCUM functional tests (UcumFunctionalTests.xml of 11 October 2018, Eclipse Public License), but for those of [mu_0], which is
// no unit here. An outcome is as exact as it has digits: 6.3 of 4.s/m are 25 s/m.
func TestFunctionalConversions(t *testing.T) {
	check := oracle.Relative(t, "converted values", "conversion cases 3-101 to 3-129", "UCUM functional tests of 11 October 2018", 1e-13)
	for _, c := range []struct {
		value            float64
		from, to, expect string
	}{
		{6.3, "m", "m", "6.3"}, {6.3, "mm", "m", "0.0063"}, {6.3, "mm", "cm", "0.63"}, {6.3, "s.m-1", "s/m", "6.3"}, {6.3, "s.mm-1", "s.m-1", "6300"}, {6.3, "s.mm-2", "s.m-2", "6300000"},
		{6.3, "s/m/g", "s.m-1.g-1", "6.3"}, {6.3, "ms/m/g", "s.m-1.g-1", "0.0063"}, {6.3, "s/mm/g", "s.m-1.g-1", "6300"}, {6.3, "s/m/mg", "s.m-1.g-1", "6300"}, {6.3, "s/m.mg", "s.m-1.g", "0.0063"},
		{6.3, "ms/m", "s/m", "0.0063"}, {6.3, "4.s/m", "s/m", "25"}, {6.30, "4.s/m", "s/m", "25.2"}, {6.3, "s/4/m", "s/m", "1.6"}, {6.3, "s/mm", "s/m", "6300"}, {6.3, "ms/mm", "s/m", "6.3"},
		{6.30, "[in_i]", "m", "0.160"}, {6.300, "[in_i]", "cm", "16.0"}, {6.3, "g.m.s-2.A-2", "g.m.C-2", "6.3"}, {1, "10*-7.s", "s", "1e-7"}, {1, "4.[pi].10*-7.s", "s", "0.00000125663706143591729538506"},
		{1, "4.[pi].10*-7.N", "N", "0.00000125663706143591729538506"}, {1, "m[Hg]", "g.s-2.m-1", "133322000"}, {1, "S", "g-1.m-2.C2.s", "0.001"}, {1, "[ly]", "cm", "946073047258080000"},
		{1, "1/[ly]", "cm-1", "1.05700083402461546370946e-18"}, {1.2, "g.m", "m.g", "1.2"},
	} {
		got, err := ucum.Convert(c.value, c.from, c.to)
		if err != nil {
			t.Errorf("%v %s in %s: %v", c.value, c.from, c.to, err)
			continue
		}
		want, err := strconv.ParseFloat(c.expect, 64)
		if err != nil {
			t.Fatal(err)
		}
		check.Near(c.from+" in "+c.to, significant(got, c.expect), want)
	}
}

// Factors of NIST Special Publication 811 (2008), appendix B.8, whose values of seven digits are rounded and the others exact, and the
// definitions of degrees in its § 4.2.1.1 and B.8. UCUM defines the same units by other ones.
func TestFactorsOfNIST(t *testing.T) {
	exact := oracle.Relative(t, "factors of units", "that are exact", "NIST SP 811 (2008), B.8", 1e-15)
	rounded := oracle.Relative(t, "factors of units", "of seven digits", "NIST SP 811 (2008), B.8", 2e-7)
	for _, c := range []struct {
		check *oracle.Check
		from  string
		to    string
		want  float64
	}{
		{exact, "[in_i]", "m", 0.0254}, {exact, "[ft_i]", "m", 0.3048}, {exact, "[yd_i]", "m", 0.9144}, {exact, "[mi_i]", "m", 1609.344}, {exact, "[lb_av]", "kg", 0.45359237}, {exact, "[gr]", "kg", 6.479891e-5},
		{exact, "atm", "Pa", 101325}, {exact, "bar", "Pa", 1e5}, {exact, "cal_th", "J", 4.184}, {exact, "Ci", "Bq", 3.7e10}, {exact, "R", "C/kg", 2.58e-4}, {exact, "RAD", "Gy", 0.01}, {exact, "dyn", "N", 1e-5},
		{exact, "d", "s", 86400}, {exact, "L", "m3", 1e-3}, {exact, "[car_m]", "kg", 2e-4}, {exact, "P", "Pa.s", 0.1}, {exact, "erg", "J", 1e-7}, {exact, "Ao", "m", 1e-10}, {exact, "b", "m2", 1e-28},
		{rounded, "[oz_av]", "kg", 2.834952e-2}, {rounded, "[oz_tr]", "kg", 3.110348e-2}, {rounded, "[stone_av]", "kg", 6.350293}, {rounded, "[gal_us]", "m3", 3.785412e-3}, {rounded, "[foz_us]", "m3", 2.957353e-5},
		{rounded, "[pt_us]", "m3", 4.731765e-4}, {rounded, "[tsp_us]", "m3", 4.928922e-6}, {rounded, "[cup_us]", "m3", 2.365882e-4}, {rounded, "[psi]", "Pa", 6.894757e3}, {rounded, "deg", "rad", 1.745329e-2},
	} {
		got, err := ucum.Convert(1, c.from, c.to)
		if err != nil {
			t.Errorf("%s in %s: %v", c.from, c.to, err)
			continue
		}
		c.check.Near(c.from+" in "+c.to, got, c.want)
	}
	degrees := oracle.Absolute(t, "temperatures", "°C = K - 273.15, °F = 1.8 °C + 32", "NIST SP 811 (2008), B.8", 1e-13)
	for _, c := range []struct {
		value    float64
		from, to string
		want     float64
	}{{98.6, "[degF]", "Cel", 37}, {-40, "Cel", "[degF]", -40}, {32, "[degF]", "K", 273.15}} {
		got, err := ucum.Convert(c.value, c.from, c.to)
		if err != nil {
			t.Fatal(err)
		}
		degrees.Near(c.from+" in "+c.to, got, c.want)
	}
}

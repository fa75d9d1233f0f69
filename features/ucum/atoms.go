package ucum

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
)

// Base units: those of UCUM, the mole, equivalent and osmole, and each arbitrary unit.
const (
	lengthBase = iota
	timeBase
	massBase
	angleBase
	temperatureBase
	chargeBase
	lightBase
	moleBase
	equivalentBase
	osmoleBase
	arbitraryBase
)

// arbitrary are the arbitrary units (§ 24): commensurable with themselves alone. [IU] is [iU].
var arbitrary = [...]string{"[iU]", "[arb'U]", "[USP'U]", "[GPL'U]", "[MPL'U]", "[APL'U]", "[beth'U]", "[anti'Xa'U]", "[todd'U]", "[dye'U]", "[smgy'U]", "[bdsk'U]", "[ka'U]", "[knk'U]",
	"[mclg'U]", "[tb'U]", "[CCID_50]", "[TCID_50]", "[EID_50]", "[PFU]", "[FFU]", "[CFU]", "[AU]", "[BAU]", "[PNU]", "[Lf]", "[IR]", "[Amb'a'1'U]"}

const bases = arbitraryBase + len(arbitrary)

// prefixes are powers of ten (§ 27, and 2 of 1024 that go before units of information alone and are left out).
var prefixes = map[string]int{"Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24}

// atom is a unit as ucum-essence.xml defines it: a value in another unit. A metric one takes prefixes.
type atom struct {
	metric      bool
	value, unit string
	offset      string // added to a value before the factor
	base        int    // where it is a base unit
}

// logarithmic are units on scales that are no factor.
var logarithmic = []string{"[pH]", "Np", "B", "B[SPL]", "B[V]", "B[mV]", "B[uV]", "B[10.nV]", "B[W]", "B[kW]", "bit_s", "[hp'_X]", "[hp'_C]", "[hp'_M]", "[hp'_Q]", "[p'diop]", "%[slope]", "[m/s2/Hz^0.5]"}

// atoms are the units by their case-sensitive codes, with the values of ucum-essence.xml (version 2.1). Those that no patient is measured in (trade,
// typesetting, constants of physics that are measured and were revised) are left out.
var atoms = map[string]atom{
	"m": {true, "", "", "", lengthBase}, "s": {true, "", "", "", timeBase}, "g": {true, "", "", "", massBase}, "rad": {true, "", "", "", angleBase},
	"K": {true, "", "", "", temperatureBase}, "C": {true, "", "", "", chargeBase}, "cd": {true, "", "", "", lightBase},
	"mol": {true, "", "", "", moleBase}, "eq": {true, "", "", "", equivalentBase}, "osm": {true, "", "", "", osmoleBase},

	"10*": plain("10", "1"), "10^": plain("10", "1"), "[pi]": plain("3.1415926535897932384626433832795028841971693993751058209749445923", "1"),
	"%": plain("1", "10*-2"), "[ppth]": plain("1", "10*-3"), "[ppm]": plain("1", "10*-6"), "[ppb]": plain("1", "10*-9"), "[pptr]": plain("1", "10*-12"),

	"sr": metric("1", "rad2"), "Hz": metric("1", "s-1"), "N": metric("1", "kg.m/s2"), "Pa": metric("1", "N/m2"), "J": metric("1", "N.m"), "W": metric("1", "J/s"), "A": metric("1", "C/s"),
	"V": metric("1", "J/C"), "F": metric("1", "C/V"), "Ohm": metric("1", "V/A"), "S": metric("1", "Ohm-1"), "Wb": metric("1", "V.s"), "T": metric("1", "Wb/m2"), "H": metric("1", "Wb/A"),
	"lm": metric("1", "cd.sr"), "lx": metric("1", "lm/m2"), "Bq": metric("1", "s-1"), "Gy": metric("1", "J/kg"), "Sv": metric("1", "J/kg"),
	"Cel": {true, "1", "K", "273.15", 0}, "[degF]": {false, "5", "K/9", "459.67", 0}, "[degRe]": {false, "5", "K/4", "218.52", 0}, "[degR]": plain("5", "K/9"),

	"gon": plain("0.9", "deg"), "deg": plain("2", "[pi].rad/360"), "'": plain("1", "deg/60"), "''": plain("1", "'/60"),
	"l": metric("1", "dm3"), "L": metric("1", "l"), "ar": metric("100", "m2"), "min": plain("60", "s"), "h": plain("60", "min"), "d": plain("24", "h"),
	"a_t": plain("365.24219", "d"), "a_j": plain("365.25", "d"), "a_g": plain("365.2425", "d"), "a": plain("1", "a_j"), "wk": plain("7", "d"),
	"mo_s": plain("29.53059", "d"), "mo_j": plain("1", "a_j/12"), "mo_g": plain("1", "a_g/12"), "mo": plain("1", "mo_j"),
	"t": metric("1000", "kg"), "bar": metric("100000", "Pa"), "pc": metric("3.085678e16", "m"), "AU": plain("149597.870", "Mm"),

	"[c]": metric("299792458", "m/s"), "[mu_0]": metric("1", "4.[pi].10*-7.N/A2"),
	"[g]":  metric("9.80665", "m/s2"),
	"[ly]": metric("1", "[c].a_j"), "gf": metric("1", "g.[g]"), "[lbf_av]": plain("1", "[lb_av].[g]"), "atm": plain("101325", "Pa"), "att": plain("1", "kgf/cm2"),

	"Ky": metric("1", "cm-1"), "Gal": metric("1", "cm/s2"), "dyn": metric("1", "g.cm/s2"), "erg": metric("1", "dyn.cm"), "P": metric("1", "dyn.s/cm2"), "Bi": metric("10", "A"), "St": metric("1", "cm2/s"),
	"Mx": metric("1e-8", "Wb"), "G": metric("1e-4", "T"), "Oe": metric("250", "/[pi].A/m"), "Gb": metric("1", "Oe.cm"), "sb": metric("1", "cd/cm2"), "Lmb": metric("1", "cd/cm2/[pi]"), "ph": metric("1e-4", "lx"),
	"Ci": metric("3.7e10", "Bq"), "R": metric("2.58e-4", "C/kg"), "RAD": metric("100", "erg/g"), "REM": metric("1", "RAD"),

	"[in_i]": plain("2.54", "cm"), "[ft_i]": plain("12", "[in_i]"), "[yd_i]": plain("3", "[ft_i]"), "[mi_i]": plain("5280", "[ft_i]"), "[fth_i]": plain("6", "[ft_i]"), "[nmi_i]": plain("1852", "m"),
	"[kn_i]": plain("1", "[nmi_i]/h"), "[sin_i]": plain("1", "[in_i]2"), "[sft_i]": plain("1", "[ft_i]2"), "[syd_i]": plain("1", "[yd_i]2"), "[cin_i]": plain("1", "[in_i]3"), "[cft_i]": plain("1", "[ft_i]3"),
	"[cyd_i]": plain("1", "[yd_i]3"), "[mil_i]": plain("1e-3", "[in_i]"), "[hd_i]": plain("4", "[in_i]"),
	"[ft_us]": plain("1200", "m/3937"), "[yd_us]": plain("3", "[ft_us]"), "[in_us]": plain("1", "[ft_us]/12"), "[rd_us]": plain("16.5", "[ft_us]"), "[fur_us]": plain("40", "[rd_us]"), "[mi_us]": plain("8", "[fur_us]"),
	"[in_br]": plain("2.539998", "cm"), "[ft_br]": plain("12", "[in_br]"),

	"[gal_us]": plain("231", "[in_i]3"), "[qt_us]": plain("1", "[gal_us]/4"), "[pt_us]": plain("1", "[qt_us]/2"), "[gil_us]": plain("1", "[pt_us]/4"), "[foz_us]": plain("1", "[gil_us]/4"), "[fdr_us]": plain("1", "[foz_us]/8"),
	"[min_us]": plain("1", "[fdr_us]/60"), "[tbs_us]": plain("1", "[foz_us]/2"), "[tsp_us]": plain("1", "[tbs_us]/3"), "[cup_us]": plain("16", "[tbs_us]"), "[foz_m]": plain("30", "mL"), "[cup_m]": plain("240", "mL"),
	"[tsp_m]": plain("5", "mL"), "[tbs_m]": plain("15", "mL"), "[gal_br]": plain("4.54609", "l"), "[qt_br]": plain("1", "[gal_br]/4"), "[pt_br]": plain("1", "[qt_br]/2"), "[gil_br]": plain("1", "[pt_br]/4"),
	"[foz_br]": plain("1", "[gil_br]/5"), "[fdr_br]": plain("1", "[foz_br]/8"), "[min_br]": plain("1", "[fdr_br]/60"), "st": metric("1", "m3"),

	"[gr]": plain("64.79891", "mg"), "[lb_av]": plain("7000", "[gr]"), "[oz_av]": plain("1", "[lb_av]/16"), "[dr_av]": plain("1", "[oz_av]/16"), "[stone_av]": plain("14", "[lb_av]"), "[scwt_av]": plain("100", "[lb_av]"),
	"[lcwt_av]": plain("112", "[lb_av]"), "[ston_av]": plain("20", "[scwt_av]"), "[lton_av]": plain("20", "[lcwt_av]"), "[pwt_tr]": plain("24", "[gr]"), "[oz_tr]": plain("20", "[pwt_tr]"), "[lb_tr]": plain("12", "[oz_tr]"),
	"[sc_ap]": plain("20", "[gr]"), "[dr_ap]": plain("3", "[sc_ap]"), "[oz_ap]": plain("8", "[dr_ap]"), "[lb_ap]": plain("12", "[oz_ap]"), "[oz_m]": plain("28", "g"), "[car_m]": plain("0.2", "g"),

	"cal_[15]": metric("4.18580", "J"), "cal_[20]": metric("4.18190", "J"), "cal_m": metric("4.19002", "J"), "cal_IT": metric("4.1868", "J"), "cal_th": metric("4.184", "J"), "cal": metric("1", "cal_th"),
	"[Cal]": plain("1", "kcal_th"), "[Btu_th]": plain("1.054350", "kJ"), "[Btu_IT]": plain("1.05505585262", "kJ"), "[Btu]": plain("1", "[Btu_th]"), "[HP]": plain("550", "[ft_i].[lbf_av]/s"), "[psi]": plain("1", "[lbf_av]/[in_i]2"),
	"m[H2O]": metric("9.80665", "kPa"), "m[Hg]": metric("133.3220", "kPa"), "[in_i'H2O]": plain("1", "m[H2O].[in_i]/m"), "[in_i'Hg]": plain("1", "m[Hg].[in_i]/m"), "[PRU]": plain("1", "mm[Hg].s/ml"),
	"[wood'U]": plain("1", "mm[Hg].min/L"), "[diop]": plain("1", "/m"), "[hnsf'U]": plain("1", "1"), "[MET]": plain("3.5", "mL/min/kg"), "g%": metric("1", "g/dl"), "[S]": plain("1", "10*-13.s"),
	"[HPF]": plain("1", "1"), "[LPF]": plain("100", "1"), "kat": metric("1", "mol/s"), "U": metric("1", "umol/min"), "[IU]": metric("1", "[iU]"),
	"Ao": plain("0.1", "nm"), "b": plain("100", "fm2"), "mho": metric("1", "S"), "circ": plain("2", "[pi].rad"), "sph": plain("4", "[pi].sr"), "bit": metric("1", "1"), "By": metric("8", "bit"), "Bd": metric("1", "/s"),
}

func plain(value, unit string) atom  { return atom{value: value, unit: unit} }
func metric(value, unit string) atom { return atom{metric: true, value: value, unit: unit} }

// found are the atoms that were looked for, as units: there are as many as atoms.
var found sync.Map

// find is the unit of a symbol: an atom, or a prefix and a metric atom.
func find(symbol string) (Unit, error) {
	if a, ok := whole(symbol); ok {
		return a, nil
	}
	for _, n := range []int{1, 2} {
		if len(symbol) <= n {
			break
		}
		power, ok := prefixes[symbol[:n]]
		rest := symbol[n:]
		if !ok || !atoms[rest].metric && rest != "[iU]" {
			continue
		}
		u, _ := whole(rest)
		scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(power, -power))), nil))
		if power < 0 {
			scale.Inv(scale)
		}
		out := Unit{factor: new(big.Rat).Mul(u.factor, scale), dimension: u.dimension}
		if u.offset != nil {
			out.offset = new(big.Rat).Quo(u.offset, scale)
		}
		return out, nil
	}
	switch {
	case symbol == "":
		return Unit{}, errors.New("want a unit")
	case slices.Contains(logarithmic, symbol) || len(symbol) > 1 && symbol[0] == 'd' && slices.Contains(logarithmic, symbol[1:]):
		return Unit{}, errors.New("a unit on a logarithmic or other scale, which is not converted")
	}
	return Unit{}, fmt.Errorf("no unit of UCUM, whose codes are case-sensitive%s", hint(symbol))
}

// hint names the code that is meant by words which are none.
func hint(symbol string) string {
	for code, words := range map[string]string{"a": "y yr yrs year years Year Years", "mo": "month months", "wk": "week weeks", "d": "day days D", "h": "hr hrs hour hours H", "s": "sec second seconds", "[in_i]": "in inch inches",
		"[lb_av]": "lb lbs pound", "[oz_av]": "oz", "[ft_i]": "ft foot feet", "kg": "Kg KG kilogram", "g": "gm gram grams", "cm3": "cc ccm", "Cel": "degC celsius Celsius", "[degF]": "degF F fahrenheit", "mm[Hg]": "mmHg mmhg MMHG", "%": "percent pct",
		"cm": "CM centimeter", "mm": "MM millimeter", "ug": "mcg MCG", "[iU]": "IU iu", "[hnsf'U]": "HU hu"} {
		if slices.Contains(strings.Fields(words), symbol) {
			return fmt.Sprintf("; did you mean %s?", code)
		}
	}
	return ""
}

// whole is the unit of an atom.
func whole(symbol string) (Unit, bool) {
	if u, ok := found.Load(symbol); ok {
		return u.(Unit), true
	}
	a, ok := atoms[symbol]
	u := one()
	switch i := slices.Index(arbitrary[:], symbol); {
	case i >= 0:
		u.dimension[arbitraryBase+i] = 1
	case !ok:
		return u, false
	case a.unit == "":
		u.dimension[a.base] = 1
	default:
		of, err := Parse(a.unit)
		value, sound := new(big.Rat).SetString(a.value)
		if err != nil || !sound {
			panic("ucum: the definition of " + symbol + " is not sound") // a fault of the table, which a test reads through
		}
		u = Unit{factor: value.Mul(value, of.factor), dimension: of.dimension}
		if a.offset != "" {
			u.offset, _ = new(big.Rat).SetString(a.offset)
		}
	}
	found.Store(symbol, u)
	return u, true
}

// Package ucum reads units of measure as the Unified Code for Units of Measure writes them (https://ucum.org/ucum, case-sensitive codes) and
// converts between those that UCUM defines by a factor, or by a factor and an offset as of temperatures.
//
// A unit is a factor and a dimension. Factors are rational numbers, exact as UCUM defines them, so that a converted value is the float64 nearest to
// the true one. In three things the package is stricter than UCUM, whose definitions would convert what depends on the substance: the mole is a
// dimension of its own and no number of things, an equivalent and an osmole are not moles (that takes the valence, or the dissociation), and
// every arbitrary unit, such as the international unit, is commensurable with itself alone, as UCUM says. Units on a logarithmic scale (pH, bel)
// are not converted.
package ucum

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
)

// Unit is a unit that was parsed: a value v in it is (v + offset) · factor in the base units of its dimension.
type Unit struct {
	factor, offset *big.Rat // offset is nil where there is none
	dimension      dimension
}

// dimension has the exponents of the base units, see base.
type dimension [bases]int

// ErrCommensurable says that two units are of different things. What is wrong with a code is another error.
var ErrCommensurable = errors.New("the units are not commensurable")

// Convert brings a value from one unit to another, both as UCUM writes them.
func Convert(value float64, from, to string) (float64, error) {
	f, err := Parse(from)
	if err != nil {
		return 0, err
	}
	t, err := Parse(to)
	if err != nil {
		return 0, err
	}
	return f.Convert(value, t)
}

// Equal reports whether a value in one unit is the same number in the other: mL and cm3.
func (u Unit) Equal(v Unit) bool {
	return u.dimension == v.dimension && u.factor.Cmp(v.factor) == 0 && (u.offset == nil) == (v.offset == nil) && (u.offset == nil || u.offset.Cmp(v.offset) == 0)
}

// Convert returns a finite value of this unit in another one: the float64 nearest to the true one, where a value stands for the shortest decimal
// that is read as it, which is what was written down (310.15 K are 37 Cel). The error is ErrCommensurable where that is of another dimension, and says why where a
// reason is known. A value beyond float64 is an error.
func (u Unit) Convert(value float64, to Unit) (float64, error) {
	if u.dimension != to.dimension {
		return 0, u.apart(to)
	}
	x, ok := new(big.Rat).SetString(strconv.FormatFloat(value, 'g', -1, 64))
	if !ok || math.IsInf(value, 0) {
		return 0, fmt.Errorf("%v is not a number that could be converted", value)
	}
	if u.Equal(to) {
		return value, nil
	}
	if u.offset != nil {
		x.Add(x, u.offset)
	}
	x.Mul(x, u.factor).Quo(x, to.factor)
	if to.offset != nil {
		x.Sub(x, to.offset)
	}
	out, _ := x.Float64()
	if math.IsInf(out, 0) {
		return 0, errors.New("the value is beyond the range of 64-bit floating point in the other unit")
	}
	return out, nil
}

// apart says why two units cannot be converted into each other.
func (u Unit) apart(to Unit) error {
	from, into := u.dimension, to.dimension
	amounts := func(d dimension) (mass, mole, equivalent, arbitrary int) {
		mass, mole, equivalent = d[massBase], d[moleBase], d[equivalentBase]+d[osmoleBase]
		for _, n := range d[arbitraryBase:] {
			arbitrary += n
		}
		return
	}
	rest := func(d dimension) dimension {
		for i := range d {
			if i == massBase || i >= moleBase {
				d[i] = 0
			}
		}
		return d
	}
	m, n, e, a := amounts(from)
	m2, n2, e2, a2 := amounts(into)
	switch {
	case rest(from) != rest(into) || m+n+e+a != m2+n2+e2+a2:
		return ErrCommensurable
	case a != 0 || a2 != 0:
		return fmt.Errorf("%w: an arbitrary unit is defined for each substance and each assay", ErrCommensurable)
	case e != e2:
		return fmt.Errorf("%w: equivalents and osmoles become moles by the valence or the dissociation of the substance", ErrCommensurable)
	case n != n2:
		return fmt.Errorf("%w: from mass to amount of substance takes a molar mass", ErrCommensurable)
	}
	return ErrCommensurable
}

// Plain is a code without its annotations, which mean nothing and may hold anything.
func Plain(code string) string {
	out, depth := make([]byte, 0, len(code)), 0
	for i := range len(code) {
		switch c := code[i]; {
		case c == '{':
			depth++
		case c == '}':
			depth = max(0, depth-1)
		case depth == 0:
			out = append(out, c)
		}
	}
	return string(out)
}

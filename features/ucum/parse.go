package ucum

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Limits on a code, so that none makes numbers of any size: clinical codes are far within them.
const (
	maxLength   = 200
	maxDepth    = 20
	maxExponent = 30    // of a unit
	maxPower    = 100   // of 10* and 10^
	maxBits     = 8_192 // of the numerator and denominator of a factor
)

// parser reads one code: UCUM's syntax (§ 12 in BNF), where operators bind from left to right and a solidus divides by what follows it alone.
type parser struct {
	code  string
	i     int
	depth int
}

// Parse reads a code such as "mg/dL", "10*9/L" or "mm[Hg]". The error says what is wrong, without the annotations of the code.
func Parse(code string) (Unit, error) {
	if code == "" || len(code) > maxLength {
		return Unit{}, fmt.Errorf("want a unit as UCUM writes it, of up to %d characters", maxLength)
	}
	for i := range len(code) {
		if c := code[i]; c < 33 || c > 126 {
			return Unit{}, errors.New("a unit of UCUM is written in ASCII without spaces")
		}
	}
	p := &parser{code: code}
	u, err := p.term()
	if err != nil {
		return Unit{}, err
	}
	return u, nil
}

func (p *parser) wrong(what string) error { return fmt.Errorf("character %d: %s", p.i+1, what) }

// one is the unit 1.
func one() Unit { return Unit{factor: big.NewRat(1, 1)} }

// term reads components joined by . and /, up to the end or a closing bracket.
func (p *parser) term() (Unit, error) {
	out := one()
	parts, special := 0, false
	for divide := p.take('/'); ; {
		u, err := p.component()
		if err != nil {
			return u, err
		}
		parts++
		special = special || u.offset != nil
		if special && (parts > 1 || divide) {
			return u, p.wrong("a unit whose zero is not nothing (Cel, [degF]) stands by itself")
		}
		if parts == 1 && !divide {
			out = u
		} else if out, err = out.times(u, divide); err != nil {
			return u, err
		}
		switch {
		case p.take('.'):
			divide = false
		case p.take('/'):
			divide = true
		case p.i == len(p.code) || p.code[p.i] == ')' && p.depth > 0:
			return out, nil
		default:
			return u, p.wrong("want . or / between units")
		}
	}
}

func (p *parser) take(c byte) bool {
	if p.i < len(p.code) && p.code[p.i] == c {
		p.i++
		return true
	}
	return false
}

// times multiplies or divides.
func (u Unit) times(v Unit, divide bool) (Unit, error) {
	out := Unit{factor: new(big.Rat)}
	sign := 1
	if divide {
		sign = -1
		out.factor.Quo(u.factor, v.factor)
	} else {
		out.factor.Mul(u.factor, v.factor)
	}
	for i := range out.dimension {
		out.dimension[i] = u.dimension[i] + sign*v.dimension[i]
	}
	return out, out.bounded()
}

func (u Unit) bounded() error {
	if u.factor.Num().BitLen() > maxBits || u.factor.Denom().BitLen() > maxBits {
		return errors.New("a factor of more digits than any unit has")
	}
	return nil
}

// component reads an annotation, a term in brackets, a number, or a unit with its exponent; and the annotation behind it.
func (p *parser) component() (u Unit, err error) {
	switch c := p.peek(); {
	case c == '{':
		return one(), p.annotation()
	case c == '(':
		if p.depth++; p.depth > maxDepth {
			return u, p.wrong("brackets too deep in one another")
		}
		p.i++
		if u, err = p.term(); err != nil {
			return u, err
		}
		if p.depth--; !p.take(')') {
			return u, p.wrong("a bracket is not closed")
		}
		if u.offset != nil {
			return u, p.wrong("a unit whose zero is not nothing (Cel, [degF]) stands by itself")
		}
		return u, nil
	case c >= '0' && c <= '9' && !p.ten():
		digits := p.digits()
		n, ok := new(big.Int).SetString(digits, 10)
		if !ok || n.Sign() == 0 || len(digits) > 20 {
			return u, p.wrong("a factor is a whole number above 0, of up to 20 digits")
		}
		if c := p.peek(); c != 0 && !strings.ContainsRune("./){", rune(c)) {
			return u, p.wrong("a number is joined to a unit by a point: 12.h")
		}
		u = Unit{factor: new(big.Rat).SetInt(n)}
	default:
		if u, err = p.simple(); err != nil {
			return u, err
		}
	}
	if p.peek() == '{' {
		err = p.annotation()
	}
	return u, err
}

func (p *parser) peek() byte {
	if p.i < len(p.code) {
		return p.code[p.i]
	}
	return 0
}

// ten reports whether the number ten for arbitrary powers is next.
func (p *parser) ten() bool {
	return strings.HasPrefix(p.code[p.i:], "10*") || strings.HasPrefix(p.code[p.i:], "10^")
}

func (p *parser) digits() string {
	from := p.i
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.i++
	}
	return p.code[from:p.i]
}

func (p *parser) annotation() error {
	end := strings.IndexAny(p.code[p.i+1:], "{}")
	if end < 0 || p.code[p.i+1+end] == '{' {
		return p.wrong("an annotation is not closed")
	}
	p.i += end + 2
	if c := p.peek(); c != 0 && !strings.ContainsRune("./)", rune(c)) {
		return p.wrong("an annotation stands behind a unit, or by itself")
	}
	return nil
}

// simple reads a unit and its exponent.
func (p *parser) simple() (Unit, error) {
	most := maxExponent
	from := p.i
	if p.ten() {
		p.i += len("10*")
		most = maxPower
	} else {
		for inside := false; p.i < len(p.code); p.i++ {
			c := p.code[p.i]
			if !inside && (c >= '0' && c <= '9' || strings.IndexByte("./(){}+-", c) >= 0) || inside && c == '[' {
				break
			}
			inside = c == '[' || inside && c != ']'
		}
	}
	symbol := p.code[from:p.i]
	u, err := find(symbol)
	if err != nil {
		p.i = from
		return u, p.wrong(err.Error())
	}
	negative := p.peek() == '-'
	signed := negative || p.peek() == '+'
	if signed {
		p.i++
	}
	digits := p.digits()
	if digits == "" {
		if signed {
			return u, p.wrong("a sign without an exponent")
		}
		return u, nil
	}
	n := 0
	for _, c := range digits {
		if n = 10*n + int(c-'0'); n > most {
			return u, p.wrong(fmt.Sprintf("an exponent above %d", most))
		}
	}
	if u.offset != nil {
		return u, p.wrong("a unit whose zero is not nothing (Cel, [degF]) stands by itself")
	}
	return u.power(n, negative)
}

// power raises a unit to a power.
func (u Unit) power(n int, negative bool) (Unit, error) {
	out := one()
	var err error
	for range n {
		if out, err = out.times(u, negative); err != nil {
			return out, err
		}
	}
	return out, nil
}

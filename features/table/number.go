package table

import (
	"bytes"
	"math"
	"strconv"
	"unsafe"
)

// missing are the texts that stand for a missing value in every file: of R, Python, SAS, spreadsheets, the GDC and TCGA. A blank
// cell is missing too. Others are declared with Options.Missing; "None" and "-" are not here, because they are answers elsewhere.
var missing = []string{
	"NA", "N/A", "n/a", "na", "NaN", "nan", "NAN", "null", "NULL", "<NA>", ".",
	"#N/A", "#NA", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!",
	"--", "'--", "not reported", "Not Reported",
	"[Not Available]", "[Not Applicable]", "[Not Evaluated]", "[Unknown]", "[Discrepancy]", "[Completed]",
}

// MissingMarkers returns the texts that stand for a missing value in every file.
func MissingMarkers() []string { return append([]string{""}, missing...) }

// IsMissing reports whether a cell is blank or holds one of MissingMarkers.
func IsMissing(cell []byte) bool {
	if len(cell) == 0 {
		return true
	}
	if c := cell[0]; c >= '0' && c <= '9' || len(cell) > 16 {
		return false // no marker looks so; this is the usual cell
	}
	for _, m := range missing {
		if string(cell) == m {
			return true
		}
	}
	return len(bytes.TrimSpace(cell)) == 0
}

var powersOfTen = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// Number reads a decimal number with a point, correctly rounded. NaN, infinities, hexadecimal and underscores are no numbers here.
// Blanks around it are allowed.
func Number(cell []byte) (float64, bool) {
	b := cell
	if len(b) == 0 {
		return 0, false
	}
	if b[0] <= ' ' || b[len(b)-1] <= ' ' {
		if b = bytes.TrimSpace(b); len(b) == 0 {
			return 0, false
		}
	}
	i, negative := 0, false
	if b[0] == '-' || b[0] == '+' {
		negative = b[0] == '-'
		i = 1
	}
	var mantissa uint64
	digits, exponent, point := 0, 0, false
	for ; i < len(b); i++ {
		c := b[i]
		if c >= '0' && c <= '9' {
			if digits < 19 {
				mantissa = mantissa*10 + uint64(c-'0')
				if mantissa > 0 {
					digits++
				}
				if point {
					exponent--
				}
				continue
			}
			return slowNumber(b)
		}
		if c == '.' && !point {
			point = true
			continue
		}
		if c == 'e' || c == 'E' {
			return slowNumber(b)
		}
		return 0, false
	}
	if digits == 0 && !hasDigit(b) {
		return 0, false
	}
	// Both factors are exact, so one rounding is all there is (Clinger 1990).
	if mantissa < 1<<53 && exponent >= -22 {
		f := float64(mantissa)
		if exponent < 0 {
			f /= powersOfTen[-exponent]
		}
		if negative {
			f = -f
		}
		return f, true
	}
	return slowNumber(b)
}

func hasDigit(b []byte) bool {
	for _, c := range b {
		if c >= '0' && c <= '9' {
			return true
		}
	}
	return false
}

// slowNumber leaves the rounding to strconv. The string shares the bytes and does not outlive the call.
func slowNumber(b []byte) (float64, bool) {
	for _, c := range b {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(unsafe.String(&b[0], len(b)), 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// CommaNumber reads a number whose decimal sign is a comma, 1,5, or which has none. A point in it is an error.
func CommaNumber(cell []byte) (float64, bool) {
	if bytes.IndexByte(cell, '.') >= 0 {
		return 0, false
	}
	if bytes.IndexByte(cell, ',') < 0 {
		return Number(cell)
	}
	return decimalComma(cell)
}

// decimalComma reports whether a cell reads as a number once its comma is a point, and returns that number.
func decimalComma(cell []byte) (float64, bool) {
	if bytes.Count(cell, []byte{','}) != 1 || bytes.IndexByte(cell, '.') >= 0 {
		return 0, false
	}
	return Number(bytes.Replace(cell, []byte{','}, []byte{'.'}, 1))
}

func infinite(cell []byte) bool {
	switch string(bytes.ToLower(bytes.TrimLeft(bytes.TrimSpace(cell), "+-"))) {
	case "inf", "infinity", "1.#inf", "∞":
		return true
	}
	return false
}

package genes

import (
	"slices"
	"strconv"
	"strings"
)

// Spreadsheets take gene symbols for dates and write them as dates of their language (Ziemann and others 2016; Abeysooriya and others
// 2021): MARCH1 becomes 1-Mar, Mar-01, 1-Mrz, 01.03.2021 or 2021-03-01.
var (
	dayMonth = pattern(`^0?(\d{1,2})(?:[-/ ]|\. ?)(\p{L}{3,7})\.?(?:[-/. ]\d{2}(?:\d{2})?)?$`) // 1-Mar, 01.Mrz, 1-mar-21
	monthDay = pattern(`^(\p{L}{3,4})-0?(\d{1,2})$`)                                           // Mar-01, in English only
	isoDate  = pattern(`^\d{4}([-/.])(\d{1,2})([-/.])(\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?)?$`)
	anyDate  = pattern(`^(\d{1,2})([-/.])(\d{1,2})([-/.])\d{2}(?:\d{2})?$`) // 3/1/2021 or 1.3.2021: the day's place is not known
)

// dateSymbols are the symbols that a month was, with the numbers that there are. SEP15 is the one selenoprotein among septins 1 to 14.
var dateSymbols = map[int]struct {
	stem string
	last int
}{2: {"FEB", 10}, 3: {"MARCH", 11}, 4: {"APR", 3}, 9: {"SEPT", 15}, 10: {"OCT", 11}, 12: {"DEC", 2}}

// monthNames are how spreadsheets shorten the months that were symbols, in lower case, by language.
var monthNames = map[string]int{
	"feb": 2, "febr": 2, "fev": 2, "fév": 2, "févr": 2, "helmi": 2, "lut": 2,
	"mar": 3, "march": 3, "mär": 3, "märz": 3, "mrz": 3, "mars": 3, "mrt": 3, "maa": 3, "maalis": 3, "marec": 3, "márc": 3, "mart": 3,
	"apr": 4, "abr": 4, "avr": 4, "huhti": 4, "kwi": 4, "ápr": 4,
	"sep": 9, "sept": 9, "set": 9, "syys": 9, "wrz": 9, "szept": 9, "eyl": 9,
	"oct": 10, "okt": 10, "ott": 10, "out": 10, "loka": 10, "paź": 10, "eki": 10,
	"dec": 12, "dez": 12, "dic": 12, "déc": 12, "des": 12, "joulu": 12, "gru": 12, "ara": 12,
}

// englishMonths are the months that are written before the day.
var englishMonths = []string{"feb", "mar", "apr", "sep", "sept", "oct", "dec"}

// Mangled returns the symbols that a name may have been before a spreadsheet took it for a date: none where it is no such date, and two
// where day and month cannot be told apart. MARC1 and MARC2 were mangled as MARCH1 and MARCH2 were; the latter are taken.
func Mangled(name string) []string {
	if len(name) < 4 || len(name) > 24 {
		return nil
	}
	digit := name[0] >= '0' && name[0] <= '9'
	if !digit {
		if m := monthDay().FindStringSubmatch(name); m != nil && slices.Contains(englishMonths, strings.ToLower(m[1])) {
			return dateSymbol(monthNames[strings.ToLower(m[1])], m[2])
		}
		return nil
	}
	if m := dayMonth().FindStringSubmatch(name); m != nil {
		return dateSymbol(monthNames[strings.ToLower(m[2])], m[1])
	}
	if m := isoDate().FindStringSubmatch(name); m != nil && m[1] == m[3] {
		month, _ := strconv.Atoi(m[2])
		return dateSymbol(month, m[4])
	}
	if m := anyDate().FindStringSubmatch(name); m != nil && m[2] == m[4] {
		first, _ := strconv.Atoi(m[1])
		second, _ := strconv.Atoi(m[3])
		if m[2] == "." { // no language writes the month first with points
			return dateSymbol(second, m[1])
		}
		both := append(dateSymbol(first, m[3]), dateSymbol(second, m[1])...)
		return slices.Compact(both)
	}
	return nil
}

// dateSymbol is the symbol of a month and a number, if there is one.
func dateSymbol(month int, number string) []string {
	s, ok := dateSymbols[month]
	n, _ := strconv.Atoi(number)
	if !ok || n < 1 || n > s.last {
		return nil
	}
	if s.stem == "SEPT" && n == 15 {
		return []string{"SEP15"}
	}
	return []string{s.stem + strconv.Itoa(n)}
}

// Repaired reports a name that a spreadsheet mangled as the symbol it was, for example MARCH1 of 1-Mar, where it can have been one only.
func Repaired(name string) (string, bool) {
	if was := Mangled(name); len(was) == 1 {
		return was[0], true
	}
	return name, false
}

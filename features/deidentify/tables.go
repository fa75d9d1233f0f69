package deidentify

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/voxgene/voxgene/features/table"
)

// sheet is a table of texts.
type sheet struct {
	separator rune
	header    []string
	rows      [][]string
	ids       []int // columns that hold identifiers of patients
	matrix    bool  // its columns are patients, and its rows are not
	several   int   // cells of identifiers, kept when the rows are not
}

// tableFile says by its name whether a file may be a table.
var tableFile = regexp.MustCompile(`(?i)\.(csv|tsv|txt)(\.gz)?$`)

// readSheet reads a table whose first line names its columns; those called as in columns hold identifiers.
func readSheet(b []byte, columns []string) (*sheet, error) {
	text, err := table.NewText("the table", bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(text)
	if err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(string(content), "\n")
	s := &sheet{separator: ','}
	for _, r := range "\t;" {
		if strings.Count(first, string(r)) > strings.Count(first, string(s.separator)) {
			s.separator = r
		}
	}
	r := csv.NewReader(bytes.NewReader(content))
	r.Comma, r.FieldsPerRecord = s.separator, -1
	all, err := r.ReadAll()
	if err != nil {
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			return nil, fmt.Errorf("line %d is not of a table: %w", parse.Line, parse.Err)
		}
		return nil, err
	}
	if len(all) < 2 {
		return nil, errors.New("it has no rows below its header")
	}
	s.header, s.rows = all[0], all[1:]
	for i, row := range s.rows {
		if len(row) != len(s.header) {
			return nil, fmt.Errorf("row %d has %d cells, and the header has %d", i+2, len(row), len(s.header))
		}
	}
	for i, h := range s.header {
		if slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, strings.TrimSpace(h)) }) {
			s.ids = append(s.ids, i)
		}
	}
	return s, nil
}

// Column is what was done with a column of a table.
type Column struct {
	Table  string `json:"table"` // as it is now called
	Column string `json:"column"`
	Done   string `json:"done"`
}

// kinds of columns that the name alone decides.
var (
	personal = regexp.MustCompile(`(?i)(^|[^a-z])(name|names|surname|forename|firstname|lastname|initials|birth|birthdate|dob|birthday|address|street|city|town|zip|zipcode|zip_code|postcode|postal|phone|telephone|tel|fax|email|mail|mrn|ssn|nhs|insurance|accession|physician|surgeon|doctor|radiologist|referrer|operator|hospital_number|medical_record|comment|comments|note|notes|remark|remarks|free_text|url|website)([^a-z]|$)|date_?of_?birth|birth_?date|patient_?name|first_?name|last_?name`)
	ages     = regexp.MustCompile(`(?i)(^|[^a-z])age([^a-z]|$)`)
	years    = regexp.MustCompile(`(?i)(^|[^a-z])year([^a-z]|$)`)
	numbered = regexp.MustCompile(`(?i)(^|[^a-z])(id|ids|number|nr|no|code|key)([^a-z]|$)`)
	digits   = regexp.MustCompile(`^[0-9]{6,}$`)
)

// layouts are those in which a column's dates may be written. A column of which two that differ in day and month fit is no date that can be moved.
var layouts = []string{"2006-01-02", "20060102", "2006/01/02", "2006.01.02", "02.01.2006", "02/01/2006", "01/02/2006", "02-01-2006", "01-02-2006", "2.1.2006", "2/1/2006", "1/2/2006",
	"02-Jan-2006", "2-Jan-2006", "02 Jan 2006", "2 January 2006", "Jan 2, 2006", "January 2, 2006", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04", "01/02/06", "02/01/06", "02.01.06"}

// named reports whether a table without a column of identifiers has them for names of columns.
func (s *sheet) named(ids *identifiersOf) bool {
	return len(s.ids) == 0 && s.inHeader(ids) >= 2
}

// inHeader is how many columns are called as a patient.
func (s *sheet) inHeader(ids *identifiersOf) int {
	n := 0
	for _, h := range s.header {
		if id, _ := ids.find(h); id != "" {
			n++
		}
	}
	return n
}

// clean gives a table new identifiers, moves its dates, and empties what may name someone. Columns whose names match keep stay as they are but for
// identifiers.
func (s *sheet) clean(ids *identifiersOf, keep []string) []Column {
	var done []Column
	patients := make([]string, len(s.rows))
	for i, row := range s.rows {
		for _, c := range s.ids {
			if patients[i] == "" {
				patients[i] = strings.TrimSpace(row[c])
			}
		}
	}
	for c := range s.header {
		name := s.header[c]
		s.header[c], _ = ids.replace(name)
		var what string
		if slices.Contains(s.ids, c) {
			for _, row := range s.rows {
				if id := strings.TrimSpace(row[c]); id != "" {
					row[c] = ids.pseudonym(id)
				}
			}
			what = "identifiers replaced"
		} else {
			what = s.column(c, name, patients, ids, s.matrix || table.MatchAny(keep, name))
		}
		if what != "" {
			done = append(done, Column{Column: s.header[c], Done: what})
		}
	}
	return done
}

// column cleans one column, and says what was done where anything was.
func (s *sheet) column(c int, name string, patients []string, ids *identifiersOf, kept bool) string {
	var cells []string
	numbers, paths, named := 0, 0, false
	for _, row := range s.rows {
		v := strings.TrimSpace(row[c])
		if table.IsMissing([]byte(v)) {
			continue
		}
		cells = append(cells, v)
		if _, err := strconv.ParseFloat(v, 64); err == nil {
			numbers++
		}
		if _, e := cutExtension(v); e != "" {
			paths++
		}
		if id, _ := ids.find(v); id != "" {
			named = true
		}
	}
	empty := func() {
		for _, row := range s.rows {
			row[c] = ""
		}
	}
	count := map[string]int{} // of values that are no numbers
	var withDigits []string
	decimal := false
	for _, v := range cells {
		if strings.ContainsAny(v, "0123456789") {
			withDigits = append(withDigits, v)
		}
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			count[v]++
		} else if strings.Contains(v, ".") {
			decimal = true
		}
	}
	switch layout, ambiguous := dateLayout(withDigits); {
	case len(cells) == 0:
		return ""
	case kept && numbers == len(cells):
		return ""
	case kept:
		s.eachCell(c, func(_ int, v string) string { v, _ = ids.replace(v); return v })
		return map[bool]string{true: "", false: "kept as asked"}[s.matrix]
	case personal.MatchString(name) && !(decimal && numbers == len(cells)), numbered.MatchString(name) && numbers == len(cells) && !slices.ContainsFunc(cells, func(v string) bool { return !digits.MatchString(v) }):
		empty()
		return "emptied: its name says that it may name someone"
	case ambiguous:
		empty()
		return "emptied: its dates may be of day and month or of month and day; write them as year-month-day"
	case layout != "":
		s.eachCell(c, func(row int, v string) string {
			if count[v] >= structural && !strings.ContainsAny(v, "0123456789") {
				return v // such as "not collected"
			}
			return moved(v, layout, patients[row], ids)
		})
		return "dates moved"
	case years.MatchString(name) && numbers == len(cells) && yearsIn(cells):
		s.eachCell(c, func(row int, v string) string {
			if patients[row] == "" {
				return ""
			}
			return shift(v, ids.days(patients[row]))
		})
		return "years moved"
	case ages.MatchString(name) && numbers == len(cells):
		n := 0
		s.eachCell(c, func(_ int, v string) string {
			if age, err := strconv.ParseFloat(v, 64); err == nil && age > 89 && age < 130 {
				n++
				return "90"
			}
			return v
		})
		if n > 0 {
			return "ages of 90 years and more are 90"
		}
		return ""
	case paths == len(cells) && named:
		s.eachCell(c, func(_ int, v string) string { return ids.path(strings.TrimPrefix(v, "./")) })
		return "paths replaced"
	case numbers == len(cells):
		return ""
	case named:
		s.eachCell(c, func(_ int, v string) string { v, _ = ids.replace(v); return v })
		if s.categories(c) {
			return "identifiers replaced"
		}
	}
	if s.categories(c) {
		return ""
	}
	// Texts that are each patient's own: barcodes of identifiers alone stay, anything else may be a sentence or a name.
	if named && s.onlyPseudonyms(c, ids) {
		return "identifiers replaced"
	}
	empty()
	return "emptied: free text, or values of one patient each; --keep keeps it"
}

// eachCell replaces the values of a column that are not missing.
func (s *sheet) eachCell(c int, to func(row int, v string) string) {
	for i, row := range s.rows {
		if v := strings.TrimSpace(row[c]); !table.IsMissing([]byte(v)) {
			row[c] = to(i, v)
		}
	}
}

// categories reports whether a column's values are few words that several rows share: none is a sentence, and no more than one in ten rows has a value
// of its own.
func (s *sheet) categories(c int) bool {
	count := map[string]int{}
	for _, row := range s.rows {
		if v := strings.TrimSpace(row[c]); !table.IsMissing([]byte(v)) {
			count[v]++
		}
	}
	single := 0
	for v := range count {
		if _, err := strconv.ParseFloat(v, 64); err == nil { // numbers among words, as in "not collected"
			delete(count, v)
		}
	}
	for v, n := range count {
		if len(strings.Fields(v)) > 8 {
			return false
		}
		if n == 1 {
			single++
		}
	}
	return single*10 <= len(s.rows) && len(count)*2 <= max(len(s.rows), 2)
}

// onlyPseudonyms reports whether a column's values are pseudonyms with what barcodes add: short words that values share.
func (s *sheet) onlyPseudonyms(c int, ids *identifiersOf) bool {
	count := map[string]int{}
	for _, row := range s.rows {
		for _, t := range tokens(row[c]) {
			if !strings.HasPrefix(t.word, "VX") || len(t.word) != 14 {
				count[t.word]++
			}
		}
	}
	for w, n := range count {
		if n < min(structural, len(s.rows)) || len(w) > 6 {
			return false
		}
	}
	return true
}

// dateLayout is how nearly all of a column's values are written as dates, "" where they are none; ambiguous where day and month may be either.
func dateLayout(cells []string) (layout string, ambiguous bool) {
	var fit []string
	most := max(1, int(math.Ceil(0.8*float64(len(cells)))))
	for _, l := range layouts {
		n := 0
		for _, v := range cells {
			if t, err := time.Parse(l, v); err == nil && t.Year() >= 1880 && t.Year() <= 2150 {
				n++
			}
		}
		switch {
		case n > most || n == most && fit == nil:
			fit, most = []string{l}, n
		case n == most:
			fit = append(fit, l)
		}
	}
	if fit == nil {
		return "", false
	}
	for _, l := range fit[1:] {
		for _, v := range cells {
			a, errA := time.Parse(fit[0], v)
			b, errB := time.Parse(l, v)
			if errA == nil && errB == nil && !a.Equal(b) {
				return "", true
			}
		}
	}
	return fit[0], false
}

// moved moves a date; what is none, or nobody's, goes.
func moved(v, layout, patient string, ids *identifiersOf) string {
	t, err := time.Parse(layout, v)
	if err != nil || patient == "" {
		return ""
	}
	return t.AddDate(0, 0, -ids.days(patient)).Format(layout)
}

// yearsIn reports whether all values are years of this and the last century.
func yearsIn(cells []string) bool {
	for _, v := range cells {
		if y, err := strconv.ParseFloat(v, 64); err != nil || y != math.Trunc(y) || y < 1900 || y > 2100 || len(v) != 4 {
			return false
		}
	}
	return true
}

// encode writes the table as it was separated.
func (s *sheet) encode() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma = s.separator
	if err := w.WriteAll(append([][]string{s.header}, s.rows...)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

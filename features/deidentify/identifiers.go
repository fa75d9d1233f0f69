package deidentify

import (
	"encoding/hex"
	"slices"
	"strings"
	"unicode"
)

// identifiersOf are the identifiers of a cohort's patients, as its tables and DICOM files give them, by which files and cells are told whose they are.
type identifiersOf struct {
	key     Key
	issuers map[string]string // by identifier; empty where none or several are known
	sorted  []string          // longest first, so that P10 is not taken for P1
	shared  map[string]map[string]bool
}

// structural is how many patients' file names must have a word in common for it to be no patient's own.
const structural = 3

func newIdentifiers(key Key) *identifiersOf {
	return &identifiersOf{key: key, issuers: map[string]string{}, shared: map[string]map[string]bool{}}
}

// add adds a patient; an issuer that differs between files counts as none.
func (ids *identifiersOf) add(id, issuer string) {
	if id = strings.TrimSpace(id); id == "" {
		return
	}
	was, known := ids.issuers[id]
	switch {
	case !known, was == "":
		ids.issuers[id] = issuer
	case issuer != "" && issuer != was:
		ids.issuers[id] = ""
	}
	ids.sorted = nil
}

func (ids *identifiersOf) list() []string {
	if ids.sorted == nil {
		for id := range ids.issuers {
			ids.sorted = append(ids.sorted, id)
		}
		slices.SortFunc(ids.sorted, func(a, b string) int {
			if len(a) != len(b) {
				return len(b) - len(a)
			}
			return strings.Compare(a, b)
		})
	}
	return ids.sorted
}

// pseudonym is the new name of a patient.
func (ids *identifiersOf) pseudonym(id string) string { return ids.key.Pseudonym(id, ids.issuers[id]) }

// days is by how many days a patient's dates go back.
func (ids *identifiersOf) days(id string) int { return ids.key.Days(id, ids.issuers[id]) }

// find returns the first identifier in a text that stands there by itself, between characters that are neither letters nor digits, and where. One of
// fewer than three characters must be all of the text.
func (ids *identifiersOf) find(text string) (id string, at int) {
	for _, id := range ids.list() {
		if len(id) < 3 {
			if text == id {
				return id, 0
			}
			continue
		}
		for from := 0; ; {
			i := strings.Index(text[from:], id)
			if i < 0 {
				break
			}
			i += from
			if !edge(text[:i], true) && !edge(text[i+len(id):], false) {
				return id, i
			}
			from = i + 1
		}
	}
	return "", -1
}

// edge reports whether a text goes on with a letter or digit: at its end, or at its beginning.
func edge(text string, end bool) bool {
	rs := []rune(text)
	if len(rs) == 0 {
		return false
	}
	r := rs[0]
	if end {
		r = rs[len(rs)-1]
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// replace puts the new names of patients for their identifiers in a text and returns the patient that was first named.
func (ids *identifiersOf) replace(text string) (out, patient string) {
	for {
		id, at := ids.find(text)
		if id == "" {
			return text, patient
		}
		if patient == "" {
			patient = id
		}
		text = text[:at] + ids.pseudonym(id) + text[at+len(id):]
	}
}

// patientOf is whose a file is by its path: the identifier nearest to its name. Folders say it where the name of the file does not.
func (ids *identifiersOf) patientOf(path string) string {
	parts := strings.Split(path, "/")
	for i := len(parts) - 1; i >= 0; i-- {
		part := parts[i]
		if i == len(parts)-1 {
			part, _ = cutExtension(part)
		}
		if id, _ := ids.find(part); id != "" {
			return id
		}
	}
	return ""
}

// learn counts the words of a patient's path, so that those of many are known to be the cohort's own.
func (ids *identifiersOf) learn(path, patient string) {
	for _, part := range strings.Split(path, "/") {
		part, _ = cutExtension(part)
		part, _ = ids.replace(part)
		for _, t := range tokens(part) {
			w := strings.ToUpper(t.word)
			if ids.shared[w] == nil {
				ids.shared[w] = map[string]bool{}
			}
			ids.shared[w][patient] = true
		}
	}
}

// path is a path with new names: identifiers are replaced, words of the field and of several patients stay, and any other is a keyed hash.
func (ids *identifiersOf) path(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		name, extension := part, ""
		if i == len(parts)-1 {
			name, extension = cutExtension(part)
		}
		name, _ = ids.replace(name)
		var b strings.Builder
		for _, t := range tokens(name) {
			w := strings.ToUpper(t.word)
			before := strings.Map(func(r rune) rune {
				if strings.ContainsRune("_-. +()", r) {
					return r
				}
				return '_'
			}, t.before)
			b.WriteString(before)
			switch {
			case len(ids.shared[w]) >= structural, vocabulary[w], measures.MatchString(w), strings.HasPrefix(w, "VX") && len(w) == 14:
				b.WriteString(t.word)
			default:
				b.WriteString("x" + hex.EncodeToString(ids.key.hash("word", t.word)[:3]))
			}
		}
		if parts[i] = b.String(); strings.Trim(parts[i], ".") == "" {
			parts[i] = "x"
		}
		parts[i] += extension
	}
	return strings.Join(parts, "/")
}

// extensions are of the files that are written.
var extensions = []string{".nii.gz", ".nii", ".nrrd", ".csv.gz", ".tsv.gz", ".txt.gz", ".csv", ".tsv", ".txt", ".dcm"}

// cutExtension splits a name before its extension, of those that are known.
func cutExtension(name string) (stem, extension string) {
	lower := strings.ToLower(name)
	for _, e := range extensions {
		if strings.HasSuffix(lower, e) {
			return name[:len(name)-len(e)], e
		}
	}
	return name, ""
}

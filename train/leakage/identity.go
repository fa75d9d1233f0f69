package leakage

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// dividedPatients reports patients who are tested in one fold of a repeat while other rows of theirs train in it.
func dividedPatients(in Input) []Finding {
	if in.Fold == nil || in.Patient == nil {
		return nil
	}
	first := map[int]int{} // row of each patient
	divided := map[int]bool{}
	var rows []int
	for i, p := range in.Patient {
		if in.Fold[i] == "" {
			continue
		}
		j, ok := first[p]
		if !ok {
			first[p] = i
			continue
		}
		if in.Fold[i] != in.Fold[j] && !divided[p] {
			divided[p] = true
			rows = append(rows, j, i)
		}
	}
	if len(divided) == 0 {
		return nil
	}
	return []Finding{{Level: Warning, Check: "patient_in_two_folds", Rows: rows,
		Text: fmt.Sprintf("%d patients have rows in more than one fold: a model is tested on patients it was trained on. Divide patients, not rows (slices, lesions, visits).", len(divided))}}
}

// pattern compiles a regular expression when it is first asked for.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// part are endings that name a part of a patient: a slice, lesion, region, visit, scan, series, aliquot, replicate and its number. A number alone is no such
// ending, because patients are numbered.
var part = pattern(`(?i)[-_. ](slice|slc|lesion|les|roi|region|tumou?r|nodule|visit|scan|session|ses|series|timepoint|tp|aliquot|sample|replicate|rep|run|copy|dup|duplicate|baseline|followup|follow-up)[-_. ]?[0-9]*$`)

// barcode is an aliquot of the Cancer Genome Atlas; its first three parts are the patient.
var barcode = pattern(`(?i)^(TCGA-[A-Z0-9]{2}-[A-Z0-9]{4})-[0-9]{2}`)

// whose is the patient that an identifier names beside a part of him; the identifier itself where it names none.
func whose(id string) string {
	if m := barcode().FindStringSubmatch(id); m != nil {
		return strings.ToUpper(m[1])
	}
	if at := part().FindStringIndex(id); at != nil && at[0] > 0 {
		return id[:at[0]]
	}
	return id
}

// partsOfPatients reports rows that are listed as patients of their own while their names are those of parts of one: aliquots of a tumour, lesions,
// slices, visits.
func partsOfPatients(in Input) []Finding {
	if in.ID == nil {
		return nil
	}
	rows := map[string][]int{}
	for i, id := range in.ID {
		w := whose(id)
		rows[w] = append(rows[w], i)
	}
	patients := 0
	var found []int
	for i, id := range in.ID {
		w := whose(id)
		of := rows[w]
		if of[0] != i {
			continue
		}
		for _, j := range of[1:] {
			if in.ID[j] != id && !in.samePatient(i, j) {
				patients++
				found = append(found, i, j)
				break
			}
		}
	}
	if patients == 0 {
		return nil
	}
	names := "several rows"
	if slices.ContainsFunc(in.ID, barcode().MatchString) {
		names = "several aliquots or samples"
	}
	return []Finding{{Level: Warning, Check: "parts_of_patients", Rows: found,
		Text: fmt.Sprintf("%d patients are listed under %s as patients of their own, by their names. One on each side of a fold is leakage: keep one of each, or give the patient's name (id_pattern).", patients, names)}}
}

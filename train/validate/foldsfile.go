package validate

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// maxFoldRows bounds a folds file.
const maxFoldRows = 10_000_000

// ReadFolds reads the user's own folds from a CSV with the columns patient, fold and, where patients are divided more than once,
// repeat. Each repeat puts a patient into the test set of one fold. Patients of the file that are not among ids are passed over
// (their outcome may not be known); a patient of ids that a repeat of the file leaves out is an error, and so is one that is
// there twice, or in two folds where the file has a line for each lesion or visit (a column of that name). Folds and repeats are numbered as they sort, numbers as numbers.
func ReadFolds(path string, ids []string) ([]Fold, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	folds, err := readFolds(f, ids)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return folds, nil
}

func readFolds(in io.Reader, ids []string) ([]Fold, error) {
	r := csv.NewReader(in)
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("no header: %w", err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	column := func(name string) int { return slices.Index(header, name) }
	patient, fold, repeat := column("patient"), column("fold"), column("repeat")
	rows := column("lesion") >= 0 || column("visit") >= 0 // a patient then has a line a row, all in one fold
	if patient < 0 || fold < 0 {
		return nil, fmt.Errorf("line 1: want the columns patient and fold (and repeat), found %v", header)
	}
	row := make(map[string][]int, len(ids))
	for i, id := range ids {
		row[id] = append(row[id], i)
	}
	given := map[string]map[string]string{} // fold by repeat and patient
	for lines := 0; ; lines++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if lines >= maxFoldRows {
			return nil, fmt.Errorf("more than %d lines", maxFoldRows)
		}
		line, _ := r.FieldPos(0)
		rep := "1"
		if repeat >= 0 {
			rep = record[repeat]
		}
		if record[fold] == "" {
			return nil, fmt.Errorf("line %d: patient %q has no fold", line, record[patient])
		}
		if given[rep] == nil {
			given[rep] = map[string]string{}
		}
		if before, ok := given[rep][record[patient]]; ok && (before != record[fold] || !rows) {
			return nil, fmt.Errorf("line %d: patient %q is in fold %s already; all that is known of a patient is on one side of a fold", line, record[patient], before)
		}
		given[rep][record[patient]] = record[fold]
	}
	if len(given) == 0 {
		return nil, errors.New("no line after the header")
	}
	var out []Fold
	for number, rep := range inOrder(given) {
		names := map[string]bool{}
		for _, id := range ids {
			k, ok := given[rep][id]
			if !ok {
				return nil, fmt.Errorf("repeat %s: patient %q has no fold", rep, id)
			}
			names[k] = true
		}
		if len(names) < 2 {
			return nil, fmt.Errorf("repeat %s: all patients are in one fold", rep)
		}
		for k, name := range inOrder(names) {
			f := Fold{Repeat: number, Number: k}
			for i, id := range ids {
				if given[rep][id] == name {
					f.Test = append(f.Test, i)
				} else {
					f.Train = append(f.Train, i)
				}
			}
			out = append(out, f)
		}
	}
	return out, nil
}

// inOrder returns the keys sorted, numbers before texts and as numbers.
func inOrder[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		x, errX := strconv.Atoi(a)
		y, errY := strconv.Atoi(b)
		switch {
		case errX == nil && errY == nil && x != y:
			return x - y
		case errX == nil && errY != nil:
			return -1
		case errX != nil && errY == nil:
			return 1
		}
		return strings.Compare(a, b)
	})
	return keys
}

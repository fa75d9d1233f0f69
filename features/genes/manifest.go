package genes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/table"
)

// manifestFile is a row of a GDC manifest.
type manifestFile struct {
	id, name string
	size     int64 // −1 where the manifest does not say
}

// readManifest reads the manifest of a GDC download: id, filename, md5, size, state, separated by tabs.
func readManifest(path string) ([]manifestFile, error) {
	names, err := table.Header(path)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, "id") || !slices.Contains(names, "filename") {
		return nil, fmt.Errorf("%s: a GDC manifest has the columns id, filename, md5, size and state; the header has %s", path, some(names))
	}
	columns := []string{"filename"}
	if slices.Contains(names, "size") {
		columns = append(columns, "size")
	}
	t, err := table.ReadTexts(path, table.Options{Key: "id", Columns: columns})
	if err != nil {
		return nil, err
	}
	var problems table.Problems
	out := make([]manifestFile, len(t.Keys))
	seen := map[string]int{}
	for i, k := range t.Keys {
		f := manifestFile{k.Patient, t.Column("filename")[i], -1}
		if f.name == "" || strings.ContainsAny(f.name, `/\`) || strings.ContainsAny(f.id, `/\`) || f.id == ".." {
			problems.Add(path, t.Lines[i], "filename", "%q is no name of a file", f.name)
		}
		if sizes := t.Column("size"); sizes != nil && sizes[i] != "" {
			if f.size, err = strconv.ParseInt(sizes[i], 10, 64); err != nil || f.size < 0 {
				problems.Add(path, t.Lines[i], "size", "%q is no size", sizes[i])
			}
		}
		if before, ok := seen[f.id]; ok {
			problems.Add(path, t.Lines[i], "id", "file %s is on line %d already", f.id, before)
		}
		seen[f.id] = t.Lines[i]
		out[i] = f
	}
	return out, problems.Err()
}

// checkManifest keeps the entries of the files that a manifest lists, and says which of those have no patient, are not there, or have
// another size than they should: a download that broke off.
func checkManifest(path, sheet string, entries []sheetEntry, at map[string]string) ([]sheetEntry, error) {
	list, err := readManifest(path)
	if err != nil {
		return nil, err
	}
	var problems table.Problems
	whose := map[string]int{}
	for i, e := range entries {
		whose[e.file] = i
	}
	var out []sheetEntry
	for n, f := range list {
		i, ok := whose[f.name]
		if !ok {
			problems.Add(path, n+2, "filename", "%s does not say whose file %s is", sheet, f.name)
			continue
		}
		out = append(out, entries[i])
		lies, ok := at[f.name]
		if !ok {
			problems.Add(path, n+2, "filename", "file %s is not in the folder; download it again", f.name)
			continue
		}
		info, err := os.Stat(lies)
		if err == nil && f.size >= 0 && info.Size() != f.size && filepath.Base(lies) == f.name {
			problems.Add(path, n+2, "size", "%s has %d bytes and should have %d; download it again", lies, info.Size(), f.size)
		}
	}
	return out, problems.Err()
}

// maxMetadata bounds a metadata file of the GDC's cart.
const maxMetadata = 512 << 20

// readCart reads the metadata that the GDC portal gives with a cart (metadata.cart.….json): of each file the aliquot that it was made
// from, whose barcode holds patient, sample type and plate.
func readCart(path string) ([]sheetEntry, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxMetadata {
		return nil, fmt.Errorf("%s: more than %d bytes", path, maxMetadata)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []struct {
		Name     string `json:"file_name"`
		Entities []struct {
			Barcode string `json:"entity_submitter_id"`
			Type    string `json:"entity_type"`
		} `json:"associated_entities"`
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("%s: this is no metadata of a GDC cart: %w", path, err)
	}
	var out []sheetEntry
	var problems []error
	for _, f := range list {
		if f.Name == "" || len(f.Entities) == 0 {
			problems = append(problems, fmt.Errorf("%s: file %q has no associated_entities, so nobody knows whose it is", path, f.Name))
			continue
		}
		name := f.Entities[0].Barcode
		e := sheetEntry{file: f.Name, sample: name, patient: name}
		if code, ok := ParseBarcode(name); ok {
			e.patient = code.Patient
		}
		out = append(out, e)
	}
	if len(problems) == 0 && len(out) == 0 {
		return nil, fmt.Errorf("%s: no file is listed", path)
	}
	return out, errors.Join(problems...)
}

// findSheet looks in a folder for what says whose each file is: the portal's sample sheet, else the metadata of a cart.
func findSheet(dir string) (string, error) {
	for _, pattern := range []string{"gdc_sample_sheet*.tsv", "metadata.*.json"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		switch {
		case err == nil && len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return "", fmt.Errorf("%s: %d files are named %s; name the right one with sample_sheet", dir, len(found), pattern)
		}
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return "", fmt.Errorf("%s: no file is named gdc_sample_sheet*.tsv or metadata.*.json; name the sample sheet, which says whose each file is, with sample_sheet "+
		"(a manifest does not say it)", dir)
}

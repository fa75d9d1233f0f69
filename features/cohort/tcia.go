package cohort

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/table"
)

// series is a row of the metadata.csv that the TCIA's downloader (NBIA Data Retriever) writes beside the images of a manifest.
type series struct {
	uid, patient, modality, description string
	folder                              string
}

// tciaColumns are the columns that are read, with the names that versions of the downloader have given them.
var tciaColumns = [][]string{{"Series UID", "Series Instance UID", "Series ID"}, {"Subject ID", "Patient ID"}, {"Modality"}, {"Series Description"}, {"File Location"}}

// readTCIA reads which series belongs to which patient, and where it lies: metadata.csv of a TCIA download. Of a manifest (.tcia), which
// is only a list of series, the metadata.csv beside it is read, and each series that it lists has to be there.
func readTCIA(path string) ([]series, error) {
	var wanted []string
	metadata := path
	if strings.EqualFold(filepath.Ext(path), ".tcia") {
		var err error
		if wanted, err = readManifest(path); err != nil {
			return nil, err
		}
		metadata = filepath.Join(filepath.Dir(path), "metadata.csv")
		if _, err := os.Stat(metadata); err != nil {
			return nil, fmt.Errorf("%s: a manifest does not say whose its series are; the downloader writes metadata.csv beside the images: %w", path, err)
		}
	}
	names, err := table.Header(metadata)
	if err != nil {
		return nil, err
	}
	at := make([]string, len(tciaColumns))
	for k, list := range tciaColumns {
		i := slices.IndexFunc(list, func(n string) bool { return slices.Contains(names, n) })
		if i < 0 {
			return nil, fmt.Errorf("%s: no column is named %s; is it the metadata.csv of a TCIA download? The header has %s", metadata, list[0], strings.Join(names, ", "))
		}
		at[k] = list[i]
	}
	t, err := table.ReadTexts(metadata, table.Options{Key: at[0], Columns: at[1:]})
	if err != nil {
		return nil, err
	}
	var problems table.Problems
	var out []series
	seen := map[string]bool{}
	for i, k := range t.Keys {
		s := series{k.Patient, t.Column(at[1])[i], t.Column(at[2])[i], t.Column(at[3])[i], t.Column(at[4])[i]}
		where := filepath.FromSlash(strings.TrimPrefix(strings.ReplaceAll(s.folder, `\`, "/"), "./"))
		if s.patient == "" || !filepath.IsLocal(where) {
			problems.Add(metadata, t.Lines[i], at[4], "series %s has no patient, or does not lie below this file: %q", s.uid, s.folder)
			continue
		}
		s.folder = filepath.Join(filepath.Dir(metadata), where)
		seen[s.uid] = true
		if wanted == nil || slices.Contains(wanted, s.uid) {
			out = append(out, s)
		}
	}
	for _, uid := range wanted {
		if !seen[uid] {
			problems.Add(metadata, 0, "", "series %s of %s is not here; download it again", uid, path)
		}
	}
	return out, problems.Err()
}

// readManifest reads the series that a TCIA manifest lists: settings, then ListOfSeriesToDownload= and a UID a line.
func readManifest(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(b) > 64<<20 {
		return nil, fmt.Errorf("%s: more than 64 MB for a list of series", path)
	}
	_, list, ok := strings.Cut(string(b), "ListOfSeriesToDownload=")
	uids := strings.Fields(list)
	if !ok || len(uids) == 0 {
		return nil, fmt.Errorf("%s: a TCIA manifest has the line ListOfSeriesToDownload= and series below it", path)
	}
	for _, u := range uids {
		if len(u) > 64 || strings.Trim(u, "0123456789.") != "" {
			return nil, fmt.Errorf("%s: %.80q is no UID of a series", path, u)
		}
	}
	return uids, nil
}

// pick returns the one series of a patient whose modality and description, MR/T1 post contrast, have the form of a pattern, or why there is
// none. A folder of one file, as those of segmentations and structure sets are, is that file.
func pick(all []series, patient, pattern string) (path, why string) {
	var found, has []string
	for _, s := range all {
		if s.patient != patient {
			continue
		}
		name := s.modality + "/" + s.description
		has = append(has, name)
		if table.Match(pattern, name) || table.Match(pattern, s.modality) {
			found = append(found, s.folder)
		}
	}
	switch {
	case has == nil:
		return "", "the manifest has no series of the patient"
	case len(found) == 0:
		return "", fmt.Sprintf("no series has the form %s; there are %s", pattern, strings.Join(has, ", "))
	case len(found) > 1:
		return "", fmt.Sprintf("%d series have the form %s; one is wanted; there are %s", len(found), pattern, strings.Join(has, ", "))
	}
	entries, err := os.ReadDir(found[0])
	if err != nil {
		return "", err.Error()
	}
	if len(entries) == 1 && !entries[0].IsDir() {
		return filepath.Join(found[0], entries[0].Name()), ""
	}
	return found[0], ""
}

// list reads the manifest of a source that has one.
func (s *imageSource) list(base string) (err error) {
	if s.Manifest != "" {
		s.listed, err = readTCIA(resolve(base, s.Manifest))
	}
	return err
}

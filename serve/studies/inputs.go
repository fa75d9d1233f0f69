package studies

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/serve/results"
)

// The hash of what a prediction is made from is one whatever way it came: in parts, in an archive, by STOW-RS or from a PACS, in any order and under any names.
// It is over what the model read: the content of each object of the series that was chosen and of the mask (see dicom.Sum; of a file of another format its
// content, uncompressed), by source; which sources were said to be prepared; the values of the other inputs; and how the explanation was asked for, since
// it is kept with the result. A series beside them that the model does not read changes nothing.

// noteSeries notes the objects of a series as read for a source.
func (s *study) noteSeries(source string, series *dicom.Series) error {
	sums, err := series.Sums()
	if err != nil {
		return err
	}
	for _, sum := range sums {
		s.noteContent(source, "image", sum[:])
	}
	return nil
}

// noteFiles notes a file, or those of a folder, of another format than DICOM as read for a source, and returns their hash.
func (s *study) noteFiles(source, kind, path string) (string, error) {
	var sums []string
	err := filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		sum, err := hashFile(path)
		if err != nil {
			return err
		}
		s.noteContent(source, kind, sum)
		sums = append(sums, hex.EncodeToString(sum))
		return nil
	})
	slices.Sort(sums)
	return total(sums), err
}

func (s *study) noteContent(source, kind string, sum []byte) {
	line := fmt.Sprintf("%s %x %s", kind, sum, source) // the source's name last, since it may hold anything
	if !slices.Contains(s.contents, line) {
		s.contents = append(s.contents, line)
	}
}

// noteValues notes the inputs that came as values, before features of images are beside them.
func (s *study) noteValues() error {
	values := map[string]any{}
	for name, v := range s.features {
		if j := s.entry.Columns.Find([]byte(name), len(s.entry.Columns.Inputs)); j >= 0 && v != nil {
			values[s.entry.Columns.Inputs[j].Name] = v
		}
	}
	if len(values) == 0 {
		return nil
	}
	b, err := json.Marshal(values) // by name
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	s.noteContent("", "values", sum[:])
	return nil
}

// hashFile hashes the content of a file, uncompressed where it is of gzip.
func hashFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewReader(f)
	if magic, _ := in.Peek(2); string(magic) == "\x1f\x8b" {
		if z, err := gzip.NewReader(in); err == nil {
			h := sha256.New()
			if _, err := io.Copy(h, io.LimitReader(z, mostInflated)); err == nil {
				return h.Sum(nil), nil
			}
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		in.Reset(f) // damaged: as it is
	}
	h := sha256.New()
	_, err = io.Copy(h, in)
	return h.Sum(nil), err
}

// mostInflated is how much of a compressed file is hashed: more than any image has.
const mostInflated = 16 << 30

// total is the hash of sorted lines.
func total(lines []string) string {
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// inputs is the hash of what a prediction was made from.
func (s *study) inputs() string {
	lines := slices.Clone(s.contents)
	for i := range s.read {
		if s.read[i].files.Prepared {
			lines = append(lines, "prepared "+s.read[i].source.Name)
		}
	}
	if by := s.fields["explain"]; by != "" {
		sum := sha256.Sum256([]byte(by))
		lines = append(lines, fmt.Sprintf("explain %x", sum))
	}
	slices.Sort(lines)
	return total(append([]string{"voxgene inputs 2"}, lines...))
}

// formerly are the hashes that the same inputs had before there was one for all ways: that of all parts of an upload, and that of the identifiers of the
// objects that were read. A result that was kept under one of them is found by it.
func (s *study) formerly() ([]results.Former, error) {
	var all []string
	for _, in := range s.evidence {
		all = append(all, fmt.Sprintf("%s %d", in.Instance, in.Segment))
	}
	slices.Sort(all)
	b, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	var out []results.Former
	if len(all) > 0 {
		out = append(out, results.Former{Inputs: "sha256:" + hex.EncodeToString(sum[:]), Mask: s.identity.Mask})
	}
	if s.hash != "" {
		mask := s.identity.Mask
		if strings.HasPrefix(mask, "sha256:") { // of a mask that is not DICOM it was the hash of all
			mask = s.hash
		}
		out = append(out, results.Former{Inputs: s.hash, Mask: mask})
	}
	return out, nil
}

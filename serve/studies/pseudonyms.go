package studies

import (
	"errors"
	"maps"
	"net/http"
	"os"
	"slices"

	"github.com/voxgene/voxgene/features/deidentify"
	"github.com/voxgene/voxgene/features/work"
)

// pseudonymise takes what names the patient out of what arrived, before anything else looks at it: the DICOM files by the profile of package
// deidentify, the parts patient and issuer. A file that may show a name, or that cannot be cleaned, refuses the study; why says nothing of it.
// Files of other formats stay as they are: nothing of them is kept but the features.
func (u *upload) pseudonymise(key deidentify.Key) error {
	given, issuer := u.fields["patient"], u.fields["issuer"]
	faces, found := false, false
	for _, part := range slices.Sorted(maps.Keys(u.files)) {
		for _, path := range u.files[part] {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			i, err := key.Identify(b)
			var q *deidentify.Quarantine
			switch {
			case errors.Is(err, deidentify.ErrNotDICOM):
				continue
			case errors.As(err, &q):
				return refused(http.StatusUnprocessableEntity, "a file is not taken where data are de-identified: %s", q.Reason)
			case err != nil:
				return err
			}
			if given != "" && !i.WasOf(given) {
				return refused(http.StatusUnprocessableEntity, "a file is of another patient than the part patient")
			}
			faces, found = faces || i.Face, true
			if err := work.WriteFile(path, i.Bytes, 0o600); err != nil {
				return err
			}
		}
	}
	if faces {
		u.notes = append(u.notes, "the head may be in a series: a face can be made of it, and it was not taken off")
	}
	delete(u.fields, "issuer")
	switch {
	case found: // the files say who it is
		delete(u.fields, "patient")
	case given != "":
		u.fields["patient"] = key.Pseudonym(given, issuer)
	}
	return nil
}

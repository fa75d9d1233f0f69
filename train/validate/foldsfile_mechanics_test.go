package validate_test

import (
	"strings"
	"testing"

	"github.com/voxgene/voxgene/train/validate"
)

var ids = []string{"a", "b", "c", "d"}

func TestReadFolds(t *testing.T) {
	folds, err := validate.ReadFoldsFrom(strings.NewReader("\ufeffpatient,repeat,fold\na,1,1\nb,1,2\nc,1,10\nd,1,2\na,2,x\nb,2,x\nc,2,y\nd,2,y\nnobody,1,3\n"), ids)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range folds {
		text := f.Label() + ":"
		for _, i := range f.Test {
			text += " " + ids[i]
		}
		got = append(got, text)
	}
	if want := "repeat 1 fold 1: a; repeat 1 fold 2: b d; repeat 1 fold 3: c; repeat 2 fold 1: a b; repeat 2 fold 2: c d"; strings.Join(got, "; ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
	}
}

// A file with a line a lesion puts each patient into one fold.
func TestReadFoldsOfLesions(t *testing.T) {
	folds, err := validate.ReadFoldsFrom(strings.NewReader("patient,lesion,fold\na,1,1\na,2,1\nb,1,2\n"), []string{"a", "a", "b"})
	if err != nil || len(folds) != 2 || len(folds[0].Test) != 2 || len(folds[1].Test) != 1 {
		t.Errorf("%+v %v", folds, err)
	}
}

func TestReadFoldsBadInput(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "no header",
		"id,fold\na,1\n":                         "line 1: want the columns patient and fold",
		"patient,fold\n":                         "no line after the header",
		"patient,fold\na,1\nb,2\nc,1\n":          `repeat 1: patient "d" has no fold`,
		"patient,fold\na,1\na,2\n":               `line 3: patient "a" is in fold 1 already`,
		"patient,fold\na,1\nb,1\nc,1\nd,1\n":     "repeat 1: all patients are in one fold",
		"patient,lesion,fold\na,1,1\na,2,2\n":    `line 3: patient "a" is in fold 1 already; all that is known of a patient is on one side of a fold`,
		"patient,fold\na,\n":                     `line 2: patient "a" has no fold`,
		"patient,fold\na,1,2\n":                  "wrong number of fields",
		"patient,fold\n\"a,1\nb,2\nc,1\nd,2\n\n": "line",
	} {
		if _, err := validate.ReadFoldsFrom(strings.NewReader(text), ids); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// No folds file makes the reader panic, and what it returns divides the patients.
func FuzzReadFolds(f *testing.F) {
	f.Add("patient,fold\na,1\nb,2\nc,1\nd,2\n")
	f.Add("patient,repeat,fold\na,1,1\n")
	f.Fuzz(func(t *testing.T, text string) {
		folds, err := validate.ReadFoldsFrom(strings.NewReader(text), ids)
		if err != nil {
			return
		}
		for _, fold := range folds {
			if len(fold.Train)+len(fold.Test) != len(ids) || len(fold.Test) == 0 {
				t.Errorf("%+v", fold)
			}
		}
	})
}

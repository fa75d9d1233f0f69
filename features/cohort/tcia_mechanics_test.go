package cohort

import (
	"path/filepath"
	"strings"
	"testing"
)

const tciaMetadata = `Series UID,Collection,Subject ID,Study UID,Series Description,Modality,Number of Images,File Location
1.2.3,LUNG,p1,1.2,chest,CT,2,./LUNG/p1/ct
1.2.4,LUNG,p1,1.2,Segmentation,SEG,1,.\\LUNG\\p1\\seg
1.2.5,LUNG,p2,1.3,"chest, thin",CT,2,./LUNG/p2/a
1.2.6,LUNG,p2,1.3,scout,CT,2,./LUNG/p2/b
`

// The metadata of a TCIA download says which series is whose; a manifest alone does not.
func TestTCIA(t *testing.T) {
	dir := folder(t, map[string]string{"metadata.csv": strings.ReplaceAll(tciaMetadata, `\\`, `\`), "LUNG/p1/ct/1.dcm": "x", "LUNG/p1/ct/2.dcm": "x", "LUNG/p1/seg/1.dcm": "x", "LUNG/p2/a/1.dcm": "x",
		"some.tcia": "downloadServerUrl=https://x\nincludeAnnotation=true\nmanifestVersion=3.0\nListOfSeriesToDownload=\n1.2.3\n1.2.4\n",
		"more.tcia": "ListOfSeriesToDownload=\n1.2.3\n1.2.9\n", "bad.tcia": "ListOfSeriesToDownload=\n../x\n", "alone/a.tcia": "ListOfSeriesToDownload=\n1.2.3\n",
		"away.csv": strings.Replace(tciaMetadata, "./LUNG/p1/ct", "../p1", 1), "other.csv": "a,b\n1,2\n"})
	all, err := readTCIA(filepath.Join(dir, "metadata.csv"))
	if err != nil || len(all) != 4 {
		t.Fatalf("%v %v", all, err)
	}
	for _, c := range []struct{ patient, pattern, path, why string }{
		{"p1", "CT", "LUNG/p1/ct", ""}, {"p1", "SEG/*", "LUNG/p1/seg/1.dcm", ""}, {"p2", "CT/chest*", "LUNG/p2/a/1.dcm", ""},
		{"p2", "CT/*", "", "2 series have the form CT/*"}, {"p2", "SEG", "", "no series has the form SEG; there are CT/chest, thin, CT/scout"}, {"p3", "CT", "", "no series of the patient"},
	} {
		path, why := pick(all, c.patient, c.pattern)
		if c.path != "" && path != filepath.Join(dir, filepath.FromSlash(c.path)) || !strings.Contains(why, c.why) || (path == "") == (why == "") {
			t.Errorf("%v: %q %q", c, path, why)
		}
	}
	if some, err := readTCIA(filepath.Join(dir, "some.tcia")); err != nil || len(some) != 2 {
		t.Errorf("%v %v", some, err)
	}
	for name, want := range map[string]string{"more.tcia": "series 1.2.9 of", "bad.tcia": "is no UID", "alone/a.tcia": "does not say whose", "away.csv": "does not lie below", "other.csv": "no column is named Series UID"} {
		if _, err := readTCIA(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v lacks %q", name, err, want)
		}
	}
	_, err = load(t, dir, "cohort: {patients: p.csv}\nsources:\n  - {name: ct, kind: images, manifest: metadata.csv, image: CT/chest*, mask: SEG}\n")
	if err == nil || strings.Contains(err.Error(), "{patient}") {
		t.Errorf("a pattern of series wants no {patient}: %v", err)
	}
}

package deidentify

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/image/nrrd"
)

// tree writes files below a folder.
func tree(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// contents returns the files below a folder.
func contentsOf(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil {
			out[name], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var small = image.Grid{Size: [3]int{2, 2, 1}, Spacing: [3]float64{1, 1, 3}, Direction: [9]float64{1, 0, 0, 0, 1, 0, 0, 0, 1}}

// niftiWith is an image whose header and extensions hold a name.
func niftiWith(t *testing.T, name string) []byte {
	t.Helper()
	b, err := nifti.Encode(small, []float64{1, 2, 3, 4}, image.Int16)
	if err != nil {
		t.Fatal(err)
	}
	copy(b[14:32], name)
	copy(b[148:228], name)
	copy(b[228:252], name)
	copy(b[328:344], name)
	extension := append([]byte{1, 0, 0, 0, 32, 0, 0, 0, 6, 0, 0, 0}, bytes.Repeat([]byte(name), 3)[:24]...)
	b = slices.Concat(b[:348], extension, b[352:], []byte(name))
	binary.LittleEndian.PutUint32(b[108:], 0x43C00000) // 384, as a float
	return b
}

// A cohort of DICOM, NIfTI, NRRD and tables comes out with the same new names everywhere: tables join with scans, dates keep their distances, also
// between DICOM and tables, numbers are as they were; no name, identifier or date of the input is in a file, a path or the report.
func TestCohort(t *testing.T) {
	key := Key(bytes.Repeat([]byte{4}, 32))
	ids := []string{"MRN-1001", "MRN-1002", "MRN-1003", "MRN-10031"}
	files := map[string][]byte{}
	clinical := "Patient,patient_name,age,sex,scan_date,death,year_of_diagnosis,grade,image,remark_x,volume,postcode\n"
	genes := "gene"
	for i, id := range ids {
		d := object(element{tag: patientName, vr: "PN", value: []byte("CANARYBIRD^JANE")}, element{tag: 0x00080022, vr: "DA", value: []byte("20200301")})
		d.put(element{tag: patientID, vr: "LO", value: []byte(id)})
		d.put(element{tag: 0x00080018, vr: "UI", value: []byte("1.2.3." + id[4:])})
		files["dicom/"+id+"/1.dcm"] = file(d, false)
		files["img/"+id+"/flair_CANARYBIRD"+string(rune('a'+i))+".nii"] = niftiWith(t, "CANARYBIRD")
		files["img/"+id+"/mask_readerA.nrrd"] = []byte("NRRD0004\n# by CANARYBIRD\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 2 2 1\nspace directions: (1,0,0) (0,1,0) (0,0,3)\nspace origin: (0,0,0)\nencoding: raw\nendian: little\ncontent: CANARYBIRD\n" +
			"Segment0_Name:=Tumor CANARYBIRD\nSegment0_LabelValue:=1\nSegment0_Tags:=CANARYBIRD\nOperator:=CANARYBIRD\n\n\x01\x00\x00\x00\x01\x00\x02\x00")
		clinical += id + ",Jane Canarybird," + []string{"61", "93", "70", "55"}[i] + ",F,2020-03-01,2021-03-01,2020,II,img/" + id + "/mask_readerA.nrrd,CANARYBIRD saw the patient no. " + id + "," + []string{"123456", "98765", "234567", "345678"}[i] + ",80331\n"
		genes += "\t" + id + "-01A"
	}
	genes += "\nTP53\t1\t2\t3\t4\nEGFR\t5\t6\t7\t8\n"
	files["clinical.csv"], files["genes.tsv"], files["README.txt"], files["notes.doc"] = []byte(clinical), []byte(genes), []byte("by CANARYBIRD"), []byte("CANARYBIRD")
	files["img/CANARYBIRD/flair.nii"] = niftiWith(t, "CANARYBIRD")
	in, out := tree(t, files), filepath.Join(t.TempDir(), "out")
	r, err := (&Profile{Key: key}).Folder(t.Context(), in, out)
	if err != nil {
		t.Fatal(err)
	}
	if r.Files != 17 || r.Written != 4 || r.Scans != 8 || r.Tables != 2 || r.Patients != 4 || r.Other != 2 || len(r.Left) != 3 {
		t.Errorf("%+v", r)
	}
	made := contentsOf(t, out)
	for name, b := range made {
		for _, word := range []string{"canary", "jane", "mrn", "1001", "1002", "1003", "2020-03-01", "20200301", "80331"} {
			if strings.Contains(strings.ToLower(name), word) || bytes.Contains(bytes.ToLower(b), []byte(word)) && filepath.Ext(name) != ".dcm" || word != "1001" && bytes.Contains(bytes.ToLower(b), []byte(word)) {
				t.Errorf("%s: %s is left", name, word)
			}
		}
	}
	rows, err := csv.NewReader(bytes.NewReader(made["clinical.csv"])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		row, vx, days := rows[i+1], key.Pseudonym(id, ""), key.Days(id, "")
		scanned, err := time.Parse("2006-01-02", row[4])
		if err != nil {
			t.Fatal(err)
		}
		died, err := time.Parse("2006-01-02", row[5])
		if err != nil || died.Sub(scanned) != 365*24*time.Hour || scanned.AddDate(0, 0, days).Format("20060102") != "20200301" {
			t.Errorf("scanned %s, died %s, moved by %d days (%v)", row[4], row[5], days, err)
		}
		if row[0] != vx || row[1] != "" || row[2] != []string{"61", "90", "70", "55"}[i] || row[3] != "F" || row[7] != "II" || row[9] != "" || len(row[10]) < 5 || row[11] != "" {
			t.Errorf("%q", row)
		}
		mask := made[row[8]]
		if mask == nil || !strings.HasPrefix(row[8], "img/"+vx+"/") {
			t.Errorf("no file %s", row[8])
		}
		m, err := nrrd.ReadMask(filepath.Join(out, row[8]))
		if err != nil || !slices.Equal(m.Labels, []uint16{1, 0, 1, 2}) || !bytes.Contains(mask, []byte("Segment0_Name:=Tumor 0\n")) {
			t.Errorf("%v %s", err, mask)
		}
		found := false
		for name := range made {
			if strings.HasPrefix(name, "img/"+vx+"/flair_x") {
				v, err := nifti.Read(filepath.Join(out, name))
				found = err == nil && slices.Equal(v.Values, []float64{1, 2, 3, 4}) && v.Grid.Spacing == small.Spacing
			}
		}
		if !found {
			t.Error("the image of", vx, "is lost or changed")
		}
	}
	if want := "gene\t" + key.Pseudonym(ids[0], "") + "-01A\t"; !strings.HasPrefix(string(made["genes.tsv"]), want) || !strings.Contains(string(made["genes.tsv"]), "EGFR\t5\t6\t7\t8") {
		t.Errorf("%s", made["genes.tsv"])
	}
}

// A folder of which nothing can be written has a report that says so.
func TestNothingWritten(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	r, err := (&Profile{Key: bytes.Repeat([]byte{4}, 32)}).Folder(t.Context(), tree(t, map[string][]byte{"a.dcm": []byte("no scan")}), out)
	if err != nil || r.Written != 0 || len(r.Left) != 1 {
		t.Fatalf("%+v %v", r, err)
	}
	if got := contentsOf(t, out); len(got) != 1 || got[ReportFile] == nil {
		t.Errorf("%d files", len(got))
	}
}

// What may be day and month or month and day is not moved but emptied; what the user keeps stays.
func TestColumns(t *testing.T) {
	key := Key(bytes.Repeat([]byte{4}, 32))
	ids := newIdentifiers(key)
	text := "id;a;b;c;d;e;f\n"
	for i, row := range []string{"02/03/2020;15/03/2020;free text of Jane;R132H;12345678;x", "04/05/2020;04/05/2020;another;S45F;12345679;x", "06/07/2020;06/07/2020;third;;12345670;y", "01/02/2020;01/02/2020;fourth;T41A;12345671;y"} {
		text += "P-10" + string(rune('0'+i)) + ";" + row + "\n"
	}
	s, err := readSheet([]byte(text), []string{"ID"})
	if err != nil || len(s.ids) != 1 {
		t.Fatal(err, s)
	}
	for _, row := range s.rows {
		ids.add(row[0], "")
	}
	done := s.clean(ids, []string{"d*"})
	want := map[string]string{"id": "identifiers replaced", "a": "emptied: its dates may be", "b": "dates moved", "c": "emptied: free text", "d": "kept as asked", "e": "", "f": ""}
	for _, d := range done {
		if w, ok := want[d.Column]; !ok || w == "" || !strings.HasPrefix(d.Done, w) {
			t.Errorf("%+v", d)
		}
		delete(want, d.Column)
	}
	if want["e"] = ""; len(want) != 2 {
		t.Errorf("nothing is said of %v", want)
	}
	if s.rows[0][4] != "R132H" || s.rows[0][3] != "" || s.rows[0][6] != "x" || s.rows[0][1] != "" {
		t.Errorf("%q", s.rows[0])
	}
}

// Whatever the bytes are, a scan is refused or comes out as one of its kind that is cleaned already.
func FuzzScan(f *testing.F) {
	b, err := nifti.Encode(small, []float64{1, 2, 3, 4}, image.Int16)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("NRRD0004\ntype: short\ndimension: 1\nsizes: 1\nencoding: raw\nSegment0_Name:=Jane\n\n\x01\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, ok, err := scan(b)
		if !ok || err != nil {
			return
		}
		again, ok, err := scan(out)
		if !ok || err != nil || !bytes.Equal(out, again) && b[0] != 0x1f {
			t.Errorf("cleaned twice it differs: %v %v", ok, err)
		}
	})
}

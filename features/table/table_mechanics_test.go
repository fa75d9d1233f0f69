package table

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read1(t *testing.T, text string, o Options) *Table {
	t.Helper()
	tab, err := ReadText("f.csv", []byte(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestReadInfersKinds(t *testing.T) {
	tab := read1(t, "patient,age,sex,grade\np1,61,F,G3\np2,NA,M,\n\"p,3\",4.5e1,F,G2\n", Options{Source: "clinical", Group: "clinical",
		Kinds: map[string]Declaration{"grade": {Kind: Ordinal, Levels: []string{"G2", "G3"}}, "ag*": {Unit: "a"}}})
	if tab.Keys[2].Patient != "p,3" || tab.Rows() != 3 {
		t.Fatalf("keys %v", tab.Keys)
	}
	age, sex, grade := tab.Columns[0], tab.Columns[1], tab.Columns[2]
	if age.Name != "clinical.age" || age.Kind != Numeric || age.Unit != "a" || tab.Values[0][0] != 61 || !Missing(tab.Values[0][1]) || tab.Values[0][2] != 45 {
		t.Errorf("age: %+v %v", age, tab.Values[0])
	}
	if sex.Kind != Categorical || !slices.Equal(sex.Levels, []string{"F", "M"}) || !slices.Equal(tab.Values[1], []float64{0, 1, 0}) {
		t.Errorf("sex: %+v %v", sex, tab.Values[1])
	}
	if grade.Kind != Ordinal || tab.Values[2][0] != 1 || !Missing(tab.Values[2][1]) || tab.Values[2][2] != 0 {
		t.Errorf("grade: %+v %v", grade, tab.Values[2])
	}
}

// Every way in which files of spreadsheets and statistics programs differ, and the same table out of each.
func TestReadDialects(t *testing.T) {
	want := "patient,a,b\np1,1.5,x\np2,,y\n"
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	z.Write([]byte(want))
	z.Close()
	for name, c := range map[string]struct {
		text string
		o    Options
	}{
		"plain":         {want, Options{}},
		"byte order":    {"\xef\xbb\xbf" + want, Options{}},
		"CRLF":          {strings.ReplaceAll(want, "\n", "\r\n"), Options{}},
		"CR":            {strings.ReplaceAll(want, "\n", "\r"), Options{}},
		"no last end":   {strings.TrimSuffix(want, "\n"), Options{}},
		"blank lines":   {"\n\npatient,a,b\n\np1,1.5,x\np2,,y\n\n", Options{}},
		"tabs":          {strings.ReplaceAll(want, ",", "\t"), Options{}},
		"semicolon":     {"patient;a;b\np1;1,5;x\np2;;y\n", Options{DecimalComma: true}},
		"quotes":        {"\"patient\",\"a\",\"b\"\n\"p1\",\"1.5\",\"x\"\n\"p2\",NA,\"y\"\n", Options{}},
		"row names":     {"a\tb\np1\t1.5\tx\np2\tNA\ty\n", Options{}},
		"pandas index":  {",a,b\np1,1.5,x\np2,nan,y\n", Options{}},
		"gzip":          {gz.String(), Options{}},
		"excel errors":  {"patient,a,b\np1,1.5,x\np2,#DIV/0!,y\n", Options{}},
		"own marker":    {"patient,a,b\np1,1.5,x\np2,-999,y\n", Options{Missing: []string{"-999"}}},
		"pattern":       {"file,a,b\n/x/p1.nii,1.5,x\n/x/p2.nii,,y\n", Options{Key: "file", KeyPattern: regexp.MustCompile(`(p\d)\.nii$`)}},
		"other columns": {"patient,z,a,b,z\np1,0,1.5,x,0\np2,0,,y,0\n", Options{Columns: []string{"a", "b"}}},
		"dropped":       {"patient,zz,a,b\np1,0,1.5,x\np2,0,,y\n", Options{Drop: []string{"z*"}}},
		"cBioPortal":    {"#Patient Identifier\tA\tB\n#what, it is\tA\tB\n#STRING\tNUMBER\tSTRING\n#1\t1\t1\npatient\ta\tb\np1\t1.5\tx\np2\t[Not Available]\ty\n", Options{}},
		"infinite":      {"patient,a,b\np1,1.5,x\np2,Inf,y\n", Options{Missing: []string{"Inf"}}},
	} {
		tab, err := ReadText(name, []byte(c.text), c.o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var out bytes.Buffer
		if err := WriteText(&out, tab, ','); err != nil || out.String() != want {
			t.Errorf("%s: %v\n%s", name, err, out.String())
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct {
		text string
		o    Options
		want []string
	}{
		{"", Options{}, []string{"empty"}},
		{"patient,a\n", Options{}, []string{"no row"}},
		{"patient,a\np1,1\np2,1,2\np3\n", Options{}, []string{"line 3", "3 fields where the header has 2", "line 4", "1 fields"}},
		{"patient,a\np1,1\np2,2\np3,x\np4,1.234.567\n", Options{Kinds: map[string]Declaration{"a": {}}}, []string{"line 4", `column "a"`, `"x" is not a number`, "line 5", "1.234.567"}},
		{"patient;a\np1;1,5\np2;2\np3;3\n", Options{}, []string{"decimal comma", "line 2"}},
		{"patient,a\np1,1\np2,inf\np3,2\n", Options{}, []string{"line 3", "infinite"}},
		{"patient,a,a\np1,1,2\n", Options{}, []string{`two columns have this name`}},
		{"patient,,a\np1,1,2\n", Options{}, []string{"header of field 2 is blank"}},
		{"patient,age\np1,1\n", Options{Columns: []string{"aeg"}}, []string{`no column "aeg"`, `did you mean "age"`}},
		{"patient,age\np1,1\n", Options{Columns: []string{"t1_*"}}, []string{`the form "t1_*"`}},
		{"a,b\n1,2\n", Options{}, []string{"no column is named as patients'"}},
		{"patient,b\n,2\n", Options{}, []string{"line 2", "the patient is missing"}},
		{"patient,b\np1,\"x\n", Options{}, []string{"not closed"}},
		{"patient,b\np1,\"x\"y\n", Options{}, []string{"line 2", "follows a closing quote"}},
		{"\xff\xfep\x00", Options{}, []string{"UTF-16"}},
		{"PK\x03\x04xxxx", Options{}, []string{"Excel workbook"}},
		{"\x1f\x8bxxxxxxxxxxx", Options{}, []string{"gzip"}},
		{"patient,g\np1,G9\n", Options{Kinds: map[string]Declaration{"g": {Kind: Ordinal, Levels: []string{"G1", "G2"}}}}, []string{"line 2", `"G9" is not one of the declared levels G1, G2`}},
		{"patient,g\np1,G9\n", Options{Kinds: map[string]Declaration{"g": {Kind: Ordinal}}}, []string{"listed in order"}},
	} {
		_, err := ReadText("f.csv", []byte(c.text), c.o)
		if err == nil {
			t.Errorf("%q: no error", c.text)
			continue
		}
		for _, w := range append(c.want, "f.csv") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %v\nlacks %q", c.text, err, w)
			}
		}
	}
}

func TestProblemsAreCapped(t *testing.T) {
	text := "patient,a\n" + strings.Repeat("p,1\n", 100) + strings.Repeat("p,x\n", 50)
	_, err := ReadText("f.csv", []byte(text), Options{})
	if err == nil || !strings.HasSuffix(err.Error(), "and 30 more") {
		t.Error(err)
	}
}

func TestAggregateAndJoin(t *testing.T) {
	tab := read1(t, "patient,lesion,a,b\np1,1,1,x\np1,2,4,y\np2,1,,y\n", Options{Lesion: "lesion"})
	if _, err := tab.Aggregate("", PerPatient); err == nil || !strings.Contains(err.Error(), "lesions") || !strings.Contains(err.Error(), "mean, median") {
		t.Error(err)
	}
	for rule, want := range map[string]float64{"first": 1, "last": 4, "mean": 2.5, "median": 2.5, "min": 1, "max": 4} {
		got, err := tab.Aggregate(rule, PerPatient)
		if err != nil {
			t.Fatal(err)
		}
		if got.Values[0][0] != want || !Missing(got.Values[0][1]) || got.Rows() != 2 {
			t.Errorf("%s: %v", rule, got.Values)
		}
	}
	one, _ := tab.Aggregate("mean", PerPatient)
	other := read1(t, "patient,c\np2,7\np9,8\n", Options{Source: "s"})
	j, err := Join([]Key{{Patient: "p2"}, {Patient: "p1"}}, one, other)
	if err != nil {
		t.Fatal(err)
	}
	if j.Find("s.c") != 2 || j.Values[2][0] != 7 || !Missing(j.Values[2][1]) || j.Values[0][1] != 2.5 {
		t.Errorf("%v", j.Values)
	}
	twice := New([]Key{{Patient: "p1"}, {Patient: "p1"}})
	if _, err := Join([]Key{{Patient: "p1"}}, twice); err == nil {
		t.Error("two rows of a patient were joined")
	}
	if _, err := Join([]Key{{Patient: "p1"}}, one, one); err == nil {
		t.Error("one column was joined twice")
	}
}

func TestWriteReadsBack(t *testing.T) {
	tab := read1(t, "patient,visit,a,g,odd\np1,v1,0.1,hi,\"x,\"\"y\"\np2,v1,,lo,\np1,v2,1e-300,lo,z\n", Options{Visit: "visit",
		Kinds: map[string]Declaration{"g": {Kind: Ordinal, Levels: []string{"lo", "hi"}}}})
	for _, ext := range []string{".csv", ".tsv", ".parquet"} {
		path := filepath.Join(t.TempDir(), "t"+ext)
		if err := Write(path, tab); err != nil {
			t.Fatal(err)
		}
		o := Options{Visit: "visit"}
		if ext != ".parquet" {
			o.Kinds = map[string]Declaration{"g": {Kind: Ordinal, Levels: []string{"lo", "hi"}}}
		}
		back, err := Read(path, o)
		if err != nil {
			t.Fatalf("%s: %v", ext, err)
		}
		if !slices.Equal(back.Keys, tab.Keys) || len(back.Columns) != 3 {
			t.Fatalf("%s: %v %v", ext, back.Keys, back.Columns)
		}
		for j := range tab.Columns {
			if back.Columns[j].Kind != tab.Columns[j].Kind || !slices.Equal(back.Columns[j].Levels, tab.Columns[j].Levels) {
				t.Errorf("%s: %+v", ext, back.Columns[j])
			}
			for i, v := range tab.Values[j] {
				if math.Float64bits(back.Values[j][i]) != math.Float64bits(v) && !(Missing(v) && Missing(back.Values[j][i])) {
					t.Errorf("%s: %v %v", ext, back.Values[j][i], v)
				}
			}
		}
	}
	if err := Write("t.xlsx", tab); err == nil {
		t.Error("wrote .xlsx")
	}
}

func TestParquetBytesAreTheSame(t *testing.T) {
	tab := New([]Key{{Patient: "a"}, {Patient: "b"}})
	for j := range 50 {
		if err := tab.Add(Column{Name: string(rune('z'-j%26)) + string(rune('a'+j/26))}, []float64{float64(j), math.NaN()}); err != nil {
			t.Fatal(err)
		}
	}
	var first bytes.Buffer
	for range 5 {
		var b bytes.Buffer
		if err := WriteParquet(&b, tab); err != nil {
			t.Fatal(err)
		}
		if first.Len() == 0 {
			first = b
		} else if !bytes.Equal(first.Bytes(), b.Bytes()) {
			t.Fatal("two writes differ")
		}
	}
	b := first.Bytes()
	for n := 0; n < len(b); n += 7 { // damage never panics
		d := bytes.Clone(b)
		d[n] ^= 0xff
		_, _ = ReadParquet("d", bytes.NewReader(d), int64(len(d)), Options{})
		_, _ = ReadParquet("d", bytes.NewReader(b[:n]), int64(n), Options{})
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{{"original_*", "original_shape_X", true}, {"*", "", true}, {"a?c", "abc", true}, {"a?c", "ac", false}, {"*_Mean", "x_Mean_y", false},
		{"*a*b*", "xxaxxbxx", true}, {"", "", true}, {"", "x", false}, {"t1.*", "t1x", false}} {
		if Match(c.pattern, c.name) != c.want {
			t.Errorf("%q %q", c.pattern, c.name)
		}
	}
}

func TestOpenMissing(t *testing.T) {
	if _, err := Read(filepath.Join(t.TempDir(), "no.csv"), Options{}); !os.IsNotExist(err) {
		t.Error(err)
	}
}

// Lesions stay apart where they are the unit, take what a table says of their patient as a whole, and are aggregated over visits.
func TestAggregateAndJoinLesions(t *testing.T) {
	lesions := read1(t, "patient,lesion,visit,a\np1,10,b,1\np1,2,b,4\np1,2,m6,8\np2,1,b,3\n", Options{Lesion: "lesion", Visit: "visit", Source: "t1"})
	if _, err := lesions.Aggregate("", PerLesion); err == nil || !strings.Contains(err.Error(), "1 lesions have several rows, p1, lesion 2 has 2 (visits); say which counts with aggregate: first") {
		t.Error(err)
	}
	if _, err := lesions.Aggregate("", PerPatient); err == nil || !strings.Contains(err.Error(), "or make each lesion a row with cohort: {unit: lesion}") {
		t.Error(err)
	}
	one, err := lesions.Aggregate("last", PerLesion)
	if err != nil {
		t.Fatal(err)
	}
	clinical := read1(t, "patient,age\np1,60\np2,50\n", Options{Source: "c"})
	keys := []Key{PerLesion.Key("p1", "2"), PerLesion.Key("p1", "10"), PerLesion.Key("p2", "1"), PerLesion.Key("p2", "9")}
	j, err := Join(keys, one, clinical)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(j.Values); got != "[[8 1 3 NaN] [60 60 50 50]]" {
		t.Error(got)
	}
	if !slices.IsSortedFunc(keys, CompareKeys) || CompareKeys(keys[1], keys[0]) <= 0 || PerVisit.Describe(PerVisit.Key("p1", "m6")) != "p1, visit m6" {
		t.Error("lesions are not in the order of their numbers, or a visit has another name")
	}
}

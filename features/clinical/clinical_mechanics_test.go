package clinical

import (
	"slices"
	"strings"
	"testing"
)

func TestClass(t *testing.T) {
	o, err := NewClass("idh", []string{"1.0", "0", "", "1"}, Classes{})
	if err != nil || !slices.Equal(o.Classes, []string{"0", "1"}) || !slices.Equal(o.Class, []int{1, 0, -1, 1}) || o.Known(2) || o.Rows() != 4 {
		t.Errorf("%+v %v", o, err)
	}
	o, err = NewClass("t", []string{"10", "9", "a"}, Classes{})
	if err != nil || !slices.Equal(o.Classes, []string{"10", "9", "a"}) {
		t.Errorf("%+v %v", o, err)
	}
	if o, err = NewClass("n", []string{"10", "9"}, Classes{}); err != nil || !slices.Equal(o.Classes, []string{"9", "10"}) {
		t.Errorf("%+v %v", o, err)
	}
	o, err = NewClass("m", []string{"codel", "non-codel", "wt", "other"}, Classes{Map: map[string]string{"codel": "mut", "non-codel": "mut"}, Only: []string{"wt", "mut"}, Positive: "mut"})
	if err != nil || !slices.Equal(o.Classes, []string{"wt", "mut"}) || !slices.Equal(o.Class, []int{1, 1, 0, -1}) {
		t.Errorf("%+v %v", o, err)
	}
	for _, c := range []struct {
		cells []string
		rule  Classes
		want  string
	}{{[]string{"a", "a", ""}, Classes{}, "two classes are needed"}, {nil, Classes{}, "no value"}, {[]string{"a", "b"}, Classes{Positive: "c"}, `"c" does not occur`},
		{[]string{"a", "b"}, Classes{Only: []string{"a", "z"}}, `no patient is of class "z"`}} {
		if _, err := NewClass("x", c.cells, c.rule); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestSurvival(t *testing.T) {
	o, notes, err := NewSurvival("os", FollowUp{Unit: "mo", Origin: "surgery", Time: []string{"12", "0", "", "5.5", "-1", "7", "8"},
		Event: []string{"1:DECEASED", "0:LIVING", "1", "", "1", "TRUE", "2"}})
	if err != nil {
		t.Fatal(err)
	}
	if o.Event[0] != 1 || o.Time[0] != 12 || o.Event[5] != 1 || o.Event[6] != 2 || o.Unit != "mo" || len(notes) != 4 || o.Known(1) || o.Known(2) || o.Known(3) || o.Known(4) {
		t.Errorf("%+v %v", o, notes)
	}
	o, notes, err = NewSurvival("os", FollowUp{Unit: "d", Origin: "diagnosis", Time: []string{"10", "10", "10"}, Event: []string{"A", "B", "A"}, Entry: []string{"3", "10", ""}, Codes: map[string]int{"A": 1, "B": 0}})
	if err != nil || o.Entry[0] != 3 || len(notes) != 2 || !strings.Contains(notes[0].Text, "not after the entry") {
		t.Errorf("%+v %v %v", o, notes, err)
	}
	if s := o.Select([]int{2, 0}); s.Entry[1] != 3 || s.Rows() != 2 {
		t.Errorf("%+v", s)
	}
	for _, c := range []struct {
		f    FollowUp
		want string
	}{
		{FollowUp{Unit: "days", Origin: "x"}, "d, wk, mo, a"}, {FollowUp{Unit: "d"}, "what time zero is"},
		{FollowUp{Unit: "d", Origin: "x", Time: []string{"x", "1"}, Event: []string{"1", "perhaps"}}, "row 2: event \"perhaps\" has no known meaning"},
		{FollowUp{Unit: "d", Origin: "x", Time: []string{"x", "1"}, Event: []string{"1", "perhaps"}}, "row 1: time \"x\" is not a number"},
		{FollowUp{Unit: "d", Origin: "x", Time: []string{"1"}, Event: []string{"0"}}, "nobody has the event"},
	} {
		if _, _, err := NewSurvival("os", c.f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v lacks %q", err, c.want)
		}
	}
}

func TestTimesBetween(t *testing.T) {
	got, err := TimesBetween([]string{"8/10/1994", "2/19/1992", "", "1/1/1999"}, [][]string{{"1/7/1997", "", "1/1/2000", ""}, {"2/2/1997", "3/20/1992", "", ""}}, "m/d/yyyy", "d")
	if err != nil || !slices.Equal(got, []string{"881", "30", "", ""}) { // as in the derived table of NSCLC Radiogenomics
		t.Errorf("%v %v", got, err)
	}
	if got, err = TimesBetween([]string{"2001-01-01"}, [][]string{{"2002-01-01"}}, "", "a"); err != nil || got[0][:6] != "0.9993" {
		t.Errorf("%v %v", got, err)
	}
	for _, c := range []struct{ form, unit, cell, want string }{{"m/d/yyyy", "d", "13/1/2001", `row 1: "13/1/2001"`}, {"today", "d", "x", "date form"}, {"", "x", "x", "unit"}} {
		if _, err := TimesBetween([]string{c.cell}, [][]string{{c.cell}}, c.form, c.unit); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestOrderTNM(t *testing.T) {
	for _, want := range [][]string{{"Tis", "T1", "T1a", "T1b", "T2a", "T4"}, {"0", "1", "2a", "2b", "3"}, {"N0", "N1", "N2"}, {"Stage I", "Stage IIA", "Stage IIB", "Stage IIIA", "Stage IV"}, {"M0", "M1b"}, {"pT1", "pT3"}} {
		shuffled := slices.Clone(want)
		slices.Reverse(shuffled)
		got, err := OrderTNM(shuffled)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v %v", got, err)
		}
	}
	for _, bad := range []string{"TX", "unknown", ""} {
		if _, err := OrderTNM([]string{bad}); err == nil {
			t.Errorf("%q has a place", bad)
		}
	}
}

func TestAIMRefuses(t *testing.T) {
	for text, want := range map[string]string{"<a/>": "no AIM 4", "<ImageAnnotationCollection/>": "names no patient", "<a": "EOF", "": "no AIM 4"} {
		if _, err := DecodeAIM(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzDecodeAIM(f *testing.F) {
	f.Add([]byte(`<ImageAnnotationCollection><person><id value="p"/></person><ImagingObservationEntity><typeCode code="R1" codeSystem="mass"/><label value="Lung"/></ImagingObservationEntity></ImageAnnotationCollection>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := DecodeAIM(strings.NewReader(string(b))); err == nil && r.Patient == "" {
			t.Error("an annotation of nobody")
		}
	})
}

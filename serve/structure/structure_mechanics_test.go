package structure

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

type part struct {
	Kind   string          `json:"resourceType"`
	Name   string          `json:"name"`
	Number *float64        `json:"number"`
	Flag   bool            `json:"flag"`
	Raw    json.RawMessage `json:"raw"`
	Parts  []part          `json:"parts"`
	In     *struct {
		Value float64 `json:"value"`
	} `json:"in"`
	embedded
}

type embedded struct {
	Texts []string `json:"texts"`
}

// Each fault is told with its place, once; what may be anything, is not known or is of a resource that is not read is none.
func TestCheck(t *testing.T) {
	rules := Rules{Depth: 8, Refused: map[string]string{"secret": "not here"}, Resources: []string{"A"}}
	for _, c := range []struct{ body, want string }{
		{`{"resourceType": "A", "name": "x", "number": 1, "flag": true, "raw": {"name": 1}, "other": [{"name": 1}], "parts": [], "in": {"value": null}, "texts": ["a", null]}`, ""},
		{`{"resourceType": "A", "name": 1, "number": "1", "flag": 0, "parts": {}, "in": [], "texts": [1, "a", {}]}`,
			"A.name: want a text, found a number; A.number: want a number, found a text; A.flag: want true or false, found a number; A.parts: want a list, found an object; A.in: want an object, found a list; A.texts[0]: want a text, found a number; A.texts[2]: want a text, found an object"},
		{`{"name": 1, "resourceType": "A", "parts": [{"resourceType": "A", "in": {"value": "1"}}, {"name": 7, "resourceType": "B", "parts": 3}, "x"]}`,
			"A.name: want a text, found a number; A.parts[0].in.value: want a number, found a text; A.parts[2]: want an object, found a text"},
		{`{"resourceType": "B", "name": 1, "raw": {"secret": 1}, "name": 2}`, "B.raw.secret: not here; B.name: the property name is there twice"},
		{`{"resourceType": "A", "Name": "x", "mine": 1, "mine": 2}`, "A.Name: the property is written name; A.mine: the property is there twice"},
		{`{"resourceType": "A", "raw": ` + strings.Repeat("[", 8) + strings.Repeat("]", 8) + `}`, "A.raw[0][0][0][0][0][0][0]: more than 8 objects and lists in one another"},
	} {
		faults, more, kind, err := Check([]byte(c.body), reflect.TypeFor[part](), rules)
		var got []string
		for _, f := range faults {
			got = append(got, f.Place.FHIRPath(kind)+": "+f.Text)
		}
		if err != nil || more != 0 || strings.Join(got, "; ") != c.want {
			t.Errorf("%s\ngot  %s (%v)\nwant %s", c.body, strings.Join(got, "; "), err, c.want)
		}
	}
	for _, body := range []string{"", "{", `{"a"`, `{"a":1}x`, `{"a":1}{}`, "[]", "1", `{"a":tru}`, `{"a":1,}`, "\xff", `{"a":1e999}`, `{"a":"\xff"}`} {
		if _, _, _, err := Check([]byte(body), reflect.TypeFor[part](), rules); err == nil {
			t.Errorf("%q is taken", body)
		}
	}
	if got := (Place{{Name: "a/b"}, {Index: 2}, {Name: "c~"}}).Pointer(); got != "#/a~1b/2/c~0" {
		t.Error(got)
	}
	// The faults of a large body are counted and not all kept.
	faults, more, _, err := Check([]byte(`{"resourceType": "A", "texts": [`+strings.TrimSuffix(strings.Repeat("1,", 1000), ",")+`]}`), reflect.TypeFor[part](), rules)
	if err != nil || len(faults) != kept || more != 1000-kept {
		t.Errorf("%d faults and %d more (%v)", len(faults), more, err)
	}
}

// What has no fault is decoded by encoding/json without one, and is the same as by exact names.
func FuzzCheck(f *testing.F) {
	f.Add(`{"resourceType": "A", "name": "x", "number": 1, "parts": [{"resourceType": "A", "in": {"value": 2}}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		faults, _, _, err := Check([]byte(body), reflect.TypeFor[part](), Rules{Resources: []string{"A"}})
		if err != nil || len(faults) > 0 || strings.Contains(body, "resourceType") { // of which another may be of any type
			return
		}
		var p part
		if err := json.Unmarshal([]byte(body), &p); err != nil && !strings.Contains(fmt.Sprint(err), "cannot unmarshal") {
			t.Errorf("%q: %v", body, err)
		}
	})
}

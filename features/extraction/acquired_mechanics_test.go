package extraction_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/extraction"
)

// An extraction says how its image was made and how large the smallest region is.
func TestAcquired(t *testing.T) {
	img, mask := files(t, true)
	one, err := plan(t, "{grid: mask_to_image}")
	if err != nil {
		t.Fatal(err)
	}
	r, err := one.Extract(img, mask)
	if err != nil {
		t.Fatal(err)
	}
	if a := r.Acquired; fmt.Sprint(a.Spacing) != "[1 1 1]" || a.Volume < 230 || a.Volume > 300 || a.Manufacturer+a.Kernel != "" {
		t.Errorf("got %+v, want voxels of 1 mm and the volume of a ball of 4 mm", a)
	}
}

// What training saw is ranges and names that five patients share; what differs from all of it is said without quoting the file.
func TestSeen(t *testing.T) {
	var all []extraction.Acquired
	for i := range 12 {
		a := extraction.Acquired{Spacing: []float64{0.7 + 0.013*float64(i), 0.7, 3}, Manufacturer: "SIEMENS", Kernel: "B30F", Volume: 1234 + float64(i)}
		if i < 5 {
			a.Manufacturer = "GE MEDICAL SYSTEMS"
		}
		if i == 11 {
			a.Manufacturer, a.Kernel = "SELDOM", ""
		}
		all = append(all, a)
	}
	s := extraction.NewSeen(all)
	if s.Patients != 12 || fmt.Sprint(s.Least, s.Most) != "[0.7 0.7 3] [0.85 0.7 3]" || fmt.Sprint(s.Manufacturers, s.Kernels, s.Volume) != "[GE MEDICAL SYSTEMS SIEMENS] [B30F] 1200" {
		t.Errorf("got %+v", s)
	}
	usual := extraction.Acquired{Spacing: []float64{0.8, 0.7, 3}, Manufacturer: "SIEMENS", Kernel: "B30F", Volume: 5000}
	if u := s.Compare(usual); u != (extraction.Unlike{}) {
		t.Errorf("a usual image: %+v", u)
	}
	if u := s.Compare(extraction.Acquired{Spacing: []float64{0.8, 0.7, 3}, Volume: 5000}); u != (extraction.Unlike{}) {
		t.Errorf("an image that says nothing: %+v", u)
	}
	other := extraction.Acquired{Spacing: []float64{0.8, 0.7, 5}, Manufacturer: "CANARY", Kernel: "CANARY", Volume: 90}
	u := s.Compare(other)
	want := extraction.Unlike{Spacing: "voxels are 5 mm apart along z; in training they were from 3 to 3 mm", Manufacturer: "the manufacturer of the scanner is not among those of training: GE MEDICAL SYSTEMS, SIEMENS",
		Kernel: "the convolution kernel is not among those of training: B30F", Volume: "a region is of 90 mm³; the smallest in training was of at least 1200 mm³"}
	if u != want {
		t.Errorf("got %+v", u)
	}
	if u := (*extraction.Seen)(nil).Compare(other); u != (extraction.Unlike{}) {
		t.Errorf("with nothing known: %+v", u)
	}
	one := source(t, "{name: ct}")
	one.Seen = s
	text, err := json.Marshal(one)
	if err != nil {
		t.Fatal(err)
	}
	var stored extraction.Source
	if err := json.Unmarshal(text, &stored); err != nil || !reflect.DeepEqual(stored.Seen, s) {
		t.Errorf("stored %+v, %v", stored.Seen, err)
	}
	if strings.Contains(string(text), "SELDOM") {
		t.Error("a name of one patient is stored")
	}
}

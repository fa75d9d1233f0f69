package scans

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/serve/auth"
)

// files writes a volume on a grid whose values say where they lie in the patient, in mm, and a mask of a box of it.
func files(t testing.TB, g image.Grid, region image.Box) extraction.Files {
	t.Helper()
	dir := t.TempDir()
	v, m := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}, &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				p := g.World(float64(i), float64(j), float64(k))
				v.Values[g.Index(i, j, k)] = place(p)
				in := true
				for a, n := range [3]int{i, j, k} {
					in = in && n >= region.Min[a] && n < region.Max[a]
				}
				if in {
					m.Labels[g.Index(i, j, k)] = 1
				}
			}
		}
	}
	f := extraction.Files{Image: filepath.Join(dir, "v.nii"), Mask: filepath.Join(dir, "m.nii")}
	if err := nifti.Write(f.Image, v, image.Float32); err != nil {
		t.Fatal(err)
	}
	if err := nifti.WriteMask(f.Mask, m); err != nil {
		t.Fatal(err)
	}
	return f
}

// place is a value that tells where in the patient a voxel lies.
func place(p [3]float64) float64 { return p[0] + 100*p[1] + 10000*p[2] }

func source() *extraction.Source {
	return &extraction.Source{Name: "t1", Modality: "MR", Plan: extraction.Plan{Parameters: radiomics.DefaultParams()}}
}

// Whatever way the file's axes run, columns of a slice go to the patient's left or back and rows to the back or the feet, and the region
// lies over its voxels.
func TestPlanesFollowThePatient(t *testing.T) {
	for name, direction := range map[string][9]float64{
		"LPS": image.IdentityDirection, "RAS": {-1, 0, 0, 0, -1, 0, 0, 0, 1}, "sagittal": {0, 0, -1, 1, 0, 0, 0, -1, 0}, "coronal": {1, 0, 0, 0, 0, 1, 0, -1, 0},
		"turned by 10°": {math.Cos(0.17), -math.Sin(0.17), 0, math.Sin(0.17), math.Cos(0.17), 0, 0, 0, 1},
	} {
		g := image.Grid{Size: [3]int{9, 7, 5}, Spacing: [3]float64{1, 1.5, 2}, Origin: [3]float64{-3, 4, 10}, Direction: direction}
		im, err := Read(source(), files(t, g, image.Box{Min: [3]int{2, 1, 1}, Max: [3]int{5, 4, 3}}), Voxels)
		if err != nil {
			t.Fatal(err)
		}
		if im.Cropped || im.Averaged != [3]int{1, 1, 1} || im.Size[0]*im.Size[1]*im.Size[2] != g.Voxels() || (im.Oblique > 1) != (name == "turned by 10°") {
			t.Errorf("%s: %+v", name, im)
		}
		value := func(p Plane, slice, column, row int) float64 {
			columns, _ := p.shape(im.Size)
			return im.Intercept + im.Slope*float64(binary.LittleEndian.Uint16(im.grey(p, slice)[2*(row*columns+column):]))
		}
		// Left is +x, back is +y, feet are −z: the steps between neighbours tell.
		step := im.Slope
		for a, s := range im.Spacing {
			c := column3(im.grid.Direction, a)
			want := place([3]float64{c[0] * s, c[1] * s, c[2] * s})
			var got float64
			switch a {
			case 0:
				got = value(Axial, 1, 2, 1) - value(Axial, 1, 1, 1)
				if coronal := value(Coronal, 1, 2, 1) - value(Coronal, 1, 1, 1); math.Abs(coronal-got) > 2*step {
					t.Errorf("%s: columns of the axial and the coronal plane differ", name)
				}
			case 1:
				got = value(Axial, 1, 1, 2) - value(Axial, 1, 1, 1)
				if sagittal := value(Sagittal, 1, 2, 1) - value(Sagittal, 1, 1, 1); math.Abs(sagittal-got) > 2*step {
					t.Errorf("%s: rows of the axial plane are not columns of the sagittal one", name)
				}
			case 2:
				got = value(Coronal, 1, 1, 1) - value(Coronal, 1, 1, 2)
			}
			if math.Abs(got-want) > 2*step || c[a] <= 0.9 {
				t.Errorf("%s: along axis %d values grow by %g, want %g", name, a, got, want)
			}
		}
		inside := 0
		for slice := range im.Size[2] {
			for _, v := range im.over(&im.Layers[0], Axial, slice) {
				inside += int(v)
			}
		}
		if inside != 18 || im.Region() != 18 {
			t.Errorf("%s: the region has %d voxels, want 18", name, inside)
		}
	}
}

func column3(m [9]float64, c int) [3]float64 { return [3]float64{m[c], m[3+c], m[6+c]} }

// A large scan is cut to its region's surroundings, a large region is averaged, and what is shown is never more than was allowed.
func TestBounds(t *testing.T) {
	g := image.Grid{Size: [3]int{40, 40, 30}, Spacing: [3]float64{1, 1, 2}, Direction: image.IdentityDirection}
	for _, c := range []struct {
		region   image.Box
		most     int
		cropped  bool
		averaged bool
	}{
		{image.Box{Min: [3]int{10, 10, 10}, Max: [3]int{14, 14, 12}}, 1 << 20, false, false},
		{image.Box{Min: [3]int{10, 10, 10}, Max: [3]int{14, 14, 12}}, 4000, true, false},
		{image.Box{Min: [3]int{0, 0, 0}, Max: [3]int{40, 40, 30}}, 8000, false, true},
	} {
		im, err := Read(source(), files(t, g, c.region), c.most)
		if err != nil {
			t.Fatal(err)
		}
		n := im.Size[0] * im.Size[1] * im.Size[2]
		if n > c.most || im.Cropped != c.cropped || (im.Averaged != [3]int{1, 1, 1}) != c.averaged || c.cropped && n < c.most/3 {
			t.Errorf("%v: %d voxels of %v, cropped %v, averaged %v", c, n, im.Size, im.Cropped, im.Averaged)
		}
		// The middle of what is shown is where it should be: a mean over a block lies in its middle.
		at := im.grid.World(3, 4, 5)
		got := im.Intercept + im.Slope*float64(im.voxels[im.grid.Index(3, 4, 5)])
		if math.Abs(got-place(at)) > 0.6*im.Slope+1e-3*math.Abs(got) {
			t.Errorf("%v: %g where %g lies", c, got, place(at))
		}
	}
	if _, err := Read(source(), files(t, g, image.Box{Max: [3]int{40, 40, 30}}), 1000); err == nil {
		t.Error("a region of 48 times the bound is taken")
	}
}

// A map keeps the places and the proportions of its values.
func TestLay(t *testing.T) {
	g := image.Grid{Size: [3]int{8, 8, 8}, Spacing: [3]float64{1, 1, 1}, Direction: [9]float64{-1, 0, 0, 0, -1, 0, 0, 0, 1}}
	im, err := Read(source(), files(t, g, image.Box{Min: [3]int{2, 2, 2}, Max: [3]int{6, 6, 6}}), Voxels)
	if err != nil {
		t.Fatal(err)
	}
	m := &image.Volume{Grid: g.Crop(image.Box{Min: [3]int{2, 2, 2}, Max: [3]int{6, 6, 6}})}
	m.Values = make([]float64, m.Voxels())
	m.Values[m.Index(1, 2, 3)], m.Values[m.Index(0, 0, 0)] = -4, 2
	im.Lay(m, Layer{Title: "x"})
	im.Lay(&image.Volume{Grid: m.Grid, Values: make([]float64, m.Voxels())}, Layer{Title: "nothing"})
	if len(im.Layers) != 2 || im.Layers[1].Most != 4 || !im.Layers[1].Signed || im.Layers[1].Kind != "map" {
		t.Fatalf("%+v", im.Layers)
	}
	// Index (3, 4, 5) of a grid whose first two axes run back is (4, 3, 5) along the patient's.
	if got := im.over(&im.Layers[1], Axial, 5); int8(got[3*8+4]) != -127 {
		t.Errorf("%v", got)
	}
	if got := im.over(&im.Layers[1], Axial, 2); int8(got[5*8+5]) != 64 {
		t.Errorf("%v", got)
	}
}

// Images are gone when their time is over, when they are dropped, when newer ones need the room and when the server stops; others than
// their client never see them.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Limits{Keep: 30 * time.Minute, Bytes: 250})
		put := func(owner string, shared bool) *Scan {
			scan := &Scan{Owner: owner, Shared: shared, Model: "glioma", Result: "r-" + owner, Images: []*Image{{voxels: make([]uint16, 50)}}}
			if !s.Put(scan) {
				t.Fatal("not kept")
			}
			return scan
		}
		a, b := auth.Principal{Name: "a"}, auth.Principal{Name: "b"}
		first := put("a", false)
		if s.Find(first.ID, a) == nil || s.Find(first.ID, b) != nil || s.Of("r-a", a) == nil || s.Of("r-a", b) != nil || len(s.All(b)) != 0 {
			t.Error("the wrong client sees a scan")
		}
		if s.Find(first.ID, auth.Principal{Name: "a", Models: []string{"other"}}) != nil {
			t.Error("a client that may not ask the model sees its scan")
		}
		time.Sleep(29 * time.Minute)
		second := put("", true)
		if s.Find(second.ID, a) == nil || s.Find(first.ID, a) == nil {
			t.Error("a shared scan is not seen, or one is gone too early")
		}
		time.Sleep(time.Minute + time.Second)
		if s.Find(first.ID, a) != nil || s.used != 100 || len(s.order) != 1 {
			t.Errorf("after its time a scan is held: %d bytes", s.used)
		}
		third, fourth := put("a", false), put("a", false)
		if s.Find(second.ID, a) != nil || s.Find(third.ID, a) == nil || s.Find(fourth.ID, a) == nil || s.used != 200 {
			t.Errorf("the oldest makes no room: %d bytes", s.used)
		}
		s.Drop(third.ID)
		s.Drop(third.ID)
		if s.Find(third.ID, a) != nil || s.used != 100 {
			t.Error("a dropped scan is held")
		}
		if s.Put(&Scan{Images: []*Image{{voxels: make([]uint16, 500)}}}) {
			t.Error("a scan beyond the bound is kept")
		}
		s.Close()
		if s.used != 0 || len(s.byID) != 0 {
			t.Error("a stopped server holds scans")
		}
	})
	if New(Limits{}) != nil {
		t.Error("a store that keeps nothing")
	}
	var none *Store
	none.Close()
	if none.Put(&Scan{}) || none.Find("", auth.Principal{}) != nil || none.Keep() != 0 {
		t.Error("none is not empty")
	}
}

// Slices have the size that the description says; what is not there is told as such.
func TestRoutes(t *testing.T) {
	g := image.Grid{Size: [3]int{9, 7, 5}, Spacing: [3]float64{1, 1.5, 2}, Direction: image.IdentityDirection}
	im, err := Read(source(), files(t, g, image.Box{Min: [3]int{2, 1, 1}, Max: [3]int{5, 4, 3}}), Voxels)
	if err != nil {
		t.Fatal(err)
	}
	s := New(Limits{Keep: time.Minute, Bytes: 1 << 20})
	defer s.Close()
	scan := &Scan{Model: "glioma", Images: []*Image{im}}
	s.Put(scan)
	mux := http.NewServeMux()
	(&Front{Store: s, Log: slog.New(slog.NewJSONHandler(io.Discard, nil))}).Register(mux)
	ask := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w
	}
	at := "/v1/scans/" + scan.ID
	var d description
	if w := ask("GET", at); w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" || json.Unmarshal(w.Body.Bytes(), &d) != nil || d.Images[0].Size != g.Size {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for path, want := range map[string]int{"/0/image/axial/4": 2 * 63, "/0/image/coronal/6": 2 * 45, "/0/image/sagittal/8": 2 * 35, "/0/0/axial/0": 63, "/0/0/sagittal/0": 35} {
		if w := ask("GET", at+path); w.Code != 200 || w.Body.Len() != want {
			t.Errorf("%s: %d, %d bytes, want %d", path, w.Code, w.Body.Len(), want)
		}
	}
	for _, path := range []string{"/1/image/axial/0", "/-1/image/axial/0", "/x/image/axial/0", "/0/image/axial/5", "/0/image/axial/-1", "/0/image/axial/1e9", "/0/image/oblique/0", "/0/1/axial/0", "/0/-1/axial/0", "/0/x/axial/0"} {
		if w := ask("GET", at+path); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := ask("GET", "/v1/scans"); w.Code != 200 || w.Body.Len() < 60 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask("DELETE", at); w.Code != 204 {
		t.Errorf("%d", w.Code)
	}
	for _, path := range []string{"", "/0/image/axial/0"} {
		if w := ask("GET", at+path); w.Code != 410 {
			t.Errorf("after it was dropped: %s %d", path, w.Code)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	g := image.Grid{Size: [3]int{256, 256, 100}, Spacing: [3]float64{1, 1, 2}, Direction: image.IdentityDirection}
	f := files(b, g, image.Box{Min: [3]int{100, 100, 40}, Max: [3]int{140, 140, 60}})
	for b.Loop() {
		im, err := Read(source(), f, Voxels)
		if err != nil {
			b.Fatal(err)
		}
		_ = fmt.Sprint(len(im.voxels))
	}
}

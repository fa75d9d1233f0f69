package image

import (
	"math"
	"testing"
)

// head is a scan of three tissues, of mean 40, 90 and 160 before gain and offset, and air at 0.
func head(gain, offset float64) *Volume {
	g := Grid{Size: [3]int{20, 20, 10}, Spacing: [3]float64{1, 1, 1}, Direction: IdentityDirection}
	v := &Volume{Grid: g, Values: make([]float64, g.Voxels())}
	for i := range v.Values {
		if i%20 < 6 {
			continue
		}
		tissue := []float64{40, 90, 160}[i%3]
		v.Values[i] = gain*(tissue+float64(i*7919%23)-11) + offset
	}
	return v
}

// Two scans of one head by scanners of another gain and offset are one scan on the standard scale, landmarks lie where the scale says, and
// the mean of the landmarks' places is the scale.
func TestNyul(t *testing.T) {
	scans := []*Volume{head(1, 0), head(3.5, 20), head(0.4, 7)}
	var landmarks [][]float64
	for _, v := range scans {
		l, err := Landmarks(v, nil)
		if err != nil {
			t.Fatal(err)
		}
		landmarks = append(landmarks, l)
	}
	n, err := FitNyul(landmarks)
	if err != nil {
		t.Fatal(err)
	}
	if n.Scale[0] != 1 || math.Abs(n.Scale[len(n.Scale)-1]-100) > 1e-9 || n.Check() != nil {
		t.Errorf("the scale is %v", n.Scale)
	}
	first, err := n.Apply(scans[0], landmarks[0])
	if err != nil {
		t.Fatal(err)
	}
	for k := range scans {
		out, err := n.Apply(scans[k], landmarks[k])
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range out.Values {
			if scans[0].Values[i] > 0 && math.Abs(x-first.Values[i]) > 1e-9 {
				t.Fatalf("scan %d, voxel %d: %g, and %g in the first", k, i, x, first.Values[i])
			}
		}
		again, err := Landmarks(out, &Mask{Grid: out.Grid, Labels: brain(scans[k])})
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range again {
			if math.Abs(x-n.Scale[i]) > 1e-9 {
				t.Errorf("scan %d: landmark %d lies at %g, want %g", k, i, x, n.Scale[i])
			}
		}
	}
}

// brain labels the voxels above 0.
func brain(v *Volume) []uint16 {
	out := make([]uint16, len(v.Values))
	for i, x := range v.Values {
		if x > 0 {
			out[i] = 1
		}
	}
	return out
}

// A published example in numbers: of values 0 to 100 the landmarks are 1, 10, 20, … 90 and 99; of their squares the same, squared. Brought
// to 1 … 100 and averaged they are the scale (Nyúl and Udupa 1999, the definition).
func TestNyulByHand(t *testing.T) {
	g := Grid{Size: [3]int{101, 1, 1}, Spacing: [3]float64{1, 1, 1}, Direction: IdentityDirection}
	all := &Mask{Grid: g, Labels: make([]uint16, 101)}
	line, square := &Volume{Grid: g, Values: make([]float64, 101)}, &Volume{Grid: g, Values: make([]float64, 101)}
	for i := range line.Values {
		line.Values[i], square.Values[i], all.Labels[i] = float64(i), float64(i*i), 1
	}
	a, err := Landmarks(line, all)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Landmarks(square, all)
	if err != nil {
		t.Fatal(err)
	}
	n, err := FitNyul([][]float64{a, b})
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range []float64{1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99} {
		want := (1 + (x-1)/98*99 + 1 + (x*x-1)/9800*99) / 2
		if a[i] != x || b[i] != x*x || math.Abs(n.Scale[i]-want) > 1e-9 {
			t.Errorf("landmark %g: %g and %g, scale %g, want %g", x, a[i], b[i], n.Scale[i], want)
		}
	}
	out, err := n.Apply(line, a)
	if err != nil {
		t.Fatal(err)
	}
	if want := (n.Scale[1] + n.Scale[2]) / 2; math.Abs(out.Values[15]-want) > 1e-9 {
		t.Errorf("15 becomes %g, want %g", out.Values[15], want)
	}
	if want := n.Scale[10] + (n.Scale[10]-n.Scale[9])/9; math.Abs(out.Values[100]-want) > 1e-9 {
		t.Errorf("100 becomes %g, want %g", out.Values[100], want)
	}
}

func TestNyulRefuses(t *testing.T) {
	flat := &Volume{Grid: Grid{Size: [3]int{4, 1, 1}}, Values: []float64{5, 5, 5, 5}}
	if _, err := Landmarks(flat, nil); err == nil {
		t.Error("one grey level: no error")
	}
	if _, err := FitNyul(nil); err == nil {
		t.Error("no scan: no error")
	}
	if _, err := FitNyul([][]float64{{1, 2}}); err == nil {
		t.Error("two landmarks: no error")
	}
}

package image_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/voxgene/voxgene/features/image"
)

// scattered is a mask of random voxels on an uneven grid.
func scattered(t testing.TB, share float64) *image.Mask {
	t.Helper()
	m := &image.Mask{Grid: oblique(t, [3]int{17, 13, 9})}
	m.Labels = make([]uint16, m.Voxels())
	r := rand.New(rand.NewPCG(3, 4))
	for i := range m.Labels {
		if r.Float64() < share {
			m.Labels[i] = uint16(1 + r.IntN(3))
		}
	}
	return m
}

// Dilation is what measuring the distance to every voxel says.
func TestDilateInvariant(t *testing.T) {
	for _, share := range []float64{0.001, 0.01, 0.1} {
		m := scattered(t, share)
		for _, mm := range []float64{0, 0.5, 1.3, 2.5, 4, 100} {
			got, err := m.Dilate(mm)
			if err != nil {
				t.Fatal(err)
			}
			ring, err := m.Ring(mm)
			if err != nil {
				t.Fatal(err)
			}
			for at := range m.Labels {
				i, j, k := at%17, at/17%13, at/17/13
				least := math.Inf(1)
				for to, l := range m.Labels {
					if l != 0 {
						dx, dy, dz := float64(i-to%17)*m.Spacing[0], float64(j-to/17%13)*m.Spacing[1], float64(k-to/17/13)*m.Spacing[2]
						least = min(least, math.Sqrt(dx*dx+dy*dy+dz*dz))
					}
				}
				if math.Abs(least-mm) > 1e-9 && (got.Labels[at] == 1) != (least < mm) {
					t.Fatalf("%g mm: voxel (%d, %d, %d) at %g is %d", mm, i, j, k, least, got.Labels[at])
				}
				if m.Labels[at] != 0 && ring.Labels[at] != 0 || m.Labels[at] == 0 && ring.Labels[at] != got.Labels[at] {
					t.Fatalf("%g mm: ring at (%d, %d, %d) is %d", mm, i, j, k, ring.Labels[at])
				}
			}
		}
	}
	if _, err := scattered(t, 0.1).Dilate(math.NaN()); err == nil {
		t.Error("NaN: no error")
	}
	empty := scattered(t, 0)
	if d, err := empty.Dilate(3); err != nil || !d.Bounds(0).Empty() {
		t.Errorf("of nothing: %v", err)
	}
}

// Components partition the mask; neighbours are of one component; sizes fall; the least volume holds.
func TestComponentsInvariant(t *testing.T) {
	m := scattered(t, 0.05)
	out, all, err := m.Components(0)
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]int, len(all)+1)
	for at, l := range m.Labels {
		if (l != 0) != (out.Labels[at] != 0) {
			t.Fatalf("voxel %d: %d became %d", at, l, out.Labels[at])
		}
		counts[out.Labels[at]]++
		i, j, k := at%17, at/17%13, at/17/13
		for dz := -1; dz <= 1; dz++ {
			for dy := -1; dy <= 1; dy++ {
				for dx := -1; dx <= 1; dx++ {
					x, y, z := i+dx, j+dy, k+dz
					if x < 0 || y < 0 || z < 0 || x >= 17 || y >= 13 || z >= 9 {
						continue
					}
					if o := out.Labels[out.Index(x, y, z)]; l != 0 && o != 0 && o != out.Labels[at] {
						t.Fatalf("neighbours are of components %d and %d", out.Labels[at], o)
					}
				}
			}
		}
	}
	for i, c := range all {
		if int(c.Label) != i+1 || c.Voxels != counts[i+1] || i > 0 && c.Voxels > all[i-1].Voxels || c.Bounds != out.Bounds(c.Label) ||
			math.Abs(c.Volume-float64(c.Voxels)*m.VoxelVolume()) > 1e-9 {
			t.Errorf("component %d: %+v", i, c)
		}
	}
	least := 2.5 * m.VoxelVolume()
	some, large, err := m.Components(least)
	if err != nil || len(large) == 0 || len(large) == len(all) || large[len(large)-1].Voxels < 3 || len(large) < len(all) && all[len(large)].Voxels >= 3 {
		t.Errorf("%v of %v (%v)", large, all, err)
	}
	for at, l := range some.Labels {
		if l != 0 && l != out.Labels[at] {
			t.Fatalf("voxel %d is of component %d, was %d", at, l, out.Labels[at])
		}
	}
}

func TestUnion(t *testing.T) {
	m := scattered(t, 0.2)
	two, all := m.Union(1, 3), m.Union()
	for i, l := range m.Labels {
		if (two.Labels[i] == 1) != (l == 1 || l == 3) || (all.Labels[i] == 1) != (l != 0) {
			t.Fatalf("label %d became %d and %d", l, two.Labels[i], all.Labels[i])
		}
	}
}

// A volume that is linear in the patient's axes is the same function on any grid inside it; on its own grid it is itself.
func TestResampleInvariant(t *testing.T) {
	g := oblique(t, [3]int{12, 10, 8})
	at := func(p [3]float64) float64 { return 3*p[0] - 2*p[1] + 0.5*p[2] + 7 }
	v := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}
	for n := range v.Values {
		v.Values[n] = at(g.World(float64(n%12), float64(n/12%10), float64(n/120)))
	}
	same := v.Resample(g)
	for n := range v.Values {
		if math.Abs(same.Values[n]-v.Values[n]) > 1e-9 {
			t.Fatalf("voxel %d is %g, was %g", n, same.Values[n], v.Values[n])
		}
	}
	other := image.Grid{Size: [3]int{5, 4, 3}, Spacing: [3]float64{0.4, 0.6, 1.1}, Origin: g.World(5, 4, 3), Direction: image.IdentityDirection}
	moved := v.Resample(other)
	for n := range moved.Values {
		want := at(other.World(float64(n%5), float64(n/5%4), float64(n/20)))
		if math.Abs(moved.Values[n]-want) > 1e-9 {
			t.Errorf("voxel %d is %g, want %g", n, moved.Values[n], want)
		}
	}
	other.Origin = g.World(-1, 0, 0)
	if x := v.Resample(other).Values[0]; !math.IsNaN(x) {
		t.Errorf("outside the volume: %g", x)
	}
	other.Origin = g.World(-0.4, 0, 0)
	if x := v.Resample(other).Values[0]; math.Abs(x-v.Values[0]) > 1e-9 {
		t.Errorf("in the half voxel beyond the first centre: %g, want %g", x, v.Values[0])
	}
}

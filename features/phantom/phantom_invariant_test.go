package phantom_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/voxgene/voxgene/features/phantom"
)

func cohort(t *testing.T, o phantom.Options) *phantom.Cohort {
	t.Helper()
	c, err := phantom.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A lesion has exactly the voxels, mean and standard deviation that its latent variables ask for.
func TestLesionInvariant(t *testing.T) {
	c := cohort(t, phantom.Defaults())
	for i, p := range c.Patients[:20] {
		v, m := c.Image(i)
		n, sum, squares := 0, 0.0, 0.0
		for k, label := range m.Labels {
			if label == 1 {
				n++
				sum += v.Values[k]
			}
		}
		mean := sum / float64(n)
		for k, label := range m.Labels {
			if label == 1 {
				squares += (v.Values[k] - mean) * (v.Values[k] - mean)
			}
		}
		sd := math.Sqrt(squares / float64(n))
		wantN := math.Round(1500 + 350*p.Latents[phantom.Size])
		wantMean, wantSD := 100+12*p.Latents[phantom.Brightness], 20+4*p.Latents[phantom.Contrast]
		if float64(n) != wantN || math.Abs(mean-wantMean) > 1e-5 || math.Abs(sd-wantSD) > 1e-5 {
			t.Errorf("%s: %d voxels, mean %g, sd %g; want %g, %g, %g", p.ID, n, mean, sd, wantN, wantMean, wantSD)
		}
	}
}

// A patient does not depend on how many others there are, and another seed gives another one.
func TestSeedInvariant(t *testing.T) {
	o := phantom.Defaults()
	o.Patients = 5
	few := cohort(t, o)
	o.Patients = 9
	many := cohort(t, o)
	o.Seed = 2
	other := cohort(t, o)
	if !reflect.DeepEqual(few.Patients, many.Patients[:5]) {
		t.Error("the first five patients differ")
	}
	if reflect.DeepEqual(many.Patients[0].Expression, other.Patients[0].Expression) {
		t.Error("two seeds, one patient")
	}
}

// In a large cohort the correlation of genes with latent variables is what was planted, and no other gene has any. With 4,000
// patients a correlation has a standard error of at most 0.016; 1,000 pairs stay within five of them.
func TestLinksInvariant(t *testing.T) {
	o := phantom.Defaults()
	o.Patients = 4000
	c := cohort(t, o)
	planted := map[[2]string]float64{}
	for _, l := range c.Truth.Links {
		planted[[2]string{l.Latent, l.Gene}] = l.Correlation
	}
	if len(planted) != 15 {
		t.Fatalf("%d links, want three for each of five latent variables", len(planted))
	}
	for latent := phantom.Size; latent <= phantom.Coarseness; latent++ {
		for g, gene := range c.Genes {
			var sx, sy, sxx, syy, sxy float64
			for _, p := range c.Patients {
				x, y := p.Latents[latent], p.Expression[g]
				sx, sy, sxx, syy, sxy = sx+x, sy+y, sxx+x*x, syy+y*y, sxy+x*y
			}
			n := float64(len(c.Patients))
			r := (sxy - sx*sy/n) / math.Sqrt((sxx-sx*sx/n)*(syy-sy*sy/n))
			want := planted[[2]string{latent.String(), gene}]
			if math.Abs(r-want) > 5/math.Sqrt(n) {
				t.Errorf("%s and %s: correlation %.3f, planted %.1f", latent, gene, r, want)
			}
		}
	}
}

// What a texture phantom plants cannot be read from first-order features: both subtypes have the same histograms.
func TestTextureInvariant(t *testing.T) {
	o := phantom.Defaults()
	o.Plant = phantom.Texture
	c := cohort(t, o)
	rough := map[string]float64{}
	count := map[string]float64{}
	for i := range c.Patients[:40] {
		v, m := c.Image(i)
		p := c.Patients[i]
		sd := 20 + 4*p.Latents[phantom.Contrast]
		sum, pairs := 0.0, 0.0
		for k := 1; k < len(v.Values); k++ {
			if m.Labels[k] == 1 && m.Labels[k-1] == 1 {
				d := (v.Values[k] - v.Values[k-1]) / sd
				sum, pairs = sum+d*d, pairs+1
			}
		}
		rough[p.Subtype] += sum / pairs
		count[p.Subtype]++
	}
	if a, b := rough["A"]/count["A"], rough["B"]/count["B"]; !(a > 4*b) {
		t.Errorf("squared step between neighbours: %g in A, %g in B; A should be far rougher", a, b)
	}
}

func TestOptionsBadInput(t *testing.T) {
	for _, o := range []phantom.Options{{}, {Patients: 10, Genes: 3, Plant: phantom.Additive, Lesions: 1}, {Patients: 10, Genes: 50, Plant: "other", Lesions: 1}, {Patients: 10, Genes: 50, Plant: phantom.Texture, Lesions: 9}, {Patients: 10, Genes: 50, Plant: phantom.Additive, Lesions: 2}} {
		if _, err := phantom.New(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

// Patients with several lesions have one to so many, which stand apart in the scan, in the order of their volume; subtypes differ within patients.
func TestLesionsInvariant(t *testing.T) {
	o := phantom.Defaults()
	o.Patients, o.Plant, o.Lesions = 12, phantom.Texture, 3
	c := cohort(t, o)
	seen, mixed := map[int]bool{}, false
	for i, p := range c.Patients {
		_, m := c.Image(i)
		components, parts, err := m.Components(0)
		if err != nil || len(parts) != len(p.Subtypes) || p.Subtype != "" {
			t.Fatalf("%s: %d components of %d lesions (%v)", p.ID, len(parts), len(p.Subtypes), err)
		}
		for l, one := range parts {
			want := int(math.Round(1500+350*p.Latents[phantom.Size])) - l
			box := components.Bounds(one.Label)
			if one.Voxels != want || box.Min[0]/36 != l || (box.Max[0]-1)/36 != l {
				t.Errorf("%s: lesion %d has %d voxels at %v, want %d in its own part of the scan", p.ID, l+1, one.Voxels, box, want)
			}
			mixed = mixed || p.Subtypes[l] != p.Subtypes[0]
		}
		seen[len(parts)] = true
	}
	if len(seen) != 3 || !mixed {
		t.Errorf("numbers of lesions %v, patients with both subtypes: %v", seen, mixed)
	}
}

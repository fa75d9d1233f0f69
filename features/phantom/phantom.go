// Package phantom makes synthetic cohorts whose links between images, genes, subtype and survival are known.
//
// A patient has five latent variables, each uniform on ±√3 (mean 0, variance 1) and independent: the size, elongation, brightness,
// contrast and coarseness of a lesion. The lesion is an ellipsoid of exactly the wanted number of voxels, and its values are the
// quantiles of a normal distribution with exactly the wanted mean and standard deviation, laid out in space by the ranks of a
// random field of the wanted smoothness. First-order features therefore depend on size, brightness and contrast alone and texture
// can differ between lesions of equal histogram. A linked gene is ρ·latent + √(1−ρ²)·noise, so its correlation with a feature f
// in the population is ρ·corr(f, latent), and what is not listed in the truth is independent.
package phantom

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/work"
)

// Plant chooses what causes the subtype.
type Plant string

// What can be planted.
const (
	// Additive: subtype from coarseness and a gene, added on the logit scale.
	Additive Plant = "additive"
	// Texture: subtype from coarseness alone, in lesions whose first-order histograms are matched.
	Texture Plant = "texture"
	// Interaction: subtype from the product of brightness and a gene; neither alone says anything.
	Interaction Plant = "interaction"
)

// Options say what cohort to make. The zero value is not valid; see Defaults.
type Options struct {
	Patients int
	Genes    int
	Seed     work.Seed
	Plant    Plant
	// Lesions is how many a patient has at most. With more than 1 each patient has one to so many, and each lesion a subtype of its own.
	Lesions int
}

// Defaults is the cohort of `voxgene phantom` without flags.
func Defaults() Options {
	return Options{Patients: 120, Genes: 200, Seed: 1, Plant: Additive, Lesions: 1}
}

// Validate returns what is wrong with the options.
func (o Options) Validate() error {
	switch {
	case o.Patients < 1 || o.Patients > 100_000:
		return fmt.Errorf("patients: %d is not between 1 and 100000", o.Patients)
	case o.Genes < minGenes || o.Genes > 100_000:
		return fmt.Errorf("genes: %d is not between %d and 100000", o.Genes, minGenes)
	case o.Lesions < 1 || o.Lesions > maxLesions:
		return fmt.Errorf("lesions: %d is not between 1 and %d", o.Lesions, maxLesions)
	case o.Lesions > 1 && o.Plant != Texture:
		return fmt.Errorf("lesions: several have a subtype each in a cohort of plant texture, not %s", o.Plant)
	case o.Plant != Additive && o.Plant != Texture && o.Plant != Interaction:
		return fmt.Errorf("plant: %q is not additive, texture or interaction", o.Plant)
	}
	return nil
}

// Latent numbers a latent variable.
type Latent int

// The latent variables.
const (
	Size Latent = iota
	Elongation
	Brightness
	Contrast
	Coarseness
	latents
)

var latentNames = [latents]string{"size", "elongation", "brightness", "contrast", "coarseness"}

// String returns the name that truth.json uses.
func (l Latent) String() string { return latentNames[l] }

// Patient is one synthetic patient.
type Patient struct {
	ID         string
	Latents    [latents]float64
	Expression []float64 // log2 scale, one a gene
	Age        float64   // years
	Sex        string
	Centre     string
	Subtype    string // A or B
	Days       float64
	Event      bool
	// Subtypes are those of the lesions, the largest first, where there may be several; Subtype is then empty.
	Subtypes []string
	seed     work.Seed
	coarse   bool // of a texture phantom
}

// Cohort is a synthetic cohort; images are drawn when they are asked for.
type Cohort struct {
	Options  Options
	Genes    []string
	Patients []Patient
	Truth    Truth
}

// New makes a cohort. The same options give the same cohort, and patient i is the same whatever the number of patients.
func New(o Options) (*Cohort, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	c := &Cohort{Options: o, Genes: make([]string, o.Genes)}
	for g := range c.Genes {
		c.Genes[g] = fmt.Sprintf("GENE%04d", g+1)
	}
	plan := newPlan(o)
	c.Truth = plan.truth(o, c.Genes)
	c.Patients = make([]Patient, o.Patients)
	for i := range c.Patients {
		c.Patients[i] = newPatient(o, plan, i)
	}
	return c, nil
}

func newPatient(o Options, plan plan, i int) Patient {
	p := Patient{ID: fmt.Sprintf("P%04d", i+1), seed: o.Seed.SplitInt("patient", i)}
	r := p.seed.Split("latents").Rand()
	for l := range p.Latents {
		p.Latents[l] = math.Sqrt(3) * (2*r.Float64() - 1)
	}
	z := make([]float64, o.Genes)
	r = p.seed.Split("genes").Rand()
	for g := range z {
		z[g] = r.NormFloat64()
	}
	for _, l := range plan.links {
		z[l.gene] = l.rho*p.Latents[l.latent] + math.Sqrt(1-l.rho*l.rho)*z[l.gene]
	}
	p.Expression = make([]float64, o.Genes)
	for g := range z {
		p.Expression[g] = expressionMean + expressionSD*z[g]
	}
	r = p.seed.Split("clinical").Rand()
	p.Age = math.Round(min(90, max(20, 58+11*r.NormFloat64())))
	p.Sex = []string{"female", "male"}[r.IntN(2)]
	p.Centre = []string{"north", "south", "west"}[r.IntN(3)]
	p.Subtype, p.coarse = plan.subtype(p.Latents, z, r)
	p.Days, p.Event = plan.survival(p.Latents, z, r)
	if o.Lesions > 1 {
		p.lesions(o)
	}
	return p
}

// Expression is on a log2 scale, as after log2(TPM+1).
const expressionMean, expressionSD = 7, 1.5

// Image draws the patient's volume and mask. The lesion is in the middle of a noisy background; its label is 1.
func (c *Cohort) Image(i int) (*image.Volume, *image.Mask) {
	p := c.Patients[i]
	if p.Subtypes != nil {
		return p.several()
	}
	sigma := 1.2 + 0.4*p.Latents[Coarseness]
	if c.Options.Plant == Texture {
		sigma = smoothness(p.coarse)
	}
	return p.lesion(sigma).draw(p.seed.Split("image"))
}

// smoothness of the texture of a texture phantom.
func smoothness(coarse bool) float64 {
	if coarse {
		return 1.6
	}
	return 0.45
}

// lesion is one with the patient's size, shape and histogram.
func (p *Patient) lesion(sigma float64) lesion {
	u := p.Latents
	return lesion{
		voxels:     int(math.Round(1500 + 350*u[Size])),
		elongation: math.Exp(0.25 * u[Elongation]),
		mean:       100 + 12*u[Brightness],
		sd:         20 + 4*u[Contrast],
		sigma:      sigma,
	}
}

// logistic is the inverse of the logit.
func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// bernoulli draws true with the given probability.
func bernoulli(r *rand.Rand, p float64) bool { return r.Float64() < p }

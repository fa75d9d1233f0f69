package phantom

import (
	"math"
	"math/rand/v2"
)

// link ties a gene to a latent variable with a correlation in the population.
type link struct {
	latent Latent
	gene   int
	rho    float64
}

// plan is what a cohort plants: links, and the causes of subtype and survival.
type plan struct {
	plant        Plant
	links        []link
	subtypeGene  int // drives the subtype and is linked to no latent variable
	survivalGene int
}

// Each latent variable has one gene at each of these correlations.
var correlations = []float64{0.7, 0.5, 0.3}

// Genes that the plan needs: three a latent variable and two drivers.
const minGenes = 3*int(latents) + 2

// Survival is Weibull with proportional hazards; follow-up ends between the two times, uniformly.
const (
	weibullShape  = 1.3
	weibullScale  = 1100 // days
	followUpShort = 300
	followUpLong  = 2600
)

func newPlan(o Options) plan {
	// Genes take their part at random places, so that nothing can be read off the order of columns.
	place := o.Seed.Split("genes").Rand().Perm(o.Genes)
	p := plan{plant: o.Plant}
	for l := range latents {
		for k, rho := range correlations {
			p.links = append(p.links, link{latent: l, gene: place[int(l)*len(correlations)+k], rho: rho})
		}
	}
	p.subtypeGene, p.survivalGene = place[minGenes-2], place[minGenes-1]
	if o.Plant == Texture {
		// The latent coarseness does nothing there: the two textures are the subtype.
		p.links = p.links[:int(Coarseness)*len(correlations)]
	}
	return p
}

// subtype draws the subtype, and for a texture phantom whether the texture is coarse.
func (p plan) subtype(u [latents]float64, z []float64, r *rand.Rand) (string, bool) {
	var b bool
	switch p.plant {
	case Additive:
		b = bernoulli(r, logistic(additiveLatent*u[Coarseness]+additiveGene*z[p.subtypeGene]))
	case Interaction:
		b = bernoulli(r, logistic(interaction*u[Brightness]*z[p.subtypeGene]))
	case Texture:
		b = bernoulli(r, 0.5)
	}
	if b {
		return "B", b
	}
	return "A", b
}

// Coefficients on the logit scale, and log hazard ratios, of one unit (a standard deviation) of each cause.
const (
	additiveLatent = 1.8
	additiveGene   = 1.2
	interaction    = 3.0
	survivalLatent = 0.8
	survivalFactor = 0.6
)

// survival draws follow-up in days.
func (p plan) survival(u [latents]float64, z []float64, r *rand.Rand) (days float64, event bool) {
	hazard := math.Exp(survivalLatent*u[Size] + survivalFactor*z[p.survivalGene])
	death := weibullScale * math.Pow(-math.Log(1-r.Float64())/hazard, 1/weibullShape)
	end := followUpShort + (followUpLong-followUpShort)*r.Float64()
	return math.Max(1, math.Ceil(min(death, end))), death <= end
}

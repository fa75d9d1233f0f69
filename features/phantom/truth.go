package phantom

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
)

// Truth is what was planted, as truth.json holds it.
type Truth struct {
	Patients int    `json:"patients"`
	Seed     uint64 `json:"seed"`
	Plant    Plant  `json:"plant"`
	Lesions  int    `json:"lesions,omitempty"` // that a patient has at most, where not 1
	// Source is the name under which the images' columns appear: t1.original_firstorder_Mean.
	Source string `json:"source"`
	// Links are the genes that depend on a latent variable of the image.
	Links []Link `json:"links"`
	// Pairs are all pairs of image feature and gene that are not independent.
	Pairs []Pair `json:"pairs"`
	// Note says what holds for pairs that are not listed.
	Note     string  `json:"note"`
	Subtype  Outcome `json:"subtype"`
	Survival Outcome `json:"survival"`
}

// Link is a gene's correlation with a latent variable in the population.
type Link struct {
	Latent      string  `json:"latent"`
	Gene        string  `json:"gene"`
	Correlation float64 `json:"correlation"`
}

// Pair is the correlation of an image feature with a gene in the population. It is exact where StandardError is 0; else it is the
// link's correlation times that of feature and latent variable, estimated once from a large sample with that standard error.
type Pair struct {
	Feature       string  `json:"feature"`
	Gene          string  `json:"gene"`
	Correlation   float64 `json:"correlation"`
	StandardError float64 `json:"standard_error"`
}

// Outcome says how an outcome was drawn.
type Outcome struct {
	Model  string  `json:"model"`
	Causes []Cause `json:"causes"`
}

// Cause is one term of an outcome: the coefficient of one standard deviation of a latent variable, of a gene, or of their product.
type Cause struct {
	Latent      string  `json:"latent,omitempty"`
	Gene        string  `json:"gene,omitempty"`
	Coefficient float64 `json:"coefficient"`
}

// population holds the correlation of each feature with each latent variable, one row a feature and plant; an empty cell means
// independent by construction. It is made by TestPopulation -update.
//
//go:embed population.csv
var population string

// Source is the name of the images in the cohort's own experiment file.
const Source = "t1"

func (p plan) truth(o Options, genes []string) Truth {
	t := Truth{
		Patients: o.Patients, Seed: uint64(o.Seed), Plant: o.Plant, Source: Source,
		Note: "a pair of image feature and gene that is not listed is independent; correlations are Pearson's, in the population",
		Survival: Outcome{
			Model: fmt.Sprintf("Weibull, proportional hazards, shape %g, scale %d d; log hazard ratios; censored uniformly between %d and %d d",
				weibullShape, weibullScale, followUpShort, followUpLong),
			Causes: []Cause{{Latent: Size.String(), Coefficient: survivalLatent}, {Gene: genes[p.survivalGene], Coefficient: survivalFactor}},
		},
	}
	driver := genes[p.subtypeGene]
	switch o.Plant {
	case Additive:
		t.Subtype = Outcome{"Bernoulli, log-odds of B", []Cause{
			{Latent: Coarseness.String(), Coefficient: additiveLatent}, {Gene: driver, Coefficient: additiveGene}}}
	case Interaction:
		t.Subtype = Outcome{"Bernoulli, log-odds of B", []Cause{{Latent: Brightness.String(), Gene: driver, Coefficient: interaction}}}
	case Texture:
		t.Subtype = Outcome{"B, at even odds, has a coarse texture and A a fine one, with the same first-order histogram", nil}
	}
	if o.Lesions > 1 {
		t.Lesions = o.Lesions
		t.Subtype.Model = "of each lesion by itself: " + t.Subtype.Model
	}
	correlation := populationOf(o.Plant)
	for _, l := range p.links {
		t.Links = append(t.Links, Link{l.latent.String(), genes[l.gene], l.rho})
		for _, f := range correlation {
			c, ok := f.with[l.latent]
			if !ok {
				continue
			}
			t.Pairs = append(t.Pairs, Pair{Source + "." + f.name, genes[l.gene], l.rho * c.value, l.rho * c.standardError})
		}
	}
	return t
}

// estimate is a correlation and its standard error; 0 where it is exact.
type estimate struct{ value, standardError float64 }

// featureRow is what the population says of one feature.
type featureRow struct {
	name string
	with map[Latent]estimate
}

// populationOf reads the embedded table for a plant. Interaction and Additive share their images.
func populationOf(plant Plant) []featureRow {
	if plant == Interaction {
		plant = Additive
	}
	records, err := csv.NewReader(strings.NewReader(population)).ReadAll()
	if err != nil {
		panic("phantom: embedded table: " + err.Error()) // a fault of the build
	}
	var rows []featureRow
	for _, rec := range records[1:] {
		if rec[0] != string(plant) {
			continue
		}
		f := featureRow{name: rec[1], with: map[Latent]estimate{}}
		for l := range latents {
			if cell := rec[2+l]; cell != "" {
				value, se, _ := strings.Cut(cell, "±") // an exact one has no ±
				var e estimate
				e.value, _ = strconv.ParseFloat(value, 64)
				e.standardError, _ = strconv.ParseFloat(se, 64)
				f.with[l] = e
			}
		}
		rows = append(rows, f)
	}
	return rows
}

// Package bundle holds the one-file model: what training leaves and serving loads.
//
// A bundle carries, for each outcome, the fitted pipeline and the model, and beside them what makes a prediction safe to read: the
// schema of the inputs with the range that training saw, the follow-up, risk groups whose cuts were fixed in training, the
// canonical configuration. It holds no row and no identifier of a patient, and nothing that is executed. Predict is the one
// prediction of Voxgene: the command line and every front of the server render its answer.
package bundle

import (
	"fmt"
	"slices"
	"sync"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/explain"
	"github.com/voxgene/voxgene/models/pipeline"
)

// Research is the intended use of a bundle unless an institution approved another.
const Research = "research"

// Bundle is a trained model and all that a prediction needs. It is not changed after it was read or first used, and is safe for
// concurrent use.
type Bundle struct {
	Name        string     // of the experiment; also the model's name in URLs
	CreatedBy   string     // the program that trained it, such as voxgene 1.2.0
	IntendedUse string     // Research unless approved otherwise
	Patients    int        // training patients
	Unit        table.Unit // what a row is: table.PerPatient, or a lesion or visit of a patient
	Config      []byte     // canonical experiment file, without paths, output or clock
	Metrics     []byte     // metrics.json of the training run; may be empty
	Inputs      []Input
	// Sources say how inputs are extracted from a patient's images: those of the source of that name. See extraction.Source.
	Sources  []extraction.Source
	Abstain  *Abstain // when no prediction is given; nil is never
	Outcomes []Outcome

	version string
	ready   sync.Once
	columns []table.Column // of Inputs
	index   map[string]int // of Inputs by full name
	plans   []*plan        // of Outcomes
	fault   error

	sources  []source // of Inputs
	sourceOf []int    // index into sources of each input
	// Values of each input from low to high need no warning: flat, because the envelope looks at every input of every patient.
	low, high []float64
	apart     []bool // of each input: whether its range is one of harmonised values, which an outcome knows
}

// Outcome is one thing that a bundle predicts.
type Outcome struct {
	Name string
	Kind clinical.OutcomeKind

	// Class outcomes.
	Classes []string // the last is the positive class where there are two
	// Threshold is the probability of the positive class from which it is the label, fixed in training; 0 stands for one half.
	Threshold float64
	Conformal *Conformal

	// Survival outcomes.
	Unit     string // UCUM: d, wk, mo, a
	Origin   string // what happened at time zero
	FollowUp FollowUp
	Groups   RiskGroups

	Chain *pipeline.FittedChain
	Model models.Model
	// Background stands in for columns that explanations leave out: centroids over the model's columns. Nil where the method that
	// suits the model needs none.
	Background *explain.Background
	// Strongest are the numeric inputs that counted most in training, most first: those whose drift a server watches.
	Strongest []string
	Space     *Space  // where the training cohort lay; nil gives no warning of distance
	Ranges    []Range // of inputs whose batches the pipeline harmonises
}

// plan is what Predict knows of an outcome before it sees a patient.
type plan struct {
	inputs  []int // of the bundle's inputs, those that the chain reads; nil where it reads all in order
	given   []table.Column
	columns []table.Column // of the model
	made    []table.Column // the same, as the pipeline describes them
	raw     []int          // input that each model column goes back to; -1 where it has several
	single  division       // into single inputs
	ranges  map[int]Range  // of the inputs that the pipeline harmonises, by their index

	once  sync.Once
	usual *explain.Explainer
	fault error

	lock sync.Mutex
	kept map[[2]string]*explain.Explainer // by method and scale, on the bundle's own background
}

// prepare works out the plans, once, and says what does not fit together.
func (b *Bundle) prepare() error {
	b.ready.Do(func() { b.fault = b.plan() })
	return b.fault
}

func (b *Bundle) plan() error {
	if b.Name == "" {
		return fmt.Errorf("the bundle has no name")
	}
	if len(b.Outcomes) == 0 {
		return fmt.Errorf("bundle %s predicts nothing", b.Name)
	}
	if b.Unit == "" {
		b.Unit = table.PerPatient
	}
	if !slices.Contains(table.Units, b.Unit) {
		return fmt.Errorf("bundle %s: a row is a %q, which is not one of %v", b.Name, b.Unit, table.Units)
	}
	if err := b.Abstain.Check(); err != nil {
		return fmt.Errorf("bundle %s: %w", b.Name, err)
	}
	b.columns = make([]table.Column, len(b.Inputs))
	b.index = make(map[string]int, len(b.Inputs))
	for j, in := range b.Inputs {
		if _, twice := b.index[in.Name]; twice || in.Name == "" {
			return fmt.Errorf("bundle %s: input %d has the name %q of another, or none", b.Name, j+1, in.Name)
		}
		b.columns[j], b.index[in.Name] = in.Column, j
	}
	b.sources, b.sourceOf = sources(b.Inputs)
	b.low, b.high = make([]float64, len(b.Inputs)), make([]float64, len(b.Inputs))
	for j := range b.Inputs {
		b.low[j], b.high[j] = b.Inputs[j].usual()
	}
	seen := map[string]bool{}
	b.plans, b.apart = make([]*plan, len(b.Outcomes)), make([]bool, len(b.Inputs))
	for i := range b.Outcomes {
		o := &b.Outcomes[i]
		if o.Name == "" || seen[o.Name] {
			return fmt.Errorf("bundle %s: outcome %d has the name %q of another, or none", b.Name, i+1, o.Name)
		}
		seen[o.Name] = true
		p, err := b.planOutcome(o)
		if err != nil {
			return fmt.Errorf("bundle %s: outcome %s: %w", b.Name, o.Name, err)
		}
		b.plans[i] = p
		for j := range p.ranges {
			b.apart[j] = true
		}
	}
	return nil
}

func (b *Bundle) planOutcome(o *Outcome) (*plan, error) {
	if o.Chain == nil || o.Model == nil {
		return nil, fmt.Errorf("it has no pipeline or no model")
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	p := &plan{given: o.Chain.Inputs(), columns: o.Model.Columns()}
	whole := len(p.given) == len(b.columns)
	for j, c := range p.given {
		at, ok := b.index[c.Name]
		if !ok {
			return nil, fmt.Errorf("the pipeline reads %q, which is not an input", c.Name)
		}
		if in := b.columns[at]; in.Kind != c.Kind || !slices.Equal(in.Levels, c.Levels) {
			return nil, fmt.Errorf("the pipeline reads %q with another kind or other levels than the input", c.Name)
		}
		p.inputs = append(p.inputs, at)
		whole = whole && at == j
	}
	if whole {
		p.inputs = nil
	}
	made := o.Chain.Columns()
	if err := models.CheckColumns(p.columns, models.Matrix{Columns: made}); err != nil {
		return nil, err
	}
	if err := o.Space.check(len(made)); err != nil {
		return nil, err
	}
	var err error
	if p.ranges, err = b.ranges(o); err != nil {
		return nil, err
	}
	p.made = made
	for _, c := range made {
		from := -1
		if len(c.From) <= 1 {
			name := c.Name
			if len(c.From) == 1 {
				name = c.From[0]
			}
			at, ok := b.index[name]
			if !ok {
				return nil, fmt.Errorf("column %q comes from %q, which is not an input", c.Name, name)
			}
			from = at
		}
		p.raw = append(p.raw, from)
	}
	p.single = p.divide(b)
	return p, nil
}

// check says what is wrong with an outcome's own description.
func (o *Outcome) check() error {
	switch o.Kind {
	case clinical.Class:
		if len(o.Classes) < 2 {
			return fmt.Errorf("a class outcome has two classes or more, not %v", o.Classes)
		}
		if !(o.Threshold >= 0 && o.Threshold < 1) {
			return fmt.Errorf("threshold %v is not a probability", o.Threshold)
		}
		return o.Conformal.check(len(o.Classes))
	case clinical.Survival:
		if _, ok := days[o.Unit]; !ok {
			return fmt.Errorf("%q is not a unit of time: %s", o.Unit, unitNames)
		}
		if err := o.FollowUp.check(); err != nil {
			return err
		}
		return o.Groups.check()
	}
	return fmt.Errorf("%q is not a kind of outcome", o.Kind)
}

// Version is "sha256:" and the hash of the file that the bundle was read from or saved to; empty before.
func (b *Bundle) Version() string { return b.version }

// Columns are the columns that Predict expects, in order.
func (b *Bundle) Columns() []table.Column {
	if b.prepare() != nil {
		return nil
	}
	return b.columns
}

// Find returns the index of an input by its full name, or -1.
func (b *Bundle) Find(name string) int {
	if b.prepare() != nil {
		return -1
	}
	if j, ok := b.index[name]; ok {
		return j
	}
	return -1
}

// Nearest returns the input's name most like the given one, or "".
func (b *Bundle) Nearest(name string) string {
	known := make([]string, len(b.Inputs))
	for j, in := range b.Inputs {
		known[j] = in.Name
	}
	return settings.Nearest(name, known)
}

// outcome returns the index of the outcome of that name, or -1.
func (b *Bundle) outcome(name string) int {
	return slices.IndexFunc(b.Outcomes, func(o Outcome) bool { return o.Name == name })
}

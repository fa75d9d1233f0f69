package bundle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/explain"
	"github.com/voxgene/voxgene/models/pipeline"
)

// Format is the version of the container and manifest that this program writes. It reads all up to it.
const Format = 2

// plainFormat is that of a bundle whose outcomes share no part, which programs that know format 1 alone read too.
const plainFormat = 1

// Manifest is what a bundle says of itself: manifest.json.
type Manifest struct {
	Format      int    `json:"format"`
	Name        string `json:"name"`
	CreatedBy   string `json:"created_by"`
	IntendedUse string `json:"intended_use"`
	Patients    int    `json:"patients"`
	// Unit is what a row is, where it is not a patient.
	Unit   table.Unit `json:"unit,omitempty"`
	Inputs []Input    `json:"inputs"`
	// Sources are the sources of images: how the inputs named after each are extracted from files.
	Sources  []extraction.Source `json:"sources,omitempty"`
	Abstain  *Abstain            `json:"abstain,omitempty"`
	Outcomes []ManifestOutcome   `json:"outcomes"`
	Parts    []Part              `json:"parts"` // sorted by name
}

// ManifestOutcome describes an outcome without its model.
type ManifestOutcome struct {
	Name  string               `json:"name"`
	Kind  clinical.OutcomeKind `json:"kind"`
	Model string               `json:"model"` // the kind of model
	// HoldsRows is the number of training patients whose values a step of the pipeline holds, because its configuration allowed it.
	HoldsRows int `json:"holds_rows,omitempty"`

	Classes   []string    `json:"classes,omitempty"`
	Threshold float64     `json:"threshold,omitempty"`
	Conformal *Conformal  `json:"conformal,omitempty"`
	Unit      string      `json:"unit,omitempty"`
	Origin    string      `json:"origin,omitempty"`
	FollowUp  *FollowUp   `json:"follow_up,omitempty"`
	Groups    *RiskGroups `json:"risk_groups,omitempty"`
	Strongest []string    `json:"strongest,omitempty"` // inputs that counted most
	// Shared are parts of the model that are those of an earlier outcome, by name: the weights of a network that learnt both. Format 2.
	Shared map[string]string `json:"shared,omitempty"`
}

// Part is a part of the file.
type Part struct {
	Name   string `json:"name"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
}

const (
	configName  = "config.yaml"
	metricsName = "metrics.json"
)

// outcomePart names a part of the i-th outcome.
func outcomePart(i int, name string) string { return "outcomes/" + strconv.Itoa(i) + "/" + name }

// encoderPart names the frozen encoder of a source of kind deep, by its hash.
func encoderPart(hash string) string { return "encoders/" + hash }

// Manifest describes the bundle; Parts are listed in a file's only.
func (b *Bundle) Manifest() Manifest {
	m := Manifest{Format: plainFormat, Name: b.Name, CreatedBy: b.CreatedBy, IntendedUse: b.IntendedUse, Patients: b.Patients, Inputs: b.Inputs, Sources: b.Sources, Abstain: b.Abstain}
	if b.Unit != table.PerPatient {
		m.Unit = b.Unit
	}
	if m.IntendedUse == "" {
		m.IntendedUse = Research
	}
	for i := range b.Outcomes {
		m.Outcomes = append(m.Outcomes, b.Outcomes[i].manifest())
	}
	return m
}

// Encode returns the bundle as the bytes of a file and sets its Version.
func (b *Bundle) Encode() ([]byte, error) {
	if err := b.prepare(); err != nil {
		return nil, err
	}
	m := b.Manifest()
	parts := map[string][]byte{configName: b.Config}
	if len(b.Metrics) > 0 {
		parts[metricsName] = b.Metrics
	}
	for _, s := range b.Sources {
		if s.Deep != nil {
			parts[encoderPart(s.Deep.Encoder)] = s.Deep.Frozen()
		}
	}
	for i := range b.Outcomes {
		o := &b.Outcomes[i]
		if err := o.parts(i, parts); err != nil {
			return nil, fmt.Errorf("bundle %s: outcome %s: %w", b.Name, o.Name, err)
		}
	}
	m.share(parts)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		m.Parts = append(m.Parts, Part{name, len(parts[name]), hash(parts[name])})
	}
	manifest, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, fmt.Errorf("bundle %s: %w", b.Name, err)
	}
	parts[manifestName] = append(manifest, '\n')
	file, err := pack(parts)
	if err != nil {
		return nil, fmt.Errorf("bundle %s: %w", b.Name, err)
	}
	b.IntendedUse, b.version = m.IntendedUse, "sha256:"+hash(file)
	return file, nil
}

// leastShared is the length from which a part is worth naming in another outcome.
const leastShared = 1024

// share leaves out large parts of models that an earlier outcome has too, byte for byte, and says where they are.
func (m *Manifest) share(parts map[string][]byte) {
	first := map[string]string{} // hash to name
	for i := range m.Outcomes {
		prefix := outcomePart(i, "model/")
		for _, name := range slices.Sorted(maps.Keys(parts)) {
			rest, ok := strings.CutPrefix(name, prefix)
			if !ok || len(parts[name]) < leastShared {
				continue
			}
			h := hash(parts[name])
			earlier, ok := first[h]
			if !ok {
				first[h] = name
				continue
			}
			if m.Outcomes[i].Shared == nil {
				m.Outcomes[i].Shared = map[string]string{}
			}
			m.Outcomes[i].Shared[rest] = earlier
			m.Format = Format
			delete(parts, name)
		}
	}
}

func (o *Outcome) manifest() ManifestOutcome {
	m := ManifestOutcome{Name: o.Name, Kind: o.Kind, Model: o.Model.Kind(), HoldsRows: o.Chain.HoldsRows(), Strongest: o.Strongest}
	if o.Kind == clinical.Class {
		m.Classes, m.Threshold, m.Conformal = o.Classes, o.Threshold, o.Conformal
		return m
	}
	m.Unit, m.Origin, m.FollowUp = o.Unit, o.Origin, &o.FollowUp
	if len(o.Groups.Cuts) > 0 {
		m.Groups = &o.Groups
	}
	return m
}

// parts adds the parts of the i-th outcome.
func (o *Outcome) parts(i int, parts map[string][]byte) error {
	chain, err := o.Chain.Encode()
	if err != nil {
		return err
	}
	parts[outcomePart(i, "pipeline.json")] = chain
	model, err := o.Model.Encode()
	if err != nil {
		return err
	}
	for name, p := range model {
		parts[outcomePart(i, "model/"+name)] = p
	}
	if o.Background != nil {
		background, err := json.Marshal(o.Background)
		if err != nil {
			return err
		}
		parts[outcomePart(i, "background.json")] = background
	}
	if len(o.Ranges) > 0 {
		ranges, err := json.Marshal(o.Ranges)
		if err != nil {
			return err
		}
		parts[outcomePart(i, "ranges.json")] = ranges
	}
	if o.Space != nil {
		space, err := json.Marshal(o.Space)
		if err != nil {
			return err
		}
		parts[outcomePart(i, "space.json")] = space
	}
	return nil
}

// Inspect returns the manifest of a bundle's file after verifying every part, without decoding a model.
func Inspect(path string) (Manifest, error) {
	file, err := readFile(path)
	if err != nil {
		return Manifest{}, err
	}
	m, _, err := verify(file)
	if err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// verify reads the manifest and checks that the parts are exactly those it lists.
func verify(file []byte) (Manifest, map[string][]byte, error) {
	var m Manifest
	parts, err := unpack(file)
	if err != nil {
		return m, nil, err
	}
	text, ok := parts[manifestName]
	if !ok {
		return m, nil, fmt.Errorf("this is not a Voxgene bundle: it has no %s", manifestName)
	}
	var version struct {
		Format    int    `json:"format"`
		CreatedBy string `json:"created_by"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return m, nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	if version.Format > Format {
		return m, nil, fmt.Errorf("the bundle has format %d (written by %s) and this program reads up to format %d; use the newer program",
			version.Format, version.CreatedBy, Format)
	}
	if version.Format < 1 {
		return m, nil, fmt.Errorf("%s states no format", manifestName)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	delete(parts, manifestName)
	for _, p := range m.Parts {
		b, ok := parts[p.Name]
		if !ok {
			return m, nil, fmt.Errorf("part %q is missing", p.Name)
		}
		if len(b) != p.Bytes || hash(b) != p.SHA256 {
			return m, nil, fmt.Errorf("part %q was altered: its SHA-256 is not the one in the manifest", p.Name)
		}
	}
	if len(parts) != len(m.Parts) {
		return m, nil, fmt.Errorf("%d parts beside the manifest, which lists %d", len(parts), len(m.Parts))
	}
	for _, in := range m.Inputs {
		if err := in.check(); err != nil {
			return m, nil, err
		}
	}
	return m, parts, nil
}

// Read decodes a bundle from the bytes of a file, which it keeps. It verifies the hash of every part, refuses a newer format by
// number, and never panics, whatever the bytes are.
func Read(file []byte) (*Bundle, error) {
	m, parts, err := verify(file)
	if err != nil {
		return nil, err
	}
	b := &Bundle{Name: m.Name, CreatedBy: m.CreatedBy, IntendedUse: m.IntendedUse, Patients: m.Patients, Unit: m.Unit, Inputs: m.Inputs, Sources: m.Sources, Abstain: m.Abstain,
		Config: parts[configName], Metrics: parts[metricsName], version: "sha256:" + hash(file)}
	for i := range b.Sources {
		if d := b.Sources[i].Deep; d != nil {
			if err := d.Attach(parts[encoderPart(d.Encoder)]); err != nil {
				return nil, fmt.Errorf("source %s: %w", b.Sources[i].Name, err)
			}
		}
	}
	for i, mo := range m.Outcomes {
		o := Outcome{Name: mo.Name, Kind: mo.Kind, Classes: mo.Classes, Threshold: mo.Threshold, Conformal: mo.Conformal, Unit: mo.Unit, Origin: mo.Origin, Strongest: mo.Strongest}
		if mo.FollowUp != nil {
			o.FollowUp = *mo.FollowUp
		}
		if mo.Groups != nil {
			o.Groups = *mo.Groups
		}
		if o.Chain, err = pipeline.Decode(parts[outcomePart(i, "pipeline.json")]); err != nil {
			return nil, fmt.Errorf("outcome %s: %w", mo.Name, err)
		}
		model, prefix := map[string][]byte{}, outcomePart(i, "model/")
		for name, p := range parts {
			if rest, ok := strings.CutPrefix(name, prefix); ok {
				model[rest] = p
			}
		}
		for rest, name := range mo.Shared {
			p, ok := parts[name]
			if !ok {
				return nil, fmt.Errorf("outcome %s: its part %q is said to be %q, which is not there", mo.Name, rest, name)
			}
			model[rest] = p
		}
		if o.Model, err = models.Decode(mo.Model, model); err != nil {
			return nil, fmt.Errorf("outcome %s: %w", mo.Name, err)
		}
		if text, ok := parts[outcomePart(i, "background.json")]; ok {
			o.Background = new(explain.Background)
			if err := json.Unmarshal(text, o.Background); err != nil {
				return nil, fmt.Errorf("outcome %s: background: %w", mo.Name, err)
			}
		}
		if text, ok := parts[outcomePart(i, "ranges.json")]; ok {
			if err := json.Unmarshal(text, &o.Ranges); err != nil {
				return nil, fmt.Errorf("outcome %s: ranges: %w", mo.Name, err)
			}
		}
		if text, ok := parts[outcomePart(i, "space.json")]; ok {
			o.Space = new(Space)
			if err := json.Unmarshal(text, o.Space); err != nil {
				return nil, fmt.Errorf("outcome %s: space: %w", mo.Name, err)
			}
		}
		b.Outcomes = append(b.Outcomes, o)
	}
	return b, b.prepare()
}

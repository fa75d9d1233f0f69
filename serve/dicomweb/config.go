package dicomweb

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
)

// Config is the dicomweb part of the server's configuration.
type Config struct {
	Systems []SystemConfig `mapstructure:"systems"`
	Pollers []PollerConfig `mapstructure:"pollers"`
	Stow    StowConfig     `mapstructure:"stow"`
}

// Objects that are made of a result.
const (
	Report  = object.KindReport  // the structured report
	Mask    = object.KindMask    // the region that was used
	Map     = object.KindMap     // where a network looked, and a feature of the region voxel by voxel
	Capture = object.KindCapture // pictures of both, with the words on use burned in
)

// What a system is sent when a result is retracted.
const (
	retractBoth   = "both"   // the report and the note
	retractReport = "report" // the report that replaces those before
	retractNote   = "note"   // the rejection note
)

// SystemConfig is a PACS to which results are written, by STOW-RS.
type SystemConfig struct {
	Name          string `mapstructure:"name"`
	client.Config `mapstructure:",squash"`
	Objects       []string `mapstructure:"objects"`  // sr, seg, map, capture; none named is all
	Verified      bool     `mapstructure:"verified"` // only results that a person has verified
	// Retraction is what is sent when a result is retracted: both (default), report or note.
	Retraction string `mapstructure:"retraction"`
	// Delete is the address of Orthanc's own interface, where the system is one: there retracted objects are deleted. "" deletes nothing.
	Delete string `mapstructure:"delete"`
	// Organization is the one to which those who verify results are accountable; with it reports of final results are VERIFIED.
	Organization string `mapstructure:"organization"`
}

// PollerConfig is an Orthanc that is asked for new studies.
type PollerConfig struct {
	Name          string `mapstructure:"name"`
	client.Config `mapstructure:",squash"`
	Models        []string      `mapstructure:"models"`   // that are asked; none named is all that read images
	Every         time.Duration `mapstructure:"every"`    // 0 is ten seconds
	Require       []string      `mapstructure:"require"`  // sources that have to be there, model.source or source; none named is all
	Prepared      []string      `mapstructure:"prepared"` // sources whose series lie there prepared as in training
	From          string        `mapstructure:"from"`     // where a poller that knows nothing begins: now (default), or start
}

// StowConfig is our own side: studies that others send by STOW-RS.
type StowConfig struct {
	Path     string        `mapstructure:"path"`   // such as /dicom-web; "" takes none
	Models   []string      `mapstructure:"models"` // as of a poller
	Require  []string      `mapstructure:"require"`
	Prepared []string      `mapstructure:"prepared"`
	Spool    string        `mapstructure:"spool"`  // folder for what arrived, until it was predicted; "" lies beside the results
	Settle   time.Duration `mapstructure:"settle"` // how long nothing more has to arrive of a study before it is looked at
	Keep     time.Duration `mapstructure:"keep"`   // how long a study waits for what is missing, then it is refused
}

// DefaultStow is what the configuration need not say.
func DefaultStow() StowConfig {
	return StowConfig{Settle: 10 * time.Second, Keep: 24 * time.Hour}
}

// Enabled reports whether anything is to be done.
func (c Config) Enabled() bool { return len(c.Systems)+len(c.Pollers) > 0 || c.Stow.Path != "" }

// Check returns everything that is wrong with the configuration.
func (c Config) Check() error {
	var faults []error
	names := map[string]bool{"file": true, "stow": true, "upload": true}
	name := func(at, n string) {
		if n == "" || names[n] {
			faults = append(faults, fmt.Errorf("%s.name: each has a name of its own, and not file, stow or upload", at))
		}
		names[n] = true
	}
	for i, s := range c.Systems {
		at := fmt.Sprintf("dicomweb.systems[%d]", i)
		name(at, s.Name)
		faults = append(faults, s.Config.Check(at))
		if s.Retraction != "" && !slices.Contains([]string{retractBoth, retractReport, retractNote}, s.Retraction) {
			faults = append(faults, fmt.Errorf("%s.retraction: %q is not one of both, report, note", at, s.Retraction))
		}
		if s.Delete != "" {
			deleter := s.Config
			deleter.URL = s.Delete
			if err := deleter.Check(at); err != nil {
				faults = append(faults, fmt.Errorf("%s.delete: %w", at, err))
			}
		}
		for _, o := range s.Objects {
			if !slices.Contains([]string{Report, Mask, Map, Capture}, o) {
				faults = append(faults, fmt.Errorf("%s.objects: %q is not one of sr, seg, map, capture", at, o))
			}
		}
	}
	for i, p := range c.Pollers {
		at := fmt.Sprintf("dicomweb.pollers[%d]", i)
		name(at, p.Name)
		faults = append(faults, p.Config.Check(at))
		if p.Every < 0 {
			faults = append(faults, fmt.Errorf("%s.every: want 0 or more", at))
		}
		if p.From != "" && p.From != "now" && p.From != "start" {
			faults = append(faults, fmt.Errorf("%s.from: %q is not now or start", at, p.From))
		}
	}
	if p := c.Stow.Path; p != "" && (!strings.HasPrefix(p, "/") || p == "/" || strings.HasSuffix(p, "/") || strings.ContainsAny(p, "{}? ")) {
		faults = append(faults, errors.New("dicomweb.stow.path: want a path such as /dicom-web"))
	}
	if c.Stow.Path != "" && (c.Stow.Settle <= 0 || c.Stow.Keep <= 0) {
		faults = append(faults, errors.New("dicomweb.stow: settle and keep: want more than 0"))
	}
	return errors.Join(faults...)
}

package results

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Writeback is an institution's permission to write results to PACS, EHR and decision support. Without it results go to the page and
// the store alone, whatever the bundle is meant for.
type Writeback struct {
	ApprovedBy string   `mapstructure:"approved_by"` // a person or board
	Protocol   string   `mapstructure:"protocol"`    // the number of the study or of the approval
	Expires    string   `mapstructure:"expires"`     // the last day, YYYY-MM-DD
	Models     []string `mapstructure:"models"`      // that it is for; empty means all
}

// Check returns everything that is wrong with the permission. None at all is right.
func (w Writeback) Check() error {
	if w.ApprovedBy == "" && w.Protocol == "" && w.Expires == "" && len(w.Models) == 0 {
		return nil
	}
	var faults []error
	if w.ApprovedBy == "" {
		faults = append(faults, errors.New("writeback.approved_by: who permits results to be written to other systems?"))
	}
	if w.Protocol == "" {
		faults = append(faults, errors.New("writeback.protocol: under which protocol or approval?"))
	}
	if _, err := time.Parse(time.DateOnly, w.Expires); err != nil {
		faults = append(faults, fmt.Errorf("writeback.expires: %q is not a day, such as 2027-06-30", w.Expires))
	}
	return errors.Join(faults...)
}

// ErrNotPermitted says that results of a model may not be written to other systems.
var ErrNotPermitted = errors.New("not permitted to write to other systems")

// Permits returns nil where results of a model may be written to other systems at a time; else the error wraps ErrNotPermitted and says
// what is missing.
func (w Writeback) Permits(model string, now time.Time) error {
	if w.ApprovedBy == "" || w.Protocol == "" {
		return fmt.Errorf("%w: the configuration has no writeback: {approved_by, protocol, expires}", ErrNotPermitted)
	}
	last, err := time.Parse(time.DateOnly, w.Expires)
	if err != nil || !now.Before(last.AddDate(0, 0, 1)) {
		return fmt.Errorf("%w: the permission of protocol %s expired on %s", ErrNotPermitted, w.Protocol, w.Expires)
	}
	if len(w.Models) > 0 && !slices.Contains(w.Models, model) {
		return fmt.Errorf("%w: the permission of protocol %s is not for model %s", ErrNotPermitted, w.Protocol, model)
	}
	return nil
}

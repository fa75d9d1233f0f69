package train

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/train/config"
)

// LockedSet says which patients a run set apart before it looked at anything, without naming one.
type LockedSet struct {
	Patients int `json:"patients"`
	// Digest is SHA-256 over their identifiers, so that the same patients are known again.
	Digest string `json:"digest"`
}

// lock divides the rows of a cohort into those that are open and those of the locked hold-out; without one all are open. The choice
// depends on the seed and on each patient's identifier alone, stratified by the first outcome, so that a patient who joins the cohort
// later hardly moves the others.
func lock(e *config.Experiment, c *cohort.Cohort) (open, locked []int, set *LockedSet, err error) {
	l := e.Validation.Locked
	if l == nil {
		return seq(c.Table.Rows()), nil, nil, nil
	}
	patient := func(row int) string { return c.Table.Keys[row].Patient }
	is := map[string]bool{}
	switch {
	case l.Patients != "":
		texts, err := table.ReadTexts(e.Path(l.Patients), table.Options{Key: lockedKey(e, l)})
		if err != nil {
			return nil, nil, nil, fmt.Errorf("validation.locked: %w", err)
		}
		for _, k := range texts.Keys {
			is[k.Patient] = true
		}
	case len(l.Sites) > 0:
		for _, name := range l.Sites {
			if !slices.Contains(c.Sites, name) {
				return nil, nil, nil, fmt.Errorf("validation.locked: no patient is of the site %q", name)
			}
		}
		for row, site := range c.Sites {
			if slices.Contains(l.Sites, site) {
				is[patient(row)] = true
			}
		}
	default:
		is = drawLocked(e, c)
	}
	var ids []string
	for row := range c.Table.Rows() {
		if !is[patient(row)] {
			open = append(open, row)
			continue
		}
		locked = append(locked, row)
		ids = append(ids, patient(row))
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) == 0 || len(open) == 0 {
		return nil, nil, nil, fmt.Errorf("validation.locked: %d patients would be set apart and %d rows left; both need some", len(ids), len(open))
	}
	h := sha256.Sum256([]byte("voxgene locked hold-out\n" + strings.Join(ids, "\n")))
	return open, locked, &LockedSet{len(ids), hex.EncodeToString(h[:])}, nil
}

// lockedKey is the column of patients of the file of locked patients: the cohort's where the file has it.
func lockedKey(e *config.Experiment, l *config.Locked) string {
	if names, err := table.Header(e.Path(l.Patients)); err == nil && slices.Contains(names, e.Config.Cohort.ID) {
		return e.Config.Cohort.ID
	}
	return ""
}

// drawLocked draws a fraction of the patients of each class, or with and without the event, of the first outcome.
func drawLocked(e *config.Experiment, c *cohort.Cohort) map[string]bool {
	strata := map[int][]string{}
	seen := map[string]bool{}
	for row, k := range c.Table.Keys {
		if seen[k.Patient] {
			continue
		}
		seen[k.Patient] = true
		s := -1
		if len(c.Outcomes) > 0 && c.Outcomes[0].Known(row) {
			if y := c.Outcomes[0]; y.Kind == clinical.Class {
				s = y.Class[row]
			} else {
				s = y.Event[row]
			}
		}
		strata[s] = append(strata[s], k.Patient)
	}
	place := func(id string) uint64 { return uint64(work.Seed(e.Seed).Split("locked", id)) }
	is := map[string]bool{}
	for _, ids := range strata {
		slices.SortFunc(ids, func(a, b string) int {
			if x, y := place(a), place(b); x != y {
				if x < y {
					return -1
				}
				return 1
			}
			return strings.Compare(a, b)
		})
		for _, id := range ids[:int(math.Round(e.Validation.Locked.Fraction*float64(len(ids))))] {
			is[id] = true
		}
	}
	return is
}

// rowsOnly returns the cohort with these rows alone.
func rowsOnly(c *cohort.Cohort, rows []int) *cohort.Cohort {
	out := *c
	out.Table = c.Table.Select(rows)
	out.Outcomes = make([]clinical.Outcome, len(c.Outcomes))
	for i, o := range c.Outcomes {
		out.Outcomes[i] = o.Select(rows)
	}
	if c.Sites != nil {
		out.Sites = pickRows(c.Sites, rows)
	}
	out.Again = make([]*table.Table, len(c.Again))
	for i, again := range c.Again {
		out.Again[i] = again.Select(rows)
	}
	out.Batches = map[string][]string{}
	for name, of := range c.Batches {
		out.Batches[name] = pickRows(of, rows)
	}
	return &out
}

// Opening is a look at a locked hold-out: a line of the log that stands beside the experiment file. Each line carries the hash of the
// one before, so that a line taken out or changed is seen.
type Opening struct {
	Number   int       `json:"number"` // of this set of patients
	At       time.Time `json:"at"`
	Bundle   string    `json:"bundle"`
	Patients int       `json:"patients"`
	Digest   string    `json:"digest"`
	Program  string    `json:"program"`
	Reason   string    `json:"reason,omitempty"` // of every look but the first
	Previous string    `json:"previous"`
	Hash     string    `json:"hash"` // of all that stands before it
}

func (o Opening) seal() string {
	o.Hash = ""
	b, _ := json.Marshal(o) // it holds nothing that JSON cannot
	return hash(b)
}

// LockedLog is where the openings of an experiment's locked hold-out are written.
func LockedLog(e *config.Experiment) string {
	return strings.TrimSuffix(e.File, filepath.Ext(e.File)) + ".locked.jsonl"
}

// maxLog bounds the log of openings.
const maxLog = 1 << 24

// readOpenings reads the log and proves its chain. A log that is not there has no line.
func readOpenings(path string) ([]Opening, error) {
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return nil, nil
	case err != nil:
		return nil, err
	case info.Size() > maxLog:
		return nil, fmt.Errorf("%s: %d bytes are too many for a log of openings", path, info.Size())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []Opening
	previous := ""
	for n, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		var o Opening
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, n+1, err)
		}
		if o.Previous != previous || o.Hash != o.seal() {
			return nil, fmt.Errorf("%s: line %d is not as it was written, or a line before it is gone; what was opened can no longer be shown", path, n+1)
		}
		out, previous = append(out, o), o.Hash
	}
	return out, nil
}

// openLocked writes the opening of a set into the log before anything is computed from it. A set that was opened before is refused
// without a reason.
func openLocked(path string, b *bundle.Bundle, set LockedSet, reason string) (Opening, error) {
	before, err := readOpenings(path)
	if err != nil {
		return Opening{}, err
	}
	o := Opening{Number: 1, At: time.Now().UTC().Truncate(time.Second), Bundle: b.Version(), Patients: set.Patients, Digest: set.Digest, Program: Version(), Reason: reason}
	for _, e := range before {
		if e.Digest == set.Digest {
			o.Number++
			if reason == "" {
				return o, fmt.Errorf("the locked patients were opened on %s for %s. Whoever looks twice and chooses has no hold-out left: give --again REASON to open them nevertheless; the report will say so",
					e.At.Format("2 January 2006"), e.Bundle)
			}
		}
	}
	if n := len(before); n > 0 {
		o.Previous = before[n-1].Hash
	}
	o.Hash = o.seal()
	line, err := json.Marshal(o)
	if err != nil {
		return o, err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return o, fmt.Errorf("the opening cannot be logged, so nothing is opened: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return o, err
}

// lockedNote says in the report what is known of the hold-out at the time of the run, and whether that is a reason to worry.
func lockedNote(e *config.Experiment, set LockedSet) (text string, warn bool, err error) {
	openings, err := readOpenings(LockedLog(e))
	if err != nil {
		return "", false, err
	}
	n, last := 0, Opening{}
	for _, o := range openings {
		if o.Digest == set.Digest {
			n, last = n+1, o
		}
	}
	text = fmt.Sprintf("%d patients were set apart before anything was looked at (validation.locked; digest %.12s).", set.Patients, set.Digest)
	switch {
	case n > 0:
		return fmt.Sprintf("%s They had been opened %d times before this run, last on %s: a model made after that may have been chosen by them.", text, n, last.At.Format("2 January 2006")), true, nil
	case len(openings) > 0:
		return fmt.Sprintf("%s The log has %d openings of other sets of this experiment, some of whose patients may be among them.", text, len(openings)), true, nil
	}
	return text + " They have not been opened.", false, nil
}

// trainedLocked returns the locked set of the run that made a bundle, or nil.
func trainedLocked(b *bundle.Bundle) *LockedSet {
	var m map[string]Metrics
	if json.Unmarshal(b.Metrics, &m) != nil {
		return nil
	}
	for _, one := range m {
		if one.Locked != nil {
			return one.Locked
		}
	}
	return nil
}

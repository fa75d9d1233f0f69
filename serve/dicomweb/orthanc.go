package dicomweb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/results"
)

const (
	changesAtOnce = 100
	longestWait   = 5 * time.Minute
)

// Poller asks an Orthanc for studies that have become stable, by its own interface: no plugin is needed. How far it came is kept with the results, so
// that nothing is lost or done twice over restarts of either side.
type Poller struct {
	config PollerConfig
	client *client.Client
	intake *Intake
	log    *slog.Logger
	breaks attempts
}

// NewPoller returns the poller of a configuration.
func NewPoller(c PollerConfig, in *Intake, log *slog.Logger) (*Poller, error) {
	from, err := client.New(c.Config)
	if err != nil {
		return nil, fmt.Errorf("dicomweb.pollers %s: %w", c.Name, err)
	}
	if c.Every == 0 {
		c.Every = 10 * time.Second
	}
	return &Poller{config: c, client: from, intake: in, log: log}, nil
}

// Run polls until ctx ends. While Orthanc does not answer it waits longer and longer, at most five minutes.
func (p *Poller) Run(ctx context.Context) {
	wait, last := p.config.Every, ""
	for {
		err := p.Poll(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && last != "":
			p.log.Info("poller is back", "source", p.config.Name)
			fallthrough
		case err == nil:
			wait, last = p.config.Every, ""
		default:
			if err.Error() != last { // said once, not at every look
				last = err.Error()
				p.log.Error("poller", "source", p.config.Name, "cause", last)
			}
			wait = min(2*wait, max(longestWait, p.config.Every))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// changes is an answer of Orthanc's to /changes.
type changes struct {
	Changes []change
	Done    bool
	Last    int64
}

// change is one of Orthanc's changes.
type change struct {
	ChangeType, ID, Date string
	Seq                  int64
}

// mark is how a change is remembered: its number, and a hash that tells it from another one of that number.
func (c *change) mark() string {
	sum := sha256.Sum256([]byte(c.ChangeType + "\n" + c.ID + "\n" + c.Date))
	return fmt.Sprintf("%d %s", c.Seq, hex.EncodeToString(sum[:8]))
}

// Poll looks at everything that has changed since the last time.
func (p *Poller) Poll(ctx context.Context) error {
	var newest changes
	if err := p.client.JSON(ctx, "/changes?last", &newest); err != nil {
		return err
	}
	since, err := p.since(ctx, &newest)
	if err != nil {
		return err
	}
	if err := p.catchUp(ctx); err != nil {
		return err
	}
	for since < newest.Last {
		var c changes
		if err := p.client.JSON(ctx, fmt.Sprintf("/changes?since=%d&limit=%d", since, changesAtOnce), &c); err != nil {
			return err
		}
		looked := ""
		for _, change := range c.Changes {
			if change.ChangeType == "StableStudy" {
				if err := p.study(ctx, change.ID); err != nil {
					if err = p.leave(ctx, change.ID, err); err != nil {
						return errors.Join(err, p.keep(looked)) // what comes before it need not be looked at again
					}
				}
			}
			since, looked = change.Seq, change.mark()
		}
		if err := p.keep(looked); err != nil {
			return err
		}
		if c.Done || len(c.Changes) == 0 {
			break
		}
	}
	return nil
}

// since is the number of the change up to which everything was looked at; newest is Orthanc's last one.
func (p *Poller) since(ctx context.Context, newest *changes) (int64, error) {
	text, err := p.intake.Results.Mark(p.mark())
	if err != nil {
		return 0, err
	}
	if text == "" {
		if p.config.From == "start" {
			return 0, nil
		}
		last := change{Seq: newest.Last}
		if len(newest.Changes) > 0 {
			last = newest.Changes[0]
		}
		return newest.Last, p.keep(last.mark())
	}
	number, _, known := strings.Cut(text, " ")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("dicomweb.pollers %s: what is noted of how far it came cannot be read", p.config.Name)
	}
	anew := n > newest.Last
	if known && !anew && n > 0 { // another database may have come as far
		list := newest.Changes
		if n < newest.Last {
			var one changes
			if err := p.client.JSON(ctx, fmt.Sprintf("/changes?since=%d&limit=1", n-1), &one); err != nil {
				return 0, err
			}
			list = one.Changes
		}
		anew = len(list) > 0 && list[0].Seq == n && list[0].mark() != text
	}
	if !anew {
		return n, nil
	}
	p.log.Warn("Orthanc counts its changes anew; it is read from the start", "source", p.config.Name)
	return 0, p.keep((&change{}).mark())
}

func (p *Poller) mark() string { return "poller " + p.config.Name }

// keep notes how far the poller came; "" is no further than before.
func (p *Poller) keep(mark string) error {
	if mark == "" {
		return nil
	}
	return p.intake.Results.SetMark(p.mark(), mark)
}

// study looks at a study of Orthanc's. One that is there no more is passed over.
func (p *Poller) study(ctx context.Context, id string) error {
	f, err := p.find(ctx, id)
	var e *client.Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = p.intake.look(ctx, f)
	return err
}

// find describes a study of Orthanc's.
func (p *Poller) find(ctx context.Context, id string) (*found, error) {
	var all []struct {
		MainDicomTags struct{ Modality, SeriesInstanceUID, Manufacturer string }
		Instances     []string
	}
	if err := p.client.JSON(ctx, "/studies/"+url.PathEscape(id)+"/series", &all); err != nil {
		return nil, err
	}
	f := &found{source: p.config.Name, where: id, models: p.config.Models, require: p.config.Require, prepared: p.config.Prepared,
		fetch: func(ctx context.Context, instance string, to io.Writer) error {
			return p.client.File(ctx, "/instances/"+url.PathEscape(instance)+"/file", to)
		}}
	first := ""
	for _, s := range all {
		t := s.MainDicomTags
		f.series = append(f.series, series{uid: t.SeriesInstanceUID, modality: t.Modality, manufacturer: t.Manufacturer, instances: s.Instances})
		if first == "" && len(s.Instances) > 0 {
			first = s.Instances[0]
		}
	}
	if first == "" {
		return f, nil
	}
	var tags map[string]any
	if err := p.client.JSON(ctx, "/instances/"+url.PathEscape(first)+"/simplified-tags", &tags); err != nil {
		return nil, err
	}
	text := func(name string) string { s, _ := tags[name].(string); return s }
	f.identity = results.Identity{Patient: text("PatientID"), Issuer: text("IssuerOfPatientID"), Name: text("PatientName"), Birth: text("PatientBirthDate"), Sex: text("PatientSex"),
		Accession: text("AccessionNumber"), Study: text("StudyInstanceUID"), StudyDate: text("StudyDate"), StudyTime: text("StudyTime")}
	return f, nil
}

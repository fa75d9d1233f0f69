package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
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
	Changes []struct {
		ChangeType string
		ID         string
		Seq        int64
	}
	Done bool
	Last int64
}

// Poll looks at everything that has changed since the last time.
func (p *Poller) Poll(ctx context.Context) error {
	var newest changes
	if err := p.client.JSON(ctx, "/changes?last", &newest); err != nil {
		return err
	}
	since, err := p.since(newest.Last)
	if err != nil {
		return err
	}
	for since < newest.Last {
		var c changes
		if err := p.client.JSON(ctx, fmt.Sprintf("/changes?since=%d&limit=%d", since, changesAtOnce), &c); err != nil {
			return err
		}
		for _, change := range c.Changes {
			if change.ChangeType == "StableStudy" {
				if err := p.study(ctx, change.ID); err != nil {
					return errors.Join(err, p.keep(since)) // what comes before it need not be looked at again
				}
			}
			since = change.Seq
		}
		if err := p.keep(since); err != nil {
			return err
		}
		if c.Done || len(c.Changes) == 0 {
			break
		}
	}
	return nil
}

// since is the number of the change up to which everything was looked at; newest is that of Orthanc's last one.
func (p *Poller) since(newest int64) (int64, error) {
	text, err := p.intake.Results.Mark(p.mark())
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case text == "" && p.config.From == "start":
		return 0, nil
	case text == "":
		return newest, p.keep(newest)
	case err == nil && n > newest:
		p.log.Warn("Orthanc counts its changes anew; it is read from the start", "source", p.config.Name)
		return 0, p.keep(0)
	}
	return n, err
}

func (p *Poller) mark() string { return "poller " + p.config.Name }

func (p *Poller) keep(seq int64) error {
	return p.intake.Results.SetMark(p.mark(), strconv.FormatInt(seq, 10))
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

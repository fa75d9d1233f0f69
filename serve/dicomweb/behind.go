package dicomweb

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// behind is a study of an Orthanc that could not be looked at in its turn. It is tried again while the others go on: a file that cannot be read
// holds up nobody else.
type behind struct {
	Study string    `json:"study"` // as Orthanc calls it
	Tries int       `json:"tries"`
	Due   time.Time `json:"due"`
}

// leave puts a study off that failed, and returns the error where that is not the study's: nothing else can be looked at then either. A source that
// breaks off again and again over the same study is not at fault.
func (p *Poller) leave(ctx context.Context, study string, err error) error {
	if ctx.Err() != nil || later(err) && !answered(err) && p.breaks.again(study, mostBreaks) {
		return err
	}
	list, failed := p.behind()
	if failed != nil {
		return failed
	}
	i := slices.IndexFunc(list, func(b behind) bool { return b.Study == study })
	if i < 0 {
		i, list = len(list), append(list, behind{Study: study})
	}
	list[i].Tries++
	list[i].Due = time.Now().Add(min(p.config.Every<<min(list[i].Tries, 10), time.Hour))
	p.log.Warn("a study is tried again later", "source", p.config.Name, "tries", list[i].Tries, "cause", err.Error())
	return p.setBehind(list)
}

// catchUp looks again at the studies that were put off and are due.
func (p *Poller) catchUp(ctx context.Context) error {
	list, err := p.behind()
	if err != nil {
		return err
	}
	for _, b := range list {
		if time.Now().Before(b.Due) {
			continue
		}
		if err := p.study(ctx, b.Study); err != nil {
			if err := p.leave(ctx, b.Study, err); err != nil {
				return err
			}
			continue
		}
		left, err := p.behind()
		if err != nil {
			return err
		}
		if err := p.setBehind(slices.DeleteFunc(left, func(have behind) bool { return have.Study == b.Study })); err != nil {
			return err
		}
	}
	return nil
}

// behind is what was put off; it is kept with the results, over restarts.
func (p *Poller) behind() ([]behind, error) {
	text, err := p.intake.Results.Mark(p.mark() + " behind")
	if err != nil || text == "" {
		return nil, err
	}
	var list []behind
	return list, json.Unmarshal([]byte(text), &list)
}

func (p *Poller) setBehind(list []behind) error {
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return p.intake.Results.SetMark(p.mark()+" behind", string(b))
}

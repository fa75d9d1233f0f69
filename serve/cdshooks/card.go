package cdshooks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/results"
)

// card is a card of CDS Hooks 2.0.
type card struct {
	UUID            string   `json:"uuid"`
	Summary         string   `json:"summary"` // fewer than 140 characters
	Detail          string   `json:"detail"`
	Indicator       string   `json:"indicator"`
	Source          source   `json:"source"`
	OverrideReasons []coding `json:"overrideReasons"`
}

type source struct {
	Label string `json:"label"`
}

type coding struct {
	Code    string `json:"code"`
	System  string `json:"system"`
	Display string `json:"display"`
}

// reasons a clinician may give for setting a card aside.
var reasons = []coding{
	{"wrong-patient", "urn:voxgene:override", "not this patient"},
	{"implausible", "urn:voxgene:override", "clinically implausible"},
	{"known", "urn:voxgene:override", "already known"},
}

// prediction is the part of a kept prediction that a card shows.
type prediction struct {
	Outcomes map[string]struct {
		Kind          string              `json:"kind"`
		Label         *string             `json:"label"`
		Probabilities map[string]*float64 `json:"probabilities"`
		Unit          string              `json:"unit"`
		RiskGroup     *string             `json:"risk_group"`
		Times         []float64           `json:"times"`
		Survival      []*float64          `json:"survival"`
	} `json:"outcomes"`
	Warnings  []struct{ Message string } `json:"warnings"`
	Abstained []string                   `json:"abstained"`
}

// card makes the card of a result, or says why there is none.
func (f *Front) card(r *results.Result) (card, string) {
	now := f.Now()
	switch {
	case r.Erased, r.Next != "", r.State == results.Amended, r.State == results.EnteredInError:
		return card{}, "withdrawn"
	case r.State != results.Final:
		return card{}, "unverified"
	case now.Sub(r.Time) > f.MaxAge:
		return card{}, "stale"
	case f.Writeback.Permits(r.Model, now) != nil:
		return card{}, "not_permitted"
	}
	if _, err := f.Registry.Find(r.Model, r.Version); err != nil {
		return card{}, "bundle_withdrawn"
	}
	var lines, minds []string
	withheld := 0
	all := r.Predictions()
	for _, one := range all {
		var p prediction
		if err := json.Unmarshal(one.JSON, &p); err != nil || len(p.Outcomes) == 0 {
			return card{}, "failed"
		}
		of := ""
		if one.Lesion != nil {
			of = "lesion " + one.Lesion.Name + ", "
		}
		for _, w := range p.Warnings {
			if text := of + w.Message; !slices.Contains(minds, text) {
				minds = append(minds, text)
			}
		}
		if len(p.Abstained) > 0 {
			withheld++
			if of != "" {
				lines = append(lines, strings.TrimSuffix(of, ", ")+": no prediction")
			}
			continue
		}
		said := p.lines()
		for i := range said {
			said[i] = of + said[i]
		}
		lines = append(lines, said...)
	}
	if withheld == len(all) {
		return card{}, "abstained"
	}
	if len(lines) == 0 {
		return card{}, "no_numbers"
	}
	use := "Use: " + r.Use
	summary := shorten(r.Model+": "+strings.Join(lines, "; "), 139-utf8.RuneCountInString(" — "+use)) + " — " + use
	var detail strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&detail, "- %s\n", plain(line))
	}
	for _, text := range minds {
		fmt.Fprintf(&detail, "- Mind: %s\n", plain(text))
	}
	fmt.Fprintf(&detail, "\n%s. Permitted under protocol %s by %s. Made %s by %s %s, verified %s. It is a prediction by a statistical model, not a laboratory measurement.\n", plain(use), plain(f.Writeback.Protocol),
		plain(f.Writeback.ApprovedBy), r.Time.Format("2006-01-02"), plain(r.Model), short(r.Version), r.Changed.Format("2006-01-02"))
	return card{UUID: uuid(r.ID), Summary: summary, Detail: detail.String(), Indicator: "info", Source: source{"Voxgene, " + r.Model + " " + short(r.Version)}, OverrideReasons: reasons}, ""
}

// lines say each outcome in words, sorted.
func (p *prediction) lines() []string {
	var lines []string
	for name, o := range p.Outcomes {
		switch {
		case o.Label != nil:
			line := name + ": " + *o.Label
			if q := o.Probabilities[*o.Label]; q != nil {
				line += fmt.Sprintf(" (%.0f %%)", 100**q)
			}
			lines = append(lines, line)
		case len(o.Survival) > 0 && len(o.Times) == len(o.Survival):
			for i, s := range o.Survival {
				if s != nil {
					line := fmt.Sprintf("%s: %.0f %% at %.4g %s", name, 100**s, o.Times[i], o.Unit)
					if o.RiskGroup != nil {
						line += ", " + *o.RiskGroup + " risk"
					}
					lines = append(lines, line)
					break
				}
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// plain escapes what Markdown and HTML would take for their own.
func plain(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "|", `\|`, "\n", " ").Replace(s)
}

// shorten cuts a text to n characters.
func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:max(0, n-1)]) + "…"
}

func short(version string) string { return version[:min(len(version), 15)] }

// uuid writes 32 hexadecimal digits as a UUID.
func uuid(id string) string {
	if len(id) != 32 {
		return id
	}
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

// feedback is what became of one card.
type feedback struct {
	outcome string
	of      results.Result
	raw     json.RawMessage
}

// piece reads one piece of feedback at a place of the body and notes what is wrong with it.
func (f *Front) piece(raw json.RawMessage, pointer string, faults *problem.Faults) feedback {
	var q struct {
		Card    string `json:"card"`
		Outcome string `json:"outcome"`
	}
	out := feedback{raw: raw}
	if err := json.Unmarshal(raw, &q); err != nil {
		faults.Add(pointer, "want an object with a card and an outcome, which are texts")
		return out
	}
	if out.outcome = q.Outcome; q.Outcome != "accepted" && q.Outcome != "overridden" {
		faults.Add(pointer+"/outcome", "want accepted or overridden")
	}
	found, err := f.Results.Get(strings.ReplaceAll(q.Card, "-", ""))
	if err != nil {
		faults.Add(pointer+"/card", "want the uuid of a card of this service")
	}
	out.of = found
	return out
}

// keep counts one piece of feedback and writes it to the audit.
func (f *Front) keep(r *http.Request, client string, one feedback) *problem.Problem {
	f.answers.WithLabelValues(one.outcome).Inc()
	if f.Audit == nil || one.of.Erased {
		return nil
	}
	err := f.Audit.Record(r.Context(), []audit.Entry{{Time: f.Now(), Who: client, Route: r.Pattern, Model: one.of.Model, Version: one.of.Version, Patient: one.of.Identity.Patient, Answer: one.raw}})
	if err != nil {
		p := problem.New(http.StatusServiceUnavailable, "the audit could not be written")
		return &p
	}
	return nil
}

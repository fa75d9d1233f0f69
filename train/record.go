package train

import (
	"encoding/json"
	"runtime"
	"time"

	"github.com/voxgene/voxgene/train/validate"
)

// Record is run.json: how the run was done. Of a run's files it and the report alone hold times.
type Record struct {
	Name     string             `json:"name"`
	Program  string             `json:"program"`
	OS       string             `json:"os"`
	Arch     string             `json:"arch"`
	CPUs     int                `json:"cpus"`
	Procs    int                `json:"gomaxprocs"`
	Jobs     int                `json:"jobs"`
	Backend  string             `json:"backend,omitempty"` // of networks, where it is not Go
	Seed     uint64             `json:"seed"`
	Resumed  bool               `json:"resumed"`
	Started  time.Time          `json:"started"`
	Seconds  float64            `json:"seconds"`
	Fits     int                `json:"fits"`
	Stages   []Timing           `json:"stages"`
	Patients []string           `json:"failed_patients,omitempty"`
	Inputs   map[string]string  `json:"inputs_sha256,omitempty"` // by their part in the experiment
	SHA256   map[string]string  `json:"sha256"`
	Against  map[string]Against `json:"against,omitempty"` // by outcome
}

func (r *run) record() ([]byte, error) {
	rec := Record{Name: r.e.Name, Program: Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Procs: runtime.GOMAXPROCS(0), Jobs: r.e.Jobs, Backend: r.o.Backend,
		Seed: r.e.Seed, Resumed: r.o.Resume, Started: r.started.UTC(), Seconds: time.Since(r.started).Seconds(), Fits: r.fits, Stages: r.timings, Inputs: r.inputs, SHA256: r.hashes}
	for _, f := range r.cohort.Failures {
		rec.Patients = append(rec.Patients, f.Patient+": "+f.Reason)
	}
	for _, one := range r.results {
		if one.against != nil {
			if rec.Against == nil {
				rec.Against = map[string]Against{}
			}
			rec.Against[one.y.Name] = *one.against
		}
	}
	b, err := json.MarshalIndent(rec, "", "  ")
	return append(b, '\n'), err
}

// Summary is what the terminal says at the end.
type Summary struct {
	Output   string
	Seconds  float64
	Fits     int
	Outcomes []OutcomeSummary
}

// OutcomeSummary is one outcome's headline.
type OutcomeSummary struct {
	Name, Measure, Interval, Selected string
	Estimate                          validate.Estimate
	Warnings                          []string
	Lines                             []string // what an external validation says beside the headline
}

func (r *run) summary() *Summary {
	s := &Summary{Output: r.e.Output, Seconds: time.Since(r.started).Seconds(), Fits: r.fits}
	for _, one := range r.results {
		o := OutcomeSummary{Name: one.y.Name, Interval: one.interval, Selected: one.models[one.result.Final.Winner].Name, Warnings: one.warnings(r.e.Validation.Level)}
		if len(one.measures) > 0 {
			o.Measure, o.Estimate = one.measures[0].Title, one.estimate(one.measures[0], -1, r.e.Validation.Level)
		}
		s.Outcomes = append(s.Outcomes, o)
	}
	return s
}

package config

import (
	"fmt"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// Layer lays the scalar run settings over each other: the file's output, jobs, seed and backend, then VOXGENE_OUTPUT, VOXGENE_JOBS,
// VOXGENE_SEED and VOXGENE_BACKEND, then the flags that were given. A flag is found by the setting's name; nil or a missing flag
// leaves the layers below.
func (e *Experiment) Layer(flags *pflag.FlagSet) error {
	v := viper.New()
	v.SetEnvPrefix("VOXGENE")
	v.AutomaticEnv()
	v.SetDefault("output", e.Output)
	v.SetDefault("jobs", e.Jobs)
	v.SetDefault("seed", e.Seed)
	v.SetDefault("backend", e.Backend)
	for _, name := range []string{"output", "jobs", "seed", "backend"} {
		if flags == nil || flags.Lookup(name) == nil || !flags.Changed(name) {
			continue
		}
		if err := v.BindPFlag(name, flags.Lookup(name)); err != nil {
			return err
		}
	}
	var run struct {
		Output, Backend string
		Jobs            int
		Seed            uint64
	}
	if err := v.Unmarshal(&run); err != nil {
		return fmt.Errorf("run settings (flags and VOXGENE_OUTPUT, VOXGENE_JOBS, VOXGENE_SEED, VOXGENE_BACKEND): %w", err)
	}
	if run.Jobs < 0 {
		return fmt.Errorf("jobs is %d; want 0 (one a processor) or more", run.Jobs)
	}
	if run.Output == "" {
		return fmt.Errorf("output is empty; name the folder for the results")
	}
	e.Output, e.Jobs, e.Seed, e.Backend = run.Output, run.Jobs, run.Seed, run.Backend
	return nil
}

package train

import (
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/train/report"
)

// reproduce fills what a reader needs to do the same again: versions, libraries, hashes.
func (r *run) reproduce(p *report.Report) {
	p.Versions = []report.Pair{{Name: "program", Value: Version()}, {Name: "seed", Value: fmt.Sprint(r.e.Seed)},
		{Name: "processors", Value: fmt.Sprintf("%d used of %d; results do not depend on them", runtime.GOMAXPROCS(0), runtime.NumCPU())}}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			p.Modules = append(p.Modules, report.Pair{Name: m.Path, Value: m.Version})
		}
	}
	for _, name := range sortedKeys(r.inputs) {
		p.Inputs = append(p.Inputs, report.Pair{Name: name, Value: r.inputs[name]})
	}
	for _, name := range sortedKeys(r.hashes) {
		p.Hashes = append(p.Hashes, report.Pair{Name: name, Value: r.hashes[name]})
	}
}

// hashInputs reads the tables that the experiment names, by their part in it; a path could name a patient. Folders of patients' files are
// left out: what was read of them is in the feature table, whose hash is among the outputs.
func (r *run) hashInputs() error {
	r.inputs = map[string]string{}
	files := map[string]string{"experiment": r.e.File, "patients": r.e.Path(r.e.Config.Cohort.File)}
	if f := r.e.Validation.FoldsFile; f != "" {
		files["folds"] = r.e.Path(f)
	}
	for _, s := range r.e.Sources {
		if s.At == nil {
			continue
		}
		if n := s.At.Get("path"); n != nil {
			if path, ok := n.Any().(string); ok {
				files["source "+s.Name] = r.e.Path(path)
			}
		}
	}
	for _, name := range sortedKeys(files) {
		info, err := os.Stat(files[name])
		if err != nil || !info.Mode().IsRegular() {
			continue // a folder, or an experiment that is no file
		}
		sum, err := work.HashFile(files[name])
		if err != nil {
			return err
		}
		r.inputs[name] = hex.EncodeToString(sum)
	}
	return nil
}

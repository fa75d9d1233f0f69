package main

import (
	"strings"
	"testing"
)

// A command line that cannot be meant ends in exit code 2, and says what was probably meant or where to read.
func TestWrongArguments(t *testing.T) {
	for line, want := range map[string]string{
		"trian x.yaml":           `did you mean "train"?`,
		"ibsi chekc":             `did you mean "check"?`,
		"version x":              "see voxgene version --help",
		"compare a.csv":          "see voxgene compare --help",
		"extract":                "see voxgene extract --help",
		"extract --nosuch a b":   "see voxgene extract --help",
		"inspect nofile.voxgene": "no such file",
	} {
		if code, _, errs := voxgene(strings.Fields(line)...); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("voxgene %s: exit %d, %s; want exit 2 and %q", line, code, errs, want)
		}
	}
}

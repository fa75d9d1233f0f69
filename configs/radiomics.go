// Package configs holds settings that are ready to run, built into the program.
package configs

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

//go:embed radiomics/*.yaml
var presets embed.FS

// Radiomics returns the PyRadiomics parameter file of a named extraction preset, such as ct or mr.
func Radiomics(name string) ([]byte, error) {
	b, err := presets.ReadFile(path.Join("radiomics", name+".yaml"))
	if err != nil {
		return nil, fmt.Errorf("no preset %q; there are %s", name, strings.Join(RadiomicsNames(), ", "))
	}
	return b, nil
}

// RadiomicsNames lists the extraction presets by name.
func RadiomicsNames() []string {
	entries, err := presets.ReadDir("radiomics")
	if err != nil {
		panic(err) // the folder is embedded
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return names
}

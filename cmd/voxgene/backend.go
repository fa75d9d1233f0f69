package main

import (
	"cmp"
	"fmt"
	"os"

	"github.com/gomlx/compute"
	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/models/neural"
)

const backendUsage = "what networks run on: go, or in builds that have it onnxruntime:cpu, xla:cpu, xla:cuda (default: VOXGENE_BACKEND, GOMLX_BACKEND, then go)"

// onBackend gives a command that may run networks the flag --backend, which is followed before the command runs. A backend that is not
// there is replaced with a warning.
func onBackend(c *cobra.Command) *cobra.Command {
	c.Flags().String("backend", "", backendUsage)
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		name, err := c.Flags().GetString("backend")
		if err != nil {
			return err
		}
		name = cmp.Or(name, os.Getenv("VOXGENE_BACKEND"))
		if name == "" && os.Getenv(compute.ConfigEnvVar) == "" {
			return nil // go, opened by the first network
		}
		return useBackend(c, name)
	}
	return c
}

// useBackend chooses the backend and prints what there is to say of it.
func useBackend(c *cobra.Command, name string) error {
	warning, err := neural.Use(name)
	if err == nil && warning != "" {
		_, err = fmt.Fprintln(c.ErrOrStderr(), "warning: "+warning)
	}
	return err
}

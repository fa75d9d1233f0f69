//go:build xla

package neural

import (
	"os"
	"testing"
)

// xlaBackend is the backend that VOXGENE_XLA names: xla:cuda,notf32 on a machine with a GPU, since factors rounded to ten bits are not within 1e-4.
func xlaBackend(t *testing.T) string {
	t.Helper()
	name := os.Getenv("VOXGENE_XLA")
	if name == "" {
		t.Skip("VOXGENE_XLA names no backend, such as xla:cuda,notf32; what it needs is in docs/networks.md")
	}
	return name
}

func TestXLAGradients(t *testing.T) { backendGradients(t, xlaBackend(t)) }

func TestXLABlocks(t *testing.T) { backendBlocks(t, xlaBackend(t)) }

func TestXLAAgainstGo(t *testing.T) { backendAgainstGo(t, xlaBackend(t)) }

func TestXLATraining(t *testing.T) { backendTraining(t, xlaBackend(t)) }

func TestXLADeepFeatures(t *testing.T) { backendDeepFeatures(t, xlaBackend(t)) }

//go:build onnx

package neural

import (
	"os"
	"testing"

	"github.com/gomlx/compute"
)

const onnxRuntimeCPU = "onnxruntime:cpu"

// needsRuntime skips a test where ONNX Runtime is not there.
func needsRuntime(t *testing.T) {
	t.Helper()
	if os.Getenv("ONNXRUNTIME_SHARED_LIBRARY_PATH") == "" {
		t.Skip("ONNXRUNTIME_SHARED_LIBRARY_PATH names no library of ONNX Runtime 1.26")
	}
}

// runtimeBackend is ONNX Runtime.
func runtimeBackend(t *testing.T) compute.Backend {
	t.Helper()
	needsRuntime(t)
	b, err := open(onnxRuntimeCPU)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestONNXRuntimeAgainstGo(t *testing.T) {
	needsRuntime(t)
	backendAgainstGo(t, onnxRuntimeCPU)
}

func TestONNXRuntimeTraining(t *testing.T) {
	needsRuntime(t)
	backendTraining(t, onnxRuntimeCPU)
}

func TestONNXRuntimeDeepFeatures(t *testing.T) {
	needsRuntime(t)
	backendDeepFeatures(t, onnxRuntimeCPU)
}

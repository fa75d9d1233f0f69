//go:build onnx

package neural

import (
	"os"
	"testing"
)

const onnxRuntimeCPU = "onnxruntime:cpu"

// needsRuntime skips a test where ONNX Runtime is not there.
func needsRuntime(t *testing.T) {
	t.Helper()
	if os.Getenv("ONNXRUNTIME_SHARED_LIBRARY_PATH") == "" {
		t.Skip("ONNXRUNTIME_SHARED_LIBRARY_PATH names no library of ONNX Runtime 1.26")
	}
}

func TestONNXRuntimeGradients(t *testing.T) {
	needsRuntime(t)
	backendGradients(t, onnxRuntimeCPU)
}

func TestONNXRuntimeBlocks(t *testing.T) {
	needsRuntime(t)
	backendBlocks(t, onnxRuntimeCPU)
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

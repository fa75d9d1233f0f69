//go:build onnx

package neural

// ONNX Runtime as a backend, named onnxruntime:cpu. It needs cgo, and finds its library by ONNXRUNTIME_SHARED_LIBRARY_PATH.
import _ "github.com/gomlx/compute-onnx"

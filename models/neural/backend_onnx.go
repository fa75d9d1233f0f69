//go:build onnx

package neural

import onnxruntime "github.com/gomlx/compute-onnx"

// ONNX Runtime as a backend, named onnxruntime:cpu. It needs cgo, and finds its library by ONNXRUNTIME_SHARED_LIBRARY_PATH. Where it is not found
// it is not fetched from elsewhere: what runs beside patients' data is what was put there.
func init() { onnxruntime.EnableAutoInstall(false) }

//go:build xla

package neural

// XLA as a backend, named xla:cpu or xla:cuda. It needs cgo, and finds its plugin by PJRT_PLUGIN_LIBRARY_PATH.
import _ "github.com/gomlx/go-xla/compute/xla"

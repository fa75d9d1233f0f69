//go:build deps

package work

import (
	_ "codeberg.org/sbinet/npyio"
	_ "github.com/chromedp/chromedp"
	_ "github.com/cocosip/go-dicom-codec/codec"
	_ "github.com/coreos/go-oidc/v3/oidc"
	_ "github.com/danielgtaylor/huma/v2"
	_ "github.com/go-chi/chi/v5"
	_ "github.com/go-chi/httprate"
	_ "github.com/golang-jwt/jwt/v5"
	_ "github.com/gomlx/compute/gobackend"
	_ "github.com/gomlx/gomlx/ml/train"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5"
	_ "github.com/klauspost/compress/gzip"
	_ "github.com/parquet-go/parquet-go"
	_ "github.com/prometheus/client_golang/prometheus"
	_ "github.com/samply/golang-fhir-models/fhir-models/fhir"
	_ "github.com/santhosh-tekuri/jsonschema/v6"
	_ "github.com/schollz/progressbar/v3"
	_ "github.com/sjwhitworth/golearn/trees"
	_ "github.com/spf13/cobra"
	_ "github.com/spf13/viper"
	_ "github.com/suyashkumar/dicom"
	_ "go.uber.org/goleak"
	_ "gonum.org/v1/gonum/mat"
	_ "gonum.org/v1/plot"
	_ "modernc.org/sqlite"
	_ "pgregory.net/rapid"
)

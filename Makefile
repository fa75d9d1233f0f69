# The program as it is released: one static file, with SIMD in the products of matrices that networks are made of (amd64; a processor
# without AVX2 takes the scalar way). Figures: docs/benchmarks.md, networks.
release:
	CGO_ENABLED=0 GOEXPERIMENT=simd go build -trimpath -o voxgene ./cmd/voxgene

# The same with the optional backends of docs/networks.md, which need cgo.
onnx xla:
	CGO_ENABLED=1 GOEXPERIMENT=simd go build -trimpath -tags $@ -o voxgene-$@ ./cmd/voxgene

# What networks were shown to do takes longer than a test run may: docs/networks.md, evidence.
evidence:
	GOEXPERIMENT=simd go test -tags evidence ./cmd/voxgene -run Evidence -v -count=1 -timeout 4h

.PHONY: release onnx xla evidence

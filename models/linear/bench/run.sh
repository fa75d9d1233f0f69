#!/bin/sh
# Times glmnet and R's survival, then Voxgene on the very same numbers, twice in turn. Needs r-cran-glmnet and r-cran-survival.
# cpu-s/op is user and system time an operation.
set -eu
cd "$(dirname "$0")/../../.."
VOXGENE_BENCH=$(mktemp -d)
export VOXGENE_BENCH
trap 'rm -rf "$VOXGENE_BENCH"' EXIT
for turn in 1 2; do
	echo "turn $turn, R"
	Rscript models/linear/bench/peer.R "$VOXGENE_BENCH"
	echo "turn $turn, Voxgene"
	go test ./models/linear ./models/survival -run XXX -bench 'Path|Validate|CoxEfron|Concordance' -benchtime 2x
done

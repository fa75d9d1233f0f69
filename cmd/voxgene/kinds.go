package main

// The kinds of model that this program has register themselves.
import (
	_ "github.com/voxgene/voxgene/models/calibrate"
	_ "github.com/voxgene/voxgene/models/fusion"
	_ "github.com/voxgene/voxgene/models/golearn"
	_ "github.com/voxgene/voxgene/models/linear"
	_ "github.com/voxgene/voxgene/models/neural"
	_ "github.com/voxgene/voxgene/models/tree"
)

package deidentify_test

import (
	"os"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/deidentify", 12934)) }

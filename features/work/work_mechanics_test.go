package work_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/work"
)

func items(n int, key func(i int) work.Key) []work.Item {
	out := make([]work.Item, n)
	for i := range out {
		out[i] = work.Item{Name: fmt.Sprintf("item %d", i), Key: key(i), Do: func(context.Context) ([]byte, error) {
			r := work.Seed(1).SplitInt("item", i).Rand()
			return fmt.Appendf(nil, "%d %v", i, r.Float64()), nil
		}}
	}
	return out
}

func unkeyed(int) work.Key { return work.Key{} }

// Results are in item order and the same bytes whatever the number of goroutines.
func TestRunInvariant(t *testing.T) {
	one, err := work.Pool{Jobs: 1}.Run(context.Background(), items(200, unkeyed))
	if err != nil {
		t.Fatal(err)
	}
	many, err := work.Pool{Jobs: 8}.Run(context.Background(), items(200, unkeyed))
	if err != nil {
		t.Fatal(err)
	}
	for i := range one {
		if !bytes.Equal(one[i].Bytes, many[i].Bytes) || !bytes.HasPrefix(one[i].Bytes, fmt.Appendf(nil, "%d ", i)) {
			t.Errorf("item %d: %s and %s", i, one[i].Bytes, many[i].Bytes)
		}
	}
}

// A failed or panicking item is reported under its name and the others are done.
func TestRunBadItem(t *testing.T) {
	list := items(5, unkeyed)
	wrong := errors.New("no mask")
	list[1].Do = func(context.Context) ([]byte, error) { return nil, wrong }
	list[3].Do = func(context.Context) ([]byte, error) { panic("index out of range") }
	results, err := work.Pool{}.Run(context.Background(), list)
	if err != nil {
		t.Fatal(err)
	}
	all := work.Errors(results)
	if !errors.Is(all, wrong) || !errors.Is(all, work.ErrPanic) || !strings.Contains(all.Error(), "item 1: no mask") {
		t.Errorf("got %v", all)
	}
	for _, i := range []int{0, 2, 4} {
		if results[i].Err != nil || results[i].Bytes == nil {
			t.Errorf("item %d: %+v", i, results[i])
		}
	}
}

func TestRunCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (work.Pool{}).Run(ctx, items(3, unkeyed)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A second run computes nothing; a damaged entry is computed again.
func TestStore(t *testing.T) {
	dir := t.TempDir()
	store, err := work.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	keyed := func(i int) work.Key { return work.NewKey("test", 1, fmt.Append(nil, i)) }
	pool := work.Pool{Store: store}
	first, _ := pool.Run(context.Background(), items(4, keyed))
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*"))
	if len(files) != 4 {
		t.Fatalf("%d files, want 4", len(files))
	}
	if err := os.WriteFile(files[0], []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	second, _ := pool.Run(context.Background(), items(4, keyed))
	computed := 0
	for i := range second {
		if !second[i].Stored {
			computed++
		}
		if !bytes.Equal(first[i].Bytes, second[i].Bytes) {
			t.Errorf("item %d: %s, then %s", i, first[i].Bytes, second[i].Bytes)
		}
	}
	if computed != 1 {
		t.Errorf("%d items computed again, want the damaged one", computed)
	}
}

// Keys tell kinds, versions and the cut between parts apart.
func TestNewKey(t *testing.T) {
	seen := map[work.Key]string{}
	for name, k := range map[string]work.Key{
		"a":       work.NewKey("k", 1, []byte("ab"), []byte("c")),
		"cut":     work.NewKey("k", 1, []byte("a"), []byte("bc")),
		"version": work.NewKey("k", 2, []byte("ab"), []byte("c")),
		"kind":    work.NewKey("l", 1, []byte("ab"), []byte("c")),
	} {
		if other, ok := seen[k]; ok {
			t.Errorf("%s and %s share a key", name, other)
		}
		seen[k] = name
	}
}

func TestSeedSplit(t *testing.T) {
	s := work.Seed(7)
	if s.Split("a", "b") == s.Split("ab") || s.Split("a") == work.Seed(8).Split("a") || s.SplitInt("f", 1) == s.SplitInt("f", 2) {
		t.Error("different tasks share a seed")
	}
	if again := work.Seed(7).Split("a"); s.Split("a") != again {
		t.Error("one task has two seeds")
	}
}

func ExamplePool_Run() {
	results, _ := work.Pool{}.Run(context.Background(), []work.Item{
		{Name: "left", Do: func(context.Context) ([]byte, error) { return []byte("1"), nil }},
		{Name: "right", Do: func(context.Context) ([]byte, error) { return []byte("2"), nil }},
	})
	fmt.Printf("%s %s\n", results[0].Bytes, results[1].Bytes)
	// Output: 1 2
}

package work

import "context"

type storeKey struct{}

// WithStore returns a context that carries a store. A pool with a store gives it to the items it runs, so that work that takes hours can keep
// its state and be gone on with.
func WithStore(ctx context.Context, s *Store) context.Context {
	return context.WithValue(ctx, storeKey{}, s)
}

// StoreOf returns the store that a context carries, nil where it carries none.
func StoreOf(ctx context.Context) *Store {
	s, _ := ctx.Value(storeKey{}).(*Store)
	return s
}

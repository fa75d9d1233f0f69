package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models/bundle"
)

func signCommand() *cobra.Command {
	var key string
	var fresh bool
	c := &cobra.Command{
		Use:   "sign BUNDLE --key FILE | sign --new --key FILE",
		Short: "Sign a bundle, so that a server can refuse others",
		Long: `Writes the Ed25519 signature of a bundle beside it (BUNDLE.sig); the bundle keeps its bytes. With --new, makes a key pair instead: FILE, to
be kept secret, and FILE.pub, which servers are given with --trust. Keys are PEM, as OpenSSL writes them.`,
		Example: `  voxgene sign --new --key signing.pem
  voxgene sign runs/glioma/model.voxgene --key signing.pem
  voxgene serve runs/glioma/model.voxgene --trust signing.pem.pub`,
		Args: func(c *cobra.Command, args []string) error {
			if key == "" || fresh == (len(args) == 1) || len(args) > 1 {
				return badInput(errors.New("sign wants a bundle and --key, or --new and --key; see voxgene sign --help"))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if fresh {
				return newKey(key)
			}
			b, err := bundle.Open(args[0])
			if err != nil {
				return badInput(err)
			}
			private, err := bundle.ReadPrivateKey(key)
			if err != nil {
				return badInput(err)
			}
			text, err := b.Sign(private)
			if err != nil {
				return err
			}
			return work.WriteFile(args[0]+bundle.SignatureExtension, []byte(text), 0o644)
		},
	}
	c.Flags().StringVar(&key, "key", "", "private key (PEM)")
	c.Flags().BoolVar(&fresh, "new", false, "make a key pair")
	return c
}

// newKey writes a key pair, and never over another.
func newKey(path string) error {
	for _, p := range []string{path, path + ".pub"} {
		if _, err := os.Lstat(p); !errors.Is(err, fs.ErrNotExist) {
			return badInput(fmt.Errorf("%s is there already", p))
		}
	}
	private, public, err := bundle.NewKey()
	if err != nil {
		return err
	}
	if err := work.WriteFile(path, private, 0o600); err != nil {
		return err
	}
	return work.WriteFile(path+".pub", public, 0o644)
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/serve"
)

func serveCommand() *cobra.Command {
	var file, address string
	var trust []string
	c := &cobra.Command{
		Use:   "serve [BUNDLE|DIR]…",
		Short: "Answer predictions over HTTP",
		Long: `Serves bundles, and every *.voxgene in folders. Files that change are loaded again without failing a request, at an interval and on SIGHUP.
It listens on this machine only unless told otherwise. Settings come from --config, then VOXGENE_LISTEN, VOXGENE_LIMITS_BODY and so on, then
flags. Logs go to standard error and never name a patient. It stops on SIGINT or SIGTERM after answering what is under way.`,
		Example: `  voxgene serve runs/glioma/model.voxgene
  voxgene serve models/ --addr 127.0.0.1:9000
  voxgene serve --config configs/serve.yaml`,
		RunE: func(c *cobra.Command, args []string) error {
			s, err := serve.ReadConfig(file)
			if err != nil {
				return badInput(err)
			}
			if len(args) > 0 {
				s.Models = args
			}
			if address != "" {
				s.Listen = address
			}
			s.Trust = append(s.Trust, trust...)
			var level slog.Level
			if err := level.UnmarshalText([]byte(s.Log.Level)); err != nil {
				return badInput(fmt.Errorf("log.level: %w", err))
			}
			log := slog.New(slog.NewJSONHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
			server, err := serve.New(s, log, version())
			if err != nil {
				return badInput(err)
			}
			ctx, stop := context.WithCancel(c.Context())
			defer stop()
			return server.Run(ctx, hangups(ctx), func(a net.Addr) {
				for _, m := range server.Models() {
					log.Info("model", "name", m)
				}
				fmt.Fprintf(c.OutOrStdout(), "listening on http://%s\n", a)
			})
		},
	}
	c.Flags().StringVar(&file, "config", "", "the server's configuration (YAML); see configs/serve.yaml")
	c.Flags().StringVar(&address, "addr", "", "host:port to listen on (default 127.0.0.1:8080)")
	c.Flags().StringArrayVar(&trust, "trust", nil, "public key (PEM): serve only bundles signed by it or another that is trusted; may be repeated")
	return c
}

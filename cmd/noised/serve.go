package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/server"
	"github.com/noised/noised/cmd/noised/internal/settings"
)

func serveCommand(a *command.App) *cobra.Command {
	var path string
	serve := &cobra.Command{
		Use:   "serve --data-dir DIR",
		Short: "Run the server",
		Long: `Run the server on a data directory that noised init made.

Every flag is also a key of the configuration file (data_dir: …) and an
environment variable (NOISED_DATA_DIR); flags win over the environment, and
that over the file. The first SIGINT or SIGTERM ends the server in order: it
takes no more requests and finishes those it has. SIGHUP, or a change of them,
makes it read the files of certificates again. A second server may run on
the same directory; loads run in one of them.`,
		Args: command.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := settings.Load(path, a.Environ, cmd.Flags())
			if err != nil {
				return err
			}
			return serve(cmd.Context(), a, config)
		},
	}
	serve.Flags().StringVar(&path, "config", "", "configuration file in YAML")
	settings.Flags(serve.Flags())
	return serve
}

func serve(ctx context.Context, a *command.App, config settings.Config) error {
	log, err := settings.NewLogger(a.Stderr, config.LogLevel, config.LogFormat)
	if err != nil {
		return err
	}
	m := &server.Main{Config: config, Log: log}
	if err := m.Run(ctx); err != nil {
		return err
	}
	if u := m.MetricsURL(); u != "" {
		log.Info("metrics are served", "url", u)
	}
	if err := a.Print(map[string]string{"url": m.URL()}, func(w io.Writer) {
		fmt.Fprintf(w, "noised serves on %s\n", m.URL())
	}); err != nil {
		return errors.Join(err, m.Close())
	}
	err = m.Wait(ctx)
	log.Info("shutting down")
	return errors.Join(err, m.Close())
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func (a *app) serveCommand() *cobra.Command {
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
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := loadConfig(path, a.env, cmd.Flags())
			if err != nil {
				return err
			}
			return a.serve(cmd.Context(), config)
		},
	}
	serve.Flags().StringVar(&path, "config", "", "configuration file in YAML")
	configFlags(serve.Flags())
	return serve
}

func (a *app) serve(ctx context.Context, config Config) error {
	log, err := newLogger(a.stderr, config.LogLevel, config.LogFormat)
	if err != nil {
		return err
	}
	m := &Main{Config: config, Log: log}
	if err := m.Run(ctx); err != nil {
		return err
	}
	if u := m.MetricsURL(); u != "" {
		log.Info("metrics are served", "url", u)
	}
	if err := a.print(map[string]string{"url": m.URL()}, func(w io.Writer) {
		fmt.Fprintf(w, "noised serves on %s\n", m.URL())
	}); err != nil {
		return errors.Join(err, m.Close())
	}
	err = m.Wait(ctx)
	log.Info("shutting down")
	return errors.Join(err, m.Close())
}

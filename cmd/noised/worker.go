package main

import (
	"github.com/spf13/cobra"

	"github.com/noised/noised/ingest/worker"
)

// workerCommand is the child process that parses uploads and writes segments.
// The server starts it; nobody else has a reason to.
func (a *app) workerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "worker",
		Hidden: true,
		Args:   exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if code := worker.Main(cmd.Context(), a.stdin, a.stdout); code != exitOK {
				return &exitError{code: code}
			}
			return nil
		},
	}
}

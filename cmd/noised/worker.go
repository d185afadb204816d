package main

import (
	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/ingest/worker"
)

// workerCommand is the child process that parses uploads and writes segments.
// The server starts it; nobody else has a reason to.
func workerCommand(a *command.App) *cobra.Command {
	return &cobra.Command{
		Use:    "worker",
		Hidden: true,
		Args:   command.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if code := worker.Main(cmd.Context(), a.Stdin, a.Stdout); code != command.ExitOK {
				return &command.ExitError{Code: code}
			}
			return nil
		},
	}
}

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/build"
	"github.com/noised/noised/cmd/noised/internal/command"
)

func versionCommand(a *command.App) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  command.ExactArgs(),
		RunE: func(*cobra.Command, []string) error {
			v := build.Current()
			return a.Print(v, func(w io.Writer) {
				fmt.Fprintf(w, "noised %s (%s, %s/%s)\n", v.Version, v.Go, v.OS, v.Arch)
			})
		},
	}
}

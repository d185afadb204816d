// Command noised answers questions about the data of several organisations
// under privacy budgets that each of them keeps.
//
// It is one binary: the server (noised serve), the tools that talk to it over
// HTTP (noised load, noised query, …), a complete demonstration (noised demo)
// and the child process that parses untrusted uploads. The commands are in
// packages under internal, by what they are about, and the server is wired in
// internal/server; here they become one command line.
//
// Exit codes are 0 for success, 1 for a failure, 2 for wrong usage. Results go
// to standard output, everything else to standard error.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/noised/noised/cmd/noised/internal/command"
)

func main() { os.Exit(mainExit()) }

// mainExit runs the program with the process's own streams and returns its
// exit code. The first SIGINT or SIGTERM asks for an orderly end; a second one
// kills, because the handler is gone by then.
func mainExit() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop()
	}()
	a := &command.App{
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Getenv:  os.Getenv,
		Environ: os.Environ,
	}
	return run(ctx, a, os.Args[1:])
}

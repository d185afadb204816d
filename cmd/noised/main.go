// Command noised answers questions about the data of several organisations
// under privacy budgets that each of them keeps.
//
// It is one binary: the server (noised serve), the tools that talk to it over
// HTTP (noised load, noised query, …), a complete demonstration (noised demo)
// and the child process that parses untrusted uploads. Everything is wired
// here; the packages below know nothing of flags, files or each other's
// construction.
//
// Exit codes are 0 for success, 1 for a failure, 2 for wrong usage. Results go
// to standard output, everything else to standard error.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker (make build).
var version string

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
	a := &app{
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: os.Stderr,
		getenv: os.Getenv,
		env:    os.Environ,
	}
	return a.run(ctx, os.Args[1:])
}

//go:build vault

package suite

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// program is the binary under test.
var program blackbox.Program

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if program.Path = os.Getenv("NOISED_E2E_BINARY"); program.Path != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "noised-vault-")
	if err == nil {
		defer os.RemoveAll(dir)
		program, err = blackbox.Build(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// report tells command vault a figure.
func report(t *testing.T, name string, value any) {
	t.Helper()
	t.Attr("vault", fmt.Sprintf("%s=%v", name, value))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

//go:build vault

package suite

import (
	"fmt"
	"os"
	"testing"

	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// program is the binary under test.
var program blackbox.Program

func TestMain(m *testing.M) { os.Exit(blackbox.RunTests(&program, m)) }

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

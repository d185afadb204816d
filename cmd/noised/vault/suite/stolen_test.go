//go:build vault

package suite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAStolenDirectoryYieldsNothing copies a data directory without its keyset. No
// server starts on the copy, no command opens what is sealed, neither with another
// keyset nor with one made for it, and no data file opens; nor is there anything to
// find in its bytes.
func TestAStolenDirectoryYieldsNothing(t *testing.T) {
	g := newGarden(t, true, "--crypto-extension", extension(t), "--require-encryption")
	g.upload("upload", g.file(20_000), "", 100)
	g.ask()
	g.knock()
	check(t, g.server.Stop())
	stolen := filepath.Join(t.TempDir(), "stolen")
	check(t, os.CopyFS(stolen, os.DirFS(g.dir)))
	check(t, os.Chmod(stolen, 0o700))

	refused := func(why string, args ...string) {
		t.Helper()
		err := program.Run(t.Context(), append(args, "--data-dir", stolen)...)
		if err == nil {
			t.Errorf("noised %s succeeds", strings.Join(args, " "))
		} else if !strings.Contains(err.Error(), why) {
			t.Errorf("%v\nand not: %s", err, why)
		}
		g.in("what noised "+args[0]+" says", []byte(err.Error()))
	}
	for _, args := range [][]string{{"keyring", "status"}, {"keyring", "rotate"}, {"keyring", "seal"}, {"keyring", "enable", "1"}} {
		refused("stolen.keyset", args...)
	}
	refused("its keyset", "serve", "--listen", "127.0.0.1:0")
	refused("its keyset", "serve", "--listen", "127.0.0.1:0", "--crypto-extension", extension(t))
	refused("its keyset", "keyring", "init")
	check(t, program.Run(t.Context(), "init", "--data-dir", filepath.Join(t.TempDir(), "own"), "--keyset", stolen+".keyset")) // of the thief's own
	for _, args := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"keyring", "rotate"}, {"keyring", "seal"}} {
		refused("does not open the data keys", args...)
	}

	segments := 0
	check(t, filepath.Walk(stolen, func(path string, info os.FileInfo, err error) error {
		if err == nil && strings.HasSuffix(path, ".duckdb") {
			if segments++; opens(t, path) {
				t.Errorf("%s opens without a key", path)
			}
		}
		return err
	}))
	if segments == 0 {
		t.Error("there is no data file")
	}
	g.look(t, "stolen", stolen, "")
	for _, place := range g.places() {
		t.Errorf("in clear: the %s", place)
	}
}

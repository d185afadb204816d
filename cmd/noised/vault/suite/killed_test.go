//go:build vault

package suite

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKilledBackups kills backups and restorations at random moments. What is there
// afterwards is whole: no snapshot is half, no directory is half, and the next backup
// removes what was left.
func TestKilledBackups(t *testing.T) {
	c := newCopied(t)
	server := c.serve(c.dir)
	check(t, c.load(t.Context(), server))
	check(t, server.Stop())
	take := []string{"backup", "--data-dir", c.dir, "--to", c.backup, "--key-file", c.key}
	began := time.Now()
	c.noised(take...)
	long := time.Since(began) + 20*time.Millisecond
	for range 25 {
		killed(t, long, take...)
	}
	c.noised(take...)
	c.noised("backup", "verify", "--from", c.backup, "--key-file", c.key, "--all")
	for _, pattern := range []string{filepath.Join(c.backup, "files/??/*.part"), filepath.Join(c.backup, "snapshots/*.part"), filepath.Join(c.dir, "tmp/backup-*")} {
		if left, err := filepath.Glob(pattern); err != nil || len(left) > 0 {
			t.Errorf("killed backups left %v, %v", left, err)
		}
	}
	for i := range 10 { // as it makes the backup and its key
		first := filepath.Join(t.TempDir(), fmt.Sprint(i))
		args := []string{"backup", "--data-dir", c.dir, "--to", first, "--key-file", first + ".key"}
		killed(t, long, args...)
		c.noised(args...)
		c.noised("backup", "verify", "--from", first, "--key-file", first+".key", "--all")
	}
	whole := 0
	for range 15 {
		to := filepath.Join(t.TempDir(), "restored")
		killed(t, 3*long, "restore", "--from", c.backup, "--to", to, "--key-file", c.key)
		if _, err := os.Stat(to); err == nil {
			whole++
			c.noised("ledger", "status", "--data-dir", to, "--high-water-file", c.mark)
			c.noised("upgrade", "--check", "--data-dir", to)
		}
	}
	t.Logf("%d of 15 restorations were done before they were killed", whole)
}

// killed runs the program and kills it at some moment before long.
func killed(t *testing.T, long time.Duration, args ...string) {
	t.Helper()
	run := exec.CommandContext(t.Context(), program.Path, args...)
	var said strings.Builder
	run.Stderr = &said
	check(t, run.Start())
	timer := time.AfterFunc(time.Duration(rand.Int64N(int64(long))), func() { _ = run.Process.Kill() })
	defer timer.Stop()
	if err := run.Wait(); err != nil && strings.Contains(said.String(), "noised: ") {
		t.Errorf("%v: %v: %s", args, err, said.String())
	}
}

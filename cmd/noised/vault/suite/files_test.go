//go:build vault

package suite

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
	"github.com/noised/noised/privacy/controldb"
)

// shelter is a data directory and what its servers are told.
type shelter struct {
	dir     string
	server  *blackbox.Server
	parties *blackbox.Parties
	loads   int
	asked   int
}

const shelterContract = `dataset: visits
version: 1
privacy_unit: {column: person, scope: tenant}
contribution: {max_partitions: 1, max_rows_per_partition: 2}
columns:
  person: {type: varchar, role: unit}
  kind: {type: varchar, role: dimension, domain: {values: [canary-sparrow, canary-wren]}}
  note: {type: varchar, role: dimension}
  minutes: {type: integer, role: measure, bounds: [0, 60]}
`

func newShelter(t *testing.T, flags ...string) *shelter {
	t.Helper()
	s := &shelter{dir: filepath.Join(t.TempDir(), "data")}
	key, err := program.Init(t.Context(), s.dir)
	check(t, err)
	s.start(t, flags...)
	t.Cleanup(func() { _ = s.server.Kill() })
	s.parties, err = blackbox.SetUp(t.Context(), s.server, key, []byte(shelterContract), []string{"north", "south"})
	check(t, err)
	check(t, s.parties.SetBudgets(t.Context(), s.server, wire.Loss{Epsilon: 4000, Delta: 1e-4}, wire.Loss{Epsilon: 4000, Delta: 1e-4}))
	return s
}

func (s *shelter) start(t *testing.T, flags ...string) {
	t.Helper()
	var err error
	s.server, err = program.Start(t.Context(), s.dir, flags...)
	check(t, err)
}

func (s *shelter) restart(t *testing.T, flags ...string) {
	t.Helper()
	check(t, s.server.Stop())
	s.start(t, flags...)
}

// load sends a thousand rows of people whom no load has had before.
func (s *shelter) load(t *testing.T, tenant string) {
	t.Helper()
	var file bytes.Buffer
	file.WriteString("person,kind,note,minutes\n")
	for i := range 1000 {
		fmt.Fprintf(&file, "p%d-%d,%s,canary-note-%d,7\n", s.loads, i, [2]string{"canary-sparrow", "canary-wren"}[i%2], i)
	}
	s.loads++
	api, err := s.server.API(s.parties.Loader[tenant])
	check(t, err)
	load, err := api.Upload(t.Context(), wire.Upload{Dataset: "visits", Tenant: tenant, ContentType: wire.TypeCSV}, &file)
	check(t, err)
	load, err = api.Wait(t.Context(), load.ID, nil)
	check(t, err)
	if load.State != wire.LoadStateSucceeded {
		t.Fatalf("the load %s: %+v\n%s", load.State, load.Error, s.server.Log())
	}
}

// count asks how many rows there are; every question is another one.
func (s *shelter) count(t *testing.T) float64 {
	t.Helper()
	api, err := s.server.API(s.parties.Analyst)
	check(t, err)
	s.asked++
	epsilon := 50.0
	r, err := api.Query(t.Context(), wire.QueryRequest{SQL: fmt.Sprintf("SELECT COUNT(*) AS n FROM visits WHERE minutes < %d", 20+s.asked), Epsilon: &epsilon}, wire.QueryOptions{Accept: wire.TypeCSV})
	if err != nil {
		t.Fatalf("%v\n%s", err, s.server.Log())
	}
	defer r.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(r.Body)
	check(t, err)
	var n float64
	lines := strings.Fields(text.String())
	_, err = fmt.Sscan(lines[len(lines)-1], &n)
	check(t, err)
	return n
}

func (s *shelter) wantAbout(t *testing.T, want float64) {
	t.Helper()
	if got := s.count(t); got < want-50 || got > want+50 {
		t.Errorf("%v rows are counted of %v", got, want)
	}
}

// segments returns the data files, by whether they are encrypted.
func (s *shelter) segments(t *testing.T) (sealed, plain []string) {
	t.Helper()
	check(t, filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".duckdb" {
			return err
		}
		text, err := os.ReadFile(path)
		opened := opens(t, path)
		if opened {
			plain = append(plain, path)
		} else {
			sealed = append(sealed, path)
		}
		if bytes.Contains(text, []byte("canary")) && !opened {
			t.Errorf("%s shows what is in it", path)
		}
		return err
	}))
	return sealed, plain
}

func opens(t *testing.T, path string) bool {
	db, err := sql.Open("duckdb", path+"?access_mode=read_only")
	if err == nil {
		err = db.Ping()
		_ = db.Close()
	}
	return err == nil
}

func (s *shelter) want(t *testing.T, sealed, plain int) {
	t.Helper()
	if a, b := s.segments(t); len(a) != sealed || len(b) != plain {
		t.Fatalf("%d data files are encrypted and %d plain, not %d and %d", len(a), len(b), sealed, plain)
	}
}

// keys counts the data keys of a tenant's segments.
func (s *shelter) keys(t *testing.T, tenant string) (n int) {
	t.Helper()
	db, err := controldb.Open(t.Context(), filepath.Join(s.dir, "control.db"))
	check(t, err)
	defer db.Close()
	check(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM data_keys WHERE tenant = ? AND name LIKE 'segment:%'`, tenant).Scan(&n))
	return n
}

// TestEncryptedFiles loads and asks with encryption on: plain files of before, a
// rotation under the running server, a merge, and a tenant that is deleted.
func TestEncryptedFiles(t *testing.T) {
	with := []string{"--crypto-extension", extension(t), "--require-encryption", "--keep-replaced", "1s"}
	s := newShelter(t)
	if !strings.Contains(s.server.Log(), "data files and their temporary files are not encrypted") {
		t.Error("the server does not say what is not encrypted")
	}
	s.load(t, "north")
	s.want(t, 0, 1)
	s.wantAbout(t, 1000)

	s.restart(t, with...)
	if strings.Contains(s.server.Log(), "not encrypted") {
		t.Error(s.server.Log())
	}
	s.wantAbout(t, 1000) // from a plain file
	s.load(t, "north")
	s.load(t, "south")
	s.want(t, 2, 1)
	s.wantAbout(t, 3000)

	check(t, program.Run(t.Context(), "keyring", "rotate", "--data-dir", s.dir, "--forget"))
	s.load(t, "south")
	s.wantAbout(t, 4000)
	s.restart(t, with...)
	s.wantAbout(t, 4000)

	// Without the extension what is encrypted is still read.
	s.restart(t)
	s.wantAbout(t, 4000)
	s.restart(t, with...)

	for range mergeAt {
		s.load(t, "north")
	}
	s.wantAbout(t, 4000+1000*mergeAt)
	if n := s.keys(t, "north"); n < 1 {
		t.Errorf("%d keys", n)
	}
	operator, err := s.server.API(s.parties.Operator)
	check(t, err)
	if s.keys(t, "south") != 2 {
		t.Error("the segments of south have no keys")
	}
	check(t, operator.DeleteTenant(t.Context(), "south"))
	if n := s.keys(t, "south"); n != 0 {
		t.Errorf("%d keys outlive their tenant", n)
	}
	s.wantAbout(t, 2000+1000*mergeAt)
}

// mergeAt is a number of loads after which a table is merged.
const mergeAt = 20

// TestServersThatRefuse starts servers whose encryption is not whole.
func TestServersThatRefuse(t *testing.T) {
	s := newShelter(t, "--crypto-extension", extension(t))
	s.load(t, "north")
	check(t, s.server.Stop())
	refused := func(why string, flags ...string) {
		t.Helper()
		server, err := program.Start(t.Context(), s.dir, flags...)
		if err == nil {
			_ = server.Kill()
			t.Errorf("a server started, though %s", why)
			return
		}
		if !strings.Contains(err.Error(), why) {
			t.Errorf("%v\nand not that %s", err, why)
		}
	}
	refused("--require-encryption is given", "--require-encryption")
	other := filepath.Join(t.TempDir(), "httpfs.duckdb_extension")
	text, err := os.ReadFile(extension(t))
	check(t, err)
	text[len(text)/2] ^= 1
	check(t, os.WriteFile(other, text, 0o600))
	refused("its SHA-256 is", "--crypto-extension", other)

	keyset := s.dir + ".keyset"
	check(t, os.Chmod(keyset, 0o644))
	refused("others on this machine may read it", "--crypto-extension", extension(t))
	check(t, os.Chmod(keyset, 0o600))
	check(t, os.Rename(keyset, keyset+".away"))
	refused("its keyset", "--crypto-extension", extension(t))
	check(t, program.Run(t.Context(), "init", "--data-dir", filepath.Join(t.TempDir(), "another"), "--keyset", keyset))
	refused("does not open the data keys", "--crypto-extension", extension(t))
	check(t, errors.Join(os.Remove(keyset), os.Rename(keyset+".away", keyset)))
	s.start(t, "--crypto-extension", extension(t), "--require-encryption")
	s.wantAbout(t, 1000)
}

// TestMergedFilesAreEncrypted waits until a plain file and an encrypted one have
// become one, and a plain file an encrypted one.
func TestMergedFilesAreEncrypted(t *testing.T) {
	t.Parallel()
	with := []string{"--crypto-extension", extension(t), "--keep-replaced", "1s"}
	s := newShelter(t)
	s.load(t, "north")
	s.load(t, "south")
	s.restart(t, with...)
	s.load(t, "north")
	s.want(t, 1, 2)
	for end := time.Now().Add(4 * time.Minute); ; time.Sleep(2 * time.Second) {
		if sealed, plain := s.segments(t); len(sealed) == 2 && len(plain) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the files were not merged\n%s", s.server.Log())
		}
	}
	s.wantAbout(t, 3000)
	for _, tenant := range s.parties.Tenants {
		if n := s.keys(t, tenant); n != 1 {
			t.Errorf("%d keys for one file of %s", n, tenant)
		}
	}
}

// Package site keeps data directories of the program that were filled once,
// through the program's own load jobs, for the benchmark to ask.
//
// A site lies in a cache under a name that tells everything that decides its
// content: contract, recipe of the rows, and versions. It is asked on a copy of
// the control store as it was after the loads, so that every run begins with
// whole budgets and no release, while the segments are shared.
package site

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
	"github.com/noised/noised/ingest/segment"
)

// version changes when this package makes sites in another way, and when loads
// store more in segments of the same format version.
const version = 2

// Spec is how a site is made.
type Spec struct {
	Name     string
	Contract []byte
	Tenants  []string
	Recipe   string // of the rows: another recipe, another site
	// Files writes the uploads into dir and lists them in the order of their
	// loads. Files of one table are loaded together, before those of the next.
	Files func(ctx context.Context, dir string) ([]File, error)
}

// File is one upload.
type File struct {
	Tenant      string // empty: a public table, loaded by the operator
	Table       string
	Path        string
	ContentType string
	Rows        int64
	Excess      bool // some rows go beyond the contract's max_rows and are dropped
}

// Store is where sites are kept.
type Store struct {
	dir     string
	program blackbox.Program
	fresh   bool // fill sites again that are there, once
	filled  map[string]bool
}

// NewStore returns a store in a directory that exists. A fresh one fills sites
// again that are there.
func NewStore(dir string, program blackbox.Program, fresh bool) *Store {
	return &Store{dir, program, fresh, map[string]bool{}}
}

// Site is a filled data directory.
type Site struct {
	Dir     string
	Dataset string
	Tenants []string
	Analyst string        // key
	Took    time.Duration // of the loads, when it was filled

	program blackbox.Program
	asked   atomic.Int64
}

const (
	manifestFile = "site.json" // of the whole site: it is written last
	controlFile  = "control.db"
	pristineFile = "control.loaded" // the control store after the loads
)

// Open returns the site of a spec, and fills it first where it is not there.
// One that is open must not be opened again: its control store is put back.
func (st *Store) Open(ctx context.Context, spec Spec) (*Site, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%d %d\n%s\n%s\n%d", version, segment.FormatVersion, spec.Contract, spec.Recipe, len(spec.Tenants))
	root := filepath.Join(st.dir, spec.Name+"-"+hex.EncodeToString(h.Sum(nil))[:12])
	manifest := filepath.Join(root, manifestFile)
	if _, err := os.Stat(manifest); err != nil || st.fresh && !st.filled[root] {
		if err := st.fill(ctx, root, spec); err != nil {
			return nil, fmt.Errorf("fill %s: %w", spec.Name, err)
		}
		st.filled[root] = true
	}
	text, err := os.ReadFile(manifest)
	if err != nil {
		return nil, err
	}
	s := &Site{program: st.program}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, err
	}
	s.Dir = filepath.Join(root, "data")
	return s, s.restore()
}

// restore puts the control store back to what it was after the loads.
func (s *Site) restore() error {
	path := filepath.Join(s.Dir, controlFile)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return copyFile(filepath.Join(filepath.Dir(s.Dir), pristineFile), path)
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

func (st *Store) fill(ctx context.Context, root string, spec Spec) (err error) {
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	uploads := filepath.Join(root, "uploads")
	if err := os.MkdirAll(uploads, 0o700); err != nil {
		return err
	}
	files, err := spec.Files(ctx, uploads)
	if err != nil {
		return err
	}
	dir := filepath.Join(root, "data")
	s, err := st.load(ctx, dir, spec, files)
	if err != nil {
		return err
	}
	if err := copyFile(filepath.Join(dir, controlFile), filepath.Join(root, pristineFile)); err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(uploads), os.WriteFile(filepath.Join(root, manifestFile), text, 0o600))
}

// flags of a server that no limit but the machine's holds back.
var flags = []string{"--request-rate", "1e6", "--request-burst", "100000", "--query-timeout", "20m", "--load-concurrency", "2"}

func (st *Store) load(ctx context.Context, dir string, spec Spec, files []File) (s *Site, err error) {
	operator, err := st.program.Init(ctx, dir)
	if err != nil {
		return nil, err
	}
	server, err := st.program.Start(ctx, dir, flags...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	p, err := blackbox.SetUp(ctx, server, operator, spec.Contract, spec.Tenants)
	if err != nil {
		return nil, err
	}
	generous := wire.Loss{Epsilon: 1e6, Delta: 0.5}
	if err := p.SetBudgets(ctx, server, generous, generous); err != nil {
		return nil, err
	}
	began := time.Now()
	for len(files) > 0 {
		n := 1
		for n < len(files) && files[n].Table == files[0].Table {
			n++
		}
		if err := uploadAll(ctx, server, p, files[:n]); err != nil {
			return nil, err
		}
		files = files[n:]
	}
	return &Site{Dataset: p.Dataset, Tenants: spec.Tenants, Analyst: p.Analyst, Took: time.Since(began)}, nil
}

// uploadAll loads files of one table, and waits for all of them.
func uploadAll(ctx context.Context, server *blackbox.Server, p *blackbox.Parties, files []File) error {
	loads := make([]wire.Load, len(files))
	for i, f := range files {
		api, err := server.API(keyOf(p, f.Tenant))
		if err != nil {
			return err
		}
		if loads[i], err = upload(ctx, api, p.Dataset, f); err != nil {
			return fmt.Errorf("upload %s: %w", f.Path, err)
		}
	}
	for i, f := range files {
		api, err := server.API(keyOf(p, f.Tenant))
		if err != nil {
			return err
		}
		load, err := api.Wait(ctx, loads[i].ID, nil)
		switch {
		case err != nil:
			return err
		case load.Error != nil:
			return fmt.Errorf("the load of %s %s: %w", f.Path, load.State, &wire.ProblemError{Problem: *load.Error})
		case load.RowsLoaded > f.Rows, load.RowsLoaded < f.Rows && !f.Excess:
			return fmt.Errorf("the load of %s %s with %d rows, want %d", f.Path, load.State, load.RowsLoaded, f.Rows)
		}
	}
	return nil
}

// keyOf returns the key that may load for a tenant, or else public tables.
func keyOf(p *blackbox.Parties, tenant string) string {
	if tenant == "" {
		return p.Operator
	}
	return p.Loader[tenant]
}

func upload(ctx context.Context, api *wire.API, dataset string, f File) (wire.Load, error) {
	in, err := os.Open(f.Path)
	if err != nil {
		return wire.Load{}, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return wire.Load{}, err
	}
	return api.Upload(ctx, wire.Upload{Dataset: dataset, Table: f.Table, Tenant: f.Tenant, ContentType: f.ContentType, Size: info.Size()}, in)
}

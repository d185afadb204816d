package backup

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Copied is a file's copy in a repository.
type Copied struct {
	Name   string `json:"name"`   // random
	Bytes  int64  `json:"bytes"`  // of the file
	SHA256 string `json:"sha256"` // of the file
}

// File is a file of a data directory as a snapshot has it.
type File struct {
	Path string `json:"path"` // relative to the data directory, with slashes
	Copied
	Mode     fs.FileMode `json:"mode"`
	Modified time.Time   `json:"modified"`
}

// Log is how far a control store had come: the size of its transparency log and the
// root hash over it.
type Log struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
}

// Snapshot is a data directory as it was at one moment.
type Snapshot struct {
	Number  int       `json:"number"` // from 1, never used twice
	At      time.Time `json:"at"`     // of the control store's copy
	Program string    `json:"program"`
	Store   string    `json:"store"` // the control store's identity
	Log     Log       `json:"log"`
	Control Copied    `json:"control"`
	Files   []File    `json:"files"` // by path

	Added   int   `json:"added"`   // files that no earlier snapshot had, without the control store
	Removed int   `json:"removed"` // files that the snapshot before had and this one has not
	Written int64 `json:"written"` // bytes that the snapshot added to the repository
}

// Bytes returns how many bytes the directory has.
func (s *Snapshot) Bytes() int64 {
	n := s.Control.Bytes
	for _, f := range s.Files {
		n += f.Bytes
	}
	return n
}

// maxList bounds a snapshot's list: 512 MiB, for some millions of files.
const maxList = 512 << 20

func (r *Repository) snapshotPath(number int) string {
	return filepath.Join(r.dir, snapshotsDir, fmt.Sprintf("%06d", number))
}

// numbers returns the numbers of the snapshots, in order.
func (r *Repository) numbers() ([]int, error) {
	entries, err := os.ReadDir(filepath.Join(r.dir, snapshotsDir))
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n > 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// Snapshots returns all snapshots, the oldest first.
func (r *Repository) Snapshots() ([]*Snapshot, error) {
	numbers, err := r.numbers()
	if err != nil {
		return nil, err
	}
	var all []*Snapshot
	for _, n := range numbers {
		s, err := r.load(n)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Snapshot returns a snapshot; number 0 is the newest one.
func (r *Repository) Snapshot(number int) (*Snapshot, error) {
	numbers, err := r.numbers()
	if err != nil {
		return nil, err
	}
	if len(numbers) == 0 {
		return nil, fmt.Errorf("%s has no snapshot yet", r.dir)
	}
	if number == 0 {
		number = numbers[len(numbers)-1]
	}
	if !slices.Contains(numbers, number) {
		return nil, fmt.Errorf("%s has no snapshot %d; noised backup list shows those that it has", r.dir, number)
	}
	return r.load(number)
}

func (r *Repository) load(number int) (*Snapshot, error) {
	f, err := os.Open(r.snapshotPath(number))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := openAll(r.key, io.LimitReader(f, maxList), r.nameOf("snapshot", strconv.Itoa(number)))
	if err != nil {
		return nil, fmt.Errorf("the list of snapshot %d is damaged: %w", number, err)
	}
	s := &Snapshot{}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("the list of snapshot %d is damaged: %w", number, err)
	}
	if s.Number != number {
		return nil, fmt.Errorf("the list of snapshot %d says that it is of %d", number, s.Number)
	}
	for _, f := range s.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return nil, errors.New("a snapshot names a file outside the data directory")
		}
	}
	return s, nil
}

// save writes a snapshot's list. From then on the snapshot is there.
func (r *Repository) save(s *Snapshot) error {
	slices.SortFunc(s.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	var sealed bytes.Buffer
	if err := sealAll(r.key, &sealed, r.nameOf("snapshot", strconv.Itoa(s.Number)), text); err != nil {
		return err
	}
	return place(r.snapshotPath(s.Number), func(w io.Writer) error {
		_, err := w.Write(sealed.Bytes())
		return err
	})
}

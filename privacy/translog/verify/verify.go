package verify

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// Problem is one thing that differs.
type Problem struct {
	Leaf int64  // index of the leaf that it was found at; -1 for none
	What string // for people
}

// Report is what a run found.
type Report struct {
	Size                        int64
	Root                        tlog.Hash
	Charges, Accounts, Releases int64
	Sealed                      int64     // releases whose contents could not be opened, and were not compared
	Problems                    []Problem // the first of them
	More                        int64     // how many others there are
}

// Options say what a store is held against, beside itself.
type Options struct {
	Earlier []translog.Checkpoint // states of before, whose signatures the caller has checked

	// Open opens what is stored of a release and may be sealed: its core, and what it
	// was for. Without it, what is sealed is not compared.
	Open func(ctx context.Context, release string, core []byte, purpose string) ([]byte, string, error)
}

// maxProblems is how many problems a report describes.
const maxProblems = 100

// run is the state of one replay.
type run struct {
	Report
	r        translog.Reader
	tree     *tree
	accounts map[string]*account
	names    map[int64]string // of accounts in the store
	keys     map[int64]string // verifiers of the keys that sign, by leaf
	defaults map[string]*loss
	earlier  map[string]map[string]entry // debits that a leaf which names accounts left to joins
	deleted  map[string]bool             // datasets that the log says were deleted
	shredded map[string][]string         // releases whose results are gone, by dataset
	now      int64
	reading  reading
	earliest []translog.Checkpoint // not reached yet, the smallest first
	open     func(ctx context.Context, release string, core []byte, purpose string) ([]byte, string, error)
}

// Run replays the log that r reads, and holds it against the store and against
// checkpoints of before. What r reads must not change meanwhile. An error is a
// failure to read, and no verdict.
func Run(ctx context.Context, r translog.Reader, o Options) (Report, error) {
	v := &run{
		r: r, accounts: map[string]*account{}, names: map[int64]string{}, keys: map[int64]string{}, defaults: map[string]*loss{},
		earlier: map[string]map[string]entry{}, earliest: slices.Clone(o.Earlier), open: o.Open, deleted: map[string]bool{}, shredded: map[string][]string{},
	}
	slices.SortFunc(v.earliest, func(a, b translog.Checkpoint) int { return int(min(1, max(-1, a.Size-b.Size))) })
	for _, step := range []func(context.Context) error{v.readNames, v.replay, v.compareAccounts, v.compareDefaults, v.compareKeys, v.compareDeleted, v.strays} {
		if err := step(ctx); err != nil {
			return v.Report, privacy.Internal(err, "verifying the log")
		}
	}
	return v.Report, nil
}

// problem notes what differs.
func (v *run) problem(leaf int64, format string, args ...any) {
	if len(v.Problems) == maxProblems {
		v.More++
		return
	}
	v.Problems = append(v.Problems, Problem{leaf, fmt.Sprintf(format, args...)})
}

// replay reads every leaf once, in order.
func (v *run) replay(ctx context.Context) (err error) {
	if v.tree, err = openTree(ctx, v.r); err != nil {
		return err
	}
	defer func() { _ = v.tree.stored.Close() }()
	rows, err := v.r.QueryContext(ctx, leavesQuery)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	v.meet()
	for rows.Next() {
		if err := v.reading.scan(rows); err != nil {
			return err
		}
		if err := v.leaf(ctx, &v.reading); err != nil {
			return err
		}
		v.meet()
	}
	if err := rows.Err(); err != nil {
		return err
	}
	more, err := v.tree.rest()
	if more {
		v.problem(-1, "there are stored hashes of leaves that are not there: the log had more than %d", v.tree.size)
	}
	for _, c := range v.earliest {
		v.problem(-1, "the log has %d leaves, and had %d: it was rolled back, or its end was cut off", v.tree.size, c.Size)
	}
	v.Size, v.Root = v.tree.size, v.tree.root()
	for charge, left := range v.earlier {
		for name := range left {
			v.problem(-1, "charge %s debited %s, and no leaf says so", charge, name)
		}
	}
	return err
}

// meet holds the tree against checkpoints of its size.
func (v *run) meet() {
	for len(v.earliest) > 0 && v.earliest[0].Size <= v.tree.size {
		if c := v.earliest[0]; c.Size == v.tree.size && c.Root != v.tree.root() {
			v.problem(c.Size-1, "the first %d leaves are not those of the checkpoint: the root was %s and is %s", c.Size, c.Root, v.tree.root())
		}
		v.earliest = v.earliest[1:]
	}
}

// leaf takes one leaf. The tree counts what it was given, so that a gap shows.
func (v *run) leaf(ctx context.Context, l *reading) error {
	if l.idx != v.tree.size {
		v.problem(l.idx, "leaf %d follows on leaf %d: some are missing", l.idx, v.tree.size-1)
	}
	same, err := v.tree.add(l.leaf)
	if err != nil {
		return err
	}
	if !same {
		v.problem(l.idx, "leaf %d is not the one that was hashed, or a stored hash was changed", l.idx)
	}
	if err := l.parse(); err != nil {
		v.problem(l.idx, "leaf %d cannot be read: %s", l.idx, err)
		return nil
	}
	v.now = l.at.UnixMicro()
	v.belongs(l)
	switch l.kind {
	case translog.KindBudget:
		v.budget(l)
	case translog.KindCharge:
		v.charge(l)
	case translog.KindJoin:
		v.join(l)
	case translog.KindRelease:
		v.release(ctx, l)
	case translog.KindKey:
		v.key(l)
	case translog.KindContract:
		v.deletion(l)
	default: // moves no budget
	}
	return nil
}

// belongs notes rows that point to a leaf of another kind.
func (v *run) belongs(l *reading) {
	if l.chargeID.Valid && l.kind != translog.KindCharge {
		v.problem(l.idx, "charge %s points to leaf %d, which is of kind %s", l.chargeID.String, l.idx, l.kind)
	}
	if l.joined.Valid && l.kind != translog.KindJoin {
		v.problem(l.idx, "a join points to leaf %d, which is of kind %s", l.idx, l.kind)
	}
	if l.released.Valid && l.kind != translog.KindRelease {
		v.problem(l.idx, "release %s points to leaf %d, which is of kind %s", l.released.String, l.idx, l.kind)
	}
}

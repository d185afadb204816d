package highwater

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/ledger"
)

func budget() ledger.Budget { return ledger.Budget{Cap: privacy.Loss{Epsilon: 1, Delta: 1e-6}} }

func newLedger(db *controldb.DB) *ledger.Ledger { return ledger.New(db, time.Now) }

// The test binary runs itself as a server that charges until it is killed.
const (
	childData = "HIGHWATER_TEST_DATA"
	childMark = "HIGHWATER_TEST_MARK"
	childDies = "HIGHWATER_TEST_DIES" // between a commit and its mark
)

func TestMain(m *testing.M) {
	if data := os.Getenv(childData); data != "" {
		if err := child(data, os.Getenv(childMark), os.Getenv(childDies) != ""); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func child(data, mark string, dies bool) error {
	ctx := context.Background()
	db, err := controldb.Open(ctx, filepath.Join(data, "control.db"))
	if err != nil {
		return err
	}
	f, err := Open(mark, data)
	if err != nil {
		return err
	}
	g, err := Start(ctx, f, db)
	if err != nil {
		return err
	}
	if dies {
		db.SetWitness(assassin{g})
	}
	fmt.Println("ready")
	l := newLedger(db)
	for i := 0; ; i++ {
		c, err := l.Charge(ctx, request(fmt.Sprint(os.Getpid(), "-", i)))
		if err != nil {
			return err
		}
		fmt.Println(c.ID) // not buffered: what is read was marked before
	}
}

// assassin kills its process between a commit and its mark.
type assassin struct{ *Guard }

func (a assassin) Observe(ctx context.Context, tx *sql.Tx) (func(context.Context) error, error) {
	if _, err := a.Guard.Observe(ctx, tx); err != nil {
		return nil, err
	}
	return func(context.Context) error { return syscall.Kill(os.Getpid(), syscall.SIGKILL) }, nil
}

// run starts a child, kills it when it was heard often enough, and returns what
// it said.
func (p *place) run(dies bool, hear int, grace time.Duration) (charges []string) {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childData+"="+p.data, childMark+"="+p.mark)
	if dies {
		cmd.Env = append(cmd.Env, childDies+"=1")
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	p.ok(err)
	p.ok(cmd.Start())
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		p.t.Fatalf("the child says %q", lines.Text())
	}
	for lines.Scan() {
		charges = append(charges, lines.Text())
		if len(charges) == hear {
			time.AfterFunc(grace, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
		p.t.Fatalf("the child ended by itself: %v", err)
	}
	return charges
}

// TestKilledBetweenCommitAndMark: the store is ahead of its mark, which is no
// reason to refuse it; the mark moves first, and the charge is there to redeem.
func TestKilledBetweenCommitAndMark(t *testing.T) {
	p := newPlace(t)
	before := p.marked()
	if said := p.run(true, 0, 0); len(said) != 0 {
		t.Fatalf("a charge returned before its mark: %v", said)
	}
	if m := p.marked(); m != before {
		t.Fatalf("the mark moved from %+v to %+v", before, m)
	}
	s := p.mustServe()
	if m, head := p.marked(), sizeOf(t, s.db); m.Size != head || head != before.Size+1 {
		t.Errorf("the mark is at %d, the log at %d, and was at %d", m.Size, head, before.Size)
	}
	pending, err := s.Pending(t.Context())
	if err != nil || len(pending) != 1 {
		t.Errorf("%d charges wait, %v", len(pending), err)
	}
}

// TestKilledAtRandom: after every kill the store starts with its mark, and the
// mark covers every charge that returned.
func TestKilledAtRandom(t *testing.T) {
	p := newPlace(t)
	heard := 0
	for range 20 {
		heard += len(p.run(false, 1+rand.IntN(4), time.Duration(rand.IntN(3000))*time.Microsecond))
		m := p.marked()
		if m.Size < int64(heard)+1 {
			t.Fatalf("%d charges returned and the mark is at %d", heard, m.Size)
		}
		s := p.mustServe()
		p.ok(s.db.Close())
	}
}

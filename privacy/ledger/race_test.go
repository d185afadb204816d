package ledger

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// The test binary runs itself as a child process with these variables.
const (
	childMode  = "LEDGER_TEST_CHILD"
	childStore = "LEDGER_TEST_STORE"
	childName  = "LEDGER_TEST_NAME"
)

func TestMain(m *testing.M) {
	switch mode := os.Getenv(childMode); mode {
	case "":
		if raceDetector {
			_ = flag.Set("rapid.checks", "8")
		}
		os.Exit(m.Run())
	case "hammer", "loop":
		if err := child(mode, os.Getenv(childStore), os.Getenv(childName)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// child is a process of its own on a shared store. It waits for its standard
// input to end, so that the parent can start several at once.
func child(mode, path, name string) error {
	ctx := context.Background()
	db, err := controldb.Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	l := New(db, time.Now)
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	if mode == "hammer" {
		admitted, err := hammer(ctx, []*Ledger{l}, name)
		fmt.Println(admitted)
		return err
	}
	failed := make(chan error)
	for worker := range workers {
		go func() {
			for i := 0; ; i++ { // until killed
				c, err := l.Charge(ctx, raceRequest(fmt.Sprint(name, "-", worker, "-", i)))
				if err != nil {
					failed <- err
					return
				}
				fmt.Println(c.ID) // os.Stdout is not buffered: the charge was durable before
			}
		}()
	}
	return <-failed
}

const (
	clients     = 64
	affordable  = 150 // charges that the nearly spent account still admits
	workers     = 8   // clients of a process that is killed
	perClient   = 8   // charges that each client asks for: more than it can get
	raceCostMu2 = 7 * units
)

func raceRequest(key string) Request {
	r := ask(key, raceCostMu2)
	r.Tenants, r.DatasetAccount, r.Cost.Delta = []string{"a", "b", "c"}, true, 3
	return r
}

// hammer lets clients charge all at once and returns how many charges were
// admitted. Refusals for lack of budget are expected; nothing else is.
func hammer(ctx context.Context, ledgers []*Ledger, name string) (int64, error) {
	var admitted atomic.Int64
	start := make(chan struct{})
	failures := make([]error, clients)
	var wg sync.WaitGroup
	for i := range clients {
		l := ledgers[i%len(ledgers)]
		wg.Go(func() {
			<-start
			for n := range perClient {
				_, err := l.Charge(ctx, raceRequest(fmt.Sprint(name, "-", i, "-", n)))
				switch {
				case err == nil:
					admitted.Add(1)
				case privacy.CodeOf(err) != privacy.CodeBudgetExhausted:
					failures[i] = errors.Join(failures[i], err)
				}
			}
		})
	}
	close(start)
	wg.Wait()
	return admitted.Load(), errors.Join(failures...)
}

// nearlySpent sets budgets for raceRequest such that account c admits exactly
// the affordable number of charges, and one unit less than one more.
func nearlySpent(t *testing.T) *fixture {
	f := newFixture(t)
	f.clock.set(time.Now().UnixMicro())
	wide := privacy.Loss{Epsilon: 10, Delta: 1e-5}
	f.set(t, Budget{Cap: wide}, privacy.TenantAccount("a"), privacy.TenantAccount("b"), privacy.DatasetAccount("d"))
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("c"))
	r := ask("what was spent before", privacy.CapOf(small).Mu2-affordable*raceCostMu2-(raceCostMu2-1))
	r.Tenants = []string{"c"}
	f.mustCharge(t, r)
	return f
}

// checkSpent audits the store after a race.
func (f *fixture) checkSpent(t *testing.T, admitted int64) {
	t.Helper()
	if admitted != affordable {
		t.Errorf("%d charges were admitted, the budget affords %d", admitted, affordable)
	}
	if left := f.state(t, privacy.TenantAccount("c")).Remaining.Mu2; left != raceCostMu2-1 {
		t.Errorf("%d units are left, want %d", left, raceCostMu2-1)
	}
	for _, a := range []privacy.Account{privacy.TenantAccount("a"), privacy.TenantAccount("b"), privacy.DatasetAccount("d")} {
		if spent := f.state(t, a).Spent; spent.Mu2 != admitted*raceCostMu2 || spent.Delta != admitted*3 {
			t.Errorf("%s spent %+v for %d charges", a, spent, admitted)
		}
	}
	f.audit(t)
}

func TestHandlesNeverOverspend(t *testing.T) {
	f := nearlySpent(t)
	admitted, err := hammer(t.Context(), []*Ledger{f.Ledger, f.reopen(t).Ledger}, "client")
	if err != nil {
		t.Error(err)
	}
	f.checkSpent(t, admitted)
}

func TestProcessesNeverOverspend(t *testing.T) {
	f := nearlySpent(t)
	var processes [2]*process
	for i := range processes {
		processes[i] = start(t, "hammer", f.path, fmt.Sprint("process-", i))
	}
	for _, p := range processes {
		p.release(t)
	}
	var admitted int64
	for _, p := range processes {
		var n int64
		if _, err := fmt.Sscan(p.line(t), &n); err != nil {
			t.Fatal(err)
		}
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, p.stderr.String())
		}
		t.Logf("one process was admitted %d times", n)
		admitted += n
	}
	f.checkSpent(t, admitted)
}

// TestOneKeyIsPaidOnceByRacingClients: many clients ask for the same release
// at the same time.
func TestOneKeyIsPaidOnceByRacingClients(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	ledgers := []*Ledger{f.Ledger, f.reopen(t).Ledger}
	ids := make([]string, clients)
	var fresh atomic.Int64
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			c, err := ledgers[i%2].Charge(t.Context(), ask("the same", units))
			if err != nil {
				t.Error(err)
			}
			if ids[i] = c.ID; !c.Existing {
				fresh.Add(1)
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("clients got charges %s and %s", ids[0], id)
		}
	}
	if spent := f.state(t, privacy.TenantAccount("a")).Spent.Mu2; fresh.Load() != 1 || spent != units {
		t.Errorf("%d clients were charged, %d in all", fresh.Load(), spent)
	}
}

// TestOneLeaseAtATime: of many that want to run a charge's query, one does.
func TestOneLeaseAtATime(t *testing.T) {
	f := newFixture(t)
	f.set(t, Budget{Cap: small}, privacy.TenantAccount("a"))
	c := f.mustCharge(t, ask("q", units))
	ledgers := []*Ledger{f.Ledger, f.reopen(t).Ledger}
	var held atomic.Int64
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			ok, err := ledgers[i%2].Acquire(t.Context(), c.ID, fmt.Sprint("worker-", i), time.Minute)
			if err != nil {
				t.Error(err)
			}
			if ok {
				held.Add(1)
			}
		})
	}
	wg.Wait()
	if held.Load() != 1 {
		t.Errorf("%d workers hold the lease", held.Load())
	}
}

// TestKilledProcessesLoseNoCharge kills a charging process at random points
// and checks that every charge it spoke of is in the ledger and paid for.
func TestKilledProcessesLoseNoCharge(t *testing.T) {
	const kills = 100
	f := newFixture(t)
	f.clock.set(time.Now().UnixMicro())
	wide := privacy.Loss{Epsilon: 100, Delta: 1e-5}
	f.set(t, Budget{Cap: wide}, privacy.TenantAccount("a"), privacy.TenantAccount("b"), privacy.TenantAccount("c"), privacy.DatasetAccount("d"))
	answered := map[string]bool{}
	for round := range kills {
		p := start(t, "loop", f.path, fmt.Sprint("round-", round))
		p.release(t)
		for range rand.IntN(40) {
			answered[p.line(t)] = true
		}
		// Somewhere within the next charges, which take about a millisecond.
		time.AfterFunc(time.Duration(rand.IntN(2000))*time.Microsecond, func() { _ = p.cmd.Process.Kill() })
		for p.lines.Scan() {
			answered[p.lines.Text()] = true
		}
		if err := p.cmd.Wait(); err == nil || p.cmd.ProcessState.Exited() {
			t.Fatalf("the child ended by itself: %v %s", err, p.stderr.String())
		}
	}
	for id := range answered {
		if n := f.scalar(t, `SELECT count(*) FROM (`+entries+`) e JOIN charges c ON c.seq = e.charge WHERE c.id = ?`, id); n != 4 {
			t.Errorf("charge %q, which the process reported, debited %d accounts of 4", id, n)
		}
	}
	stored := f.scalar(t, `SELECT count(*) FROM charges`)
	if int64(len(answered)) > stored || stored > int64(len(answered)+kills*workers) {
		t.Errorf("%d charges were reported and %d are stored after %d kills", len(answered), stored, kills)
	}
	f.audit(t)
	f.mustCharge(t, raceRequest("after all"))
}

// process is a child on the same store.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	lines  *bufio.Scanner
	stderr strings.Builder
}

// start runs this test binary as a child and returns once it has opened the
// store.
func start(t *testing.T, mode, path, name string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(t.Context(), os.Args[0])}
	p.cmd.Env = append(os.Environ(), childMode+"="+mode, childStore+"="+path, childName+"="+name)
	p.cmd.Stderr = &p.stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin, p.lines = stdin, bufio.NewScanner(stdout)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if got := p.line(t); got != "ready" {
		t.Fatalf("the child says %q: %s", got, p.stderr.String())
	}
	return p
}

// release lets the child begin.
func (p *process) release(t *testing.T) {
	t.Helper()
	if err := p.stdin.Close(); err != nil {
		t.Fatal(err)
	}
}

// line reads the child's next line.
func (p *process) line(t *testing.T) string {
	t.Helper()
	if !p.lines.Scan() {
		t.Fatalf("the child said no more: %v %s", p.lines.Err(), p.stderr.String())
	}
	return p.lines.Text()
}

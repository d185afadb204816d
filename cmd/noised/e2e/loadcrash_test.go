package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// newVisits starts a server on a new directory with one tenant and no rows.
func newVisits(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "data")}
	operator, err := program.Init(t.Context(), s.dir)
	check(t, err)
	s.start()
	contract, err := os.ReadFile(filepath.FromSlash("testdata/visits.yaml"))
	check(t, err)
	s.Parties, err = blackbox.SetUp(t.Context(), s.Server, operator, contract, []string{"clinic"})
	check(t, err)
	check(t, s.SetBudget(t.Context(), s.Server, "clinic", generous, generous))
	return s
}

// visitsPerLoad is the number of rows of one upload, each of another person.
const visitsPerLoad = 60_000

func visits(load int) []byte {
	var csv bytes.Buffer
	csv.WriteString("person,ward,days\n")
	for i := range visitsPerLoad {
		fmt.Fprintf(&csv, "%d,%c,%d\n", load*visitsPerLoad+i, "ab"[i%2], i%30)
	}
	return csv.Bytes()
}

// loads counts the loads whose rows a query sees. At ε = 100 the noise is far
// below half a load, so a load that was published in part would show.
func (s *site) loads(ask int) int {
	s.t.Helper()
	got := readArrow(s.t, s.ask(wire.QueryRequest{SQL: "SELECT COUNT(*) AS n FROM visits", Epsilon: ptr(100 - 1e-9*float64(ask))}).body)
	n := got.number[0]["n"]
	loads := math.Round(n / visitsPerLoad)
	if math.Abs(n-loads*visitsPerLoad) > 100 {
		s.t.Fatalf("%g rows are there: no whole number of loads of %d", n, visitsPerLoad)
	}
	return int(loads)
}

func (s *site) upload(ctx context.Context, load int, file io.Reader) (wire.Load, error) {
	api, err := s.API(s.Loader["clinic"])
	if err != nil {
		return wire.Load{}, err
	}
	return api.Upload(ctx, wire.Upload{Dataset: "visits", ContentType: wire.TypeCSV, LoadID: fmt.Sprintf("load-%d", load)}, file)
}

// stalled is the first half of a file, after which its reader hears nothing more
// until the server is gone.
func stalled(file []byte, gone <-chan struct{}) io.Reader {
	return io.MultiReader(bytes.NewReader(file[:len(file)/2]), readerFunc(func([]byte) (int, error) {
		<-gone
		return 0, io.ErrUnexpectedEOF
	}))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestKilledWhileLoading kills the server at a random moment of a load, every
// fourth time in the middle of its upload. A restart shows the rows of before or of after, never a part; the job
// ends; and the same upload under the same load_id ends in one load.
func TestKilledWhileLoading(t *testing.T) {
	s := newVisits(t)
	began := time.Now()
	first, err := s.upload(t.Context(), 0, bytes.NewReader(visits(0)))
	check(t, err)
	_, err = s.api(s.Loader["clinic"]).Wait(t.Context(), first.ID, nil)
	check(t, err)
	usual := time.Since(began)

	asked, in := 0, s.loads(0)
	if in != 1 {
		t.Fatalf("%d loads after the first", in)
	}
	accepted, finished := 0, 0
	for load := 1; load <= times(20, 100); load++ {
		file := visits(load)
		done, gone := make(chan bool, 1), make(chan struct{})
		body := io.Reader(bytes.NewReader(file))
		if load%4 == 0 {
			body = stalled(file, gone)
		}
		go func() {
			_, err := s.upload(t.Context(), load, body)
			done <- err == nil
		}()
		<-time.NewTimer(time.Duration(rand.Int64N(int64(usual)))).C
		check(t, s.Kill())
		close(gone)
		known := <-done
		s.start()

		asked++
		now := s.loads(asked)
		if now != in && now != in+1 {
			t.Fatalf("after the crash in load %d, %d loads are in; before it were %d", load, now, in)
		}
		if known {
			accepted++
		}
		if now == in+1 {
			finished++
		}
		in = s.finishLoad(load, file, known, in, &asked)
	}
	t.Logf("a load takes %s; of %d crashes %d came after it was accepted, %d after it was published",
		usual.Round(time.Millisecond), times(20, 100), accepted, finished)
	eventually(t, func() (bool, bool) { // the last upload goes after its load is said to have ended
		left, err := os.ReadDir(filepath.Join(s.dir, "spool"))
		check(t, err)
		return true, len(left) == 0
	})
}

// finishLoad sees that the load which a crash interrupted ends, uploads it again
// and returns the number of loads that are in then.
func (s *site) finishLoad(load int, file []byte, known bool, in int, asked *int) int {
	s.t.Helper()
	api := s.api(s.Loader["clinic"])
	list, err := api.Loads(s.t.Context(), "", 1)
	check(s.t, err)
	name := fmt.Sprintf("load-%d", load)
	if listed := list.Items[0].LoadID == name; known && !listed {
		s.t.Fatalf("%s was accepted before the crash and is not listed after it", name)
	}
	again, err := s.upload(s.t.Context(), load, bytes.NewReader(file))
	check(s.t, err)
	if list.Items[0].LoadID == name && again.ID != list.Items[0].ID {
		s.t.Errorf("%s became a second load", name)
	}
	again, err = api.Wait(s.t.Context(), again.ID, nil)
	check(s.t, err)
	switch again.State {
	case wire.LoadStateSucceeded:
		in++
	case wire.LoadStateFailed:
	default:
		s.t.Errorf("%s ended %s", name, again.State)
	}
	*asked++
	if now := s.loads(*asked); now != in {
		s.t.Fatalf("%s %s, and %d loads are in instead of %d", name, again.State, now, in)
	}
	return in
}

//go:build vault

package suite

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
	"github.com/noised/noised/ingest/hostile"
)

const opinions = `dataset: opinions
version: 1
privacy_unit: {column: person, scope: tenant}
contribution: {max_partitions: 3, max_rows_per_partition: 3}
columns:
  person: {type: bigint, role: unit}
  city: {type: varchar, role: dimension, domain: {values: [Ulm, Bonn, Trier]}}
  rating: {type: tinyint, role: measure, bounds: [1, 5]}
`

// honestRows is enough for an answer to take the work of reading and bounding rows.
const honestRows = 600_000

// slowdown is how many times as long an answer may take at the median while files that
// mean harm are loaded.
const slowdown = 2

// besieged is a server with an honest tenant, whose rows are asked about, and another
// that sends what it likes.
type besieged struct {
	server  *blackbox.Server
	parties *blackbox.Parties
	dir     string
	asked   int
}

func newBesieged(t *testing.T) *besieged {
	t.Helper()
	b := &besieged{dir: filepath.Join(t.TempDir(), "data")}
	key, err := program.Init(t.Context(), b.dir)
	check(t, err)
	// Answers leave as soon as they are ready: a slot would hide how long they take.
	b.server, err = program.Start(t.Context(), b.dir, "--response-slot", "0", "--require-sandbox", "--load-memory-mb", "400", "--load-timeout", "2m",
		"--max-upload", "1073741824", "--request-rate", "1000000", "--request-burst", "1000000")
	check(t, err)
	t.Cleanup(func() { _ = b.server.Kill() })
	b.parties, err = blackbox.SetUp(t.Context(), b.server, key, []byte(opinions), []string{"honest", "other"})
	check(t, err)
	limit := wire.Loss{Epsilon: 1e5, Delta: 0.5}
	check(t, b.parties.SetBudgets(t.Context(), b.server, limit, limit))
	load, err := b.load(t.Context(), "honest", hostile.File{Format: hostile.CSV, Body: honest()})
	check(t, err)
	if load.RowsLoaded != honestRows {
		t.Fatalf("the honest tenant's rows: %+v", load)
	}
	return b
}

func honest() []byte {
	var b bytes.Buffer
	b.WriteString("person,city,rating\n")
	for i := range honestRows {
		fmt.Fprintf(&b, "%d,%s,%d\n", i*7919%60_000, []string{"Ulm", "Bonn", "Trier"}[i%3], 1+i%5)
	}
	return b.Bytes()
}

var media = map[string]string{hostile.CSV: wire.TypeCSV, hostile.NDJSON: wire.TypeNDJSON, hostile.Parquet: wire.TypeParquet, hostile.Arrow: wire.TypeArrow}

// load sends a file and waits for what becomes of it.
func (b *besieged) load(ctx context.Context, tenant string, f hostile.File) (wire.Load, error) {
	api, err := b.server.API(b.parties.Loader[tenant])
	if err != nil {
		return wire.Load{}, err
	}
	most := int64(math.MaxInt32)
	load, err := api.Upload(ctx, wire.Upload{
		Dataset: b.parties.Dataset, Tenant: tenant, ContentType: media[f.Format], ContentEncoding: f.Encoding, Size: int64(len(f.Body)), MaxBadRecords: &most,
	}, bytes.NewReader(f.Body))
	if err != nil {
		return load, err
	}
	return api.Wait(ctx, load.ID, nil)
}

// ask asks a new question and says how long the answer took.
func (b *besieged) ask(ctx context.Context) (time.Duration, error) {
	api, err := b.server.API(b.parties.Analyst)
	if err != nil {
		return 0, err
	}
	b.asked++
	epsilon := 1 + 1e-9*float64(b.asked)
	began := time.Now()
	_, err = api.Query(ctx, wire.QueryRequest{
		SQL: "SELECT city, COUNT(*) AS n, SUM(rating) AS s FROM opinions WHERE rating > 1 GROUP BY city", Epsilon: &epsilon, Tenants: []string{"honest"},
	}, wire.QueryOptions{Accept: wire.TypeJSON})
	return time.Since(began), err
}

// latencies asks until ctx ends or so many answers have come.
func (b *besieged) latencies(ctx context.Context, t *testing.T, most int) (took []time.Duration) {
	t.Helper()
	for ctx.Err() == nil && len(took) < most {
		d, err := b.ask(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			t.Errorf("an answer while files that mean harm are loaded: %v", err)
			break
		}
		took = append(took, d)
	}
	return took
}

// ends counts what became of the files.
type ends struct {
	mu     sync.Mutex
	loads  int
	states map[string]int
	killed []string // files whose workers were ended, or ended themselves
	deaths int      // of the server
}

func (e *ends) add(f hostile.File, load wire.Load) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.loads++
	e.states[string(load.State)]++
	if load.Error == nil || load.Error.Detail == nil {
		return
	}
	for _, why := range []string{"made its reader crash", "was killed", "was ended", "processor time"} {
		if strings.Contains(*load.Error.Detail, why) {
			e.killed = append(e.killed, f.Name)
		}
	}
}

// send loads files one after the other until there are no more.
func (b *besieged) send(ctx context.Context, t *testing.T, files <-chan hostile.File, e *ends) {
	for f := range files {
		load, err := b.load(ctx, "other", f)
		if _, alive := b.server.Resident(); alive != nil {
			e.mu.Lock()
			e.deaths++
			e.mu.Unlock()
			t.Errorf("%s: the server died: %v", f.Name, err)
			return
		}
		problem, refused := err.(*wire.ProblemError) //nolint:errorlint // as the client returns it
		switch {
		case refused && problem.Problem.Status < 500:
			load.State = "refused" // before it was a load
		case err != nil:
			t.Errorf("%s: %v", f.Name, err)
			continue
		case load.Error != nil && load.Error.Status >= 500 && strings.HasSuffix(load.Error.Type, "/internal"):
			t.Errorf("%s is taken for a fault of ours: %+v", f.Name, load.Error)
		}
		e.add(f, load)
	}
}

// TestFilesThatMeanHarm loads hundreds of damaged files, and files built to harm, into
// a server that answers questions meanwhile. They end at most their workers.
func TestFilesThatMeanHarm(t *testing.T) {
	b := newBesieged(t)
	files := hostile.All()
	b.latencies(t.Context(), t, 5) // warm
	idle := b.latencies(t.Context(), t, 200)

	queue := make(chan hostile.File)
	e := &ends{states: map[string]int{}}
	var senders sync.WaitGroup
	for range 2 {
		senders.Go(func() { b.send(t.Context(), t, queue, e) })
	}
	meanwhile, stop := context.WithCancel(t.Context())
	asked := make(chan []time.Duration)
	go func() { asked <- b.latencies(meanwhile, t, math.MaxInt) }()
	for _, f := range files {
		queue <- f
	}
	close(queue)
	senders.Wait()
	stop()
	busy := <-asked
	idle = append(idle, b.latencies(t.Context(), t, 200)...) // of a machine that may have changed

	ratio := float64(median(busy)) / float64(median(idle))
	t.Logf("%d files: %v, workers ended: %q; answers: %s idle (%d), %s meanwhile (%d)", e.loads, e.states, e.killed, median(idle), len(idle), median(busy), len(busy))
	report(t, "corpus", e.loads)
	report(t, "server_deaths", e.deaths)
	report(t, "workers_ended", len(e.killed))
	report(t, "latency_idle_ms", float64(median(idle).Microseconds())/1000)
	report(t, "latency_corpus_ms", float64(median(busy).Microseconds())/1000)
	report(t, "latency_ratio", fmt.Sprintf("%.2f", ratio))
	if e.loads < 200 || e.deaths > 0 || ratio > slowdown {
		t.Errorf("%d files, %d deaths, %.2f times as long", e.loads, e.deaths, ratio)
	}
	if _, err := b.ask(t.Context()); err != nil {
		t.Errorf("an answer afterwards: %v", err)
	}
	check(t, b.server.Stop()) // the last load's go after it is said to have ended
	if left, err := os.ReadDir(filepath.Join(b.dir, "tmp", "loads")); err != nil || len(left) > 0 {
		t.Errorf("scratch files are left: %v, %v", left, err)
	}
}

package logs

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy/translog"
)

func TestAStateContinuesWhatWasKept(t *testing.T) {
	const log = "noised/one"
	var a, b tlog.Hash
	a[0], b[0] = 1, 2
	now := translog.Checkpoint{Origin: log, Size: 5, Root: a}
	for name, c := range map[string]struct {
		old  translog.Checkpoint
		want string // empty: it does
	}{
		"the same":          {now, ""},
		"the empty log":     {translog.Checkpoint{Origin: log}, ""},
		"another log":       {translog.Checkpoint{Origin: "noised/other", Size: 5, Root: a}, "one of the log noised/other"},
		"one that was more": {translog.Checkpoint{Origin: log, Size: 6, Root: a}, "rolled back"},
		"another past":      {translog.Checkpoint{Origin: log, Size: 5, Root: b}, "two pasts"},
		"one without proof": {translog.Checkpoint{Origin: log, Size: 4, Root: b}, "two pasts"},
	} {
		err := continues(c.old, now, nil)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A server that gives no proof has shown nothing, neither that its log goes on nor that
// it does not.
func TestAMissingProofIsNoDifference(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	c, err := wire.New(server.URL, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	now := translog.Checkpoint{Origin: "noised/one", Size: 5}
	old := translog.Checkpoint{Origin: "noised/one", Size: 4}
	if _, err := proofBetween(context.Background(), c, old, now); err == nil {
		t.Error("a server without an answer gave a proof")
	}
	before := asked
	for _, needless := range []translog.Checkpoint{now, {Origin: "noised/one"}, {Origin: "noised/other", Size: 4}, {Origin: "noised/one", Size: 9}} {
		if _, err := proofBetween(context.Background(), c, needless, now); err != nil {
			t.Errorf("%+v: %v", needless, err)
		}
	}
	if asked != before {
		t.Errorf("proofs were asked for %d times that prove nothing", asked-before)
	}
}

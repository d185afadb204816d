package leaves

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// TestWhatIsRememberedIsBounded: many kinds of charges, or a large one.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	var l Likely[string]
	text := slices.Repeat([]byte("x"), maxLikely/10)
	for i := range 100 {
		cohort := fmt.Sprint(i)
		l.Learn(cohort, len(cohort), &Shares{texts: [][]byte{text, {byte(i)}}})
		if l.Of(cohort) == nil {
			t.Fatalf("%d was not learned", i)
		}
	}
	if len(l.known) > 10 || l.size > maxLikely {
		t.Errorf("%d are remembered, %d bytes", len(l.known), l.size)
	}
	known := len(l.known)
	l.Learn("large", len("large"), &Shares{texts: [][]byte{slices.Repeat(text, 11)}})
	l.Learn("none", len("none"), nil)
	if len(l.known) != known {
		t.Error("what is too large was learned, or took the others' room")
	}
}

func TestTenantsAreWrittenAsJSON(t *testing.T) {
	for _, names := range [][]string{nil, {}, {"a"}, {"a", "dept_2", "x-y"}, {`"`}, {`\`, "a"}, {"<b>"}, {"a&b"}, {"\x00"}, {"é"}, {"\xff"}, {"a\u2028"}, {"", "~"}, {"\x7f"}} {
		want, err := json.Marshal(names)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Tenants(names); err != nil || string(got) != string(want) {
			t.Errorf("%q is written %s, want %s (%v)", names, got, want, err)
		}
	}
}

// TestAWrongGuessIsMadeAnew: a leaf commits to what is debited, whatever its
// commitment was prepared for, and what opens it opens it.
func TestAWrongGuessIsMadeAnew(t *testing.T) {
	of := func(accounts ...privacy.Account) *Shares {
		s, err := SharesOf(accounts)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	debited := of(privacy.TenantAccount("b"), privacy.DatasetAccount("d"), privacy.TenantDatasetAccount("a", "d"), privacy.TenantAccount("a"))
	detail, err := Detail{Dataset: "d", Key: "key", Principal: "key_p"}.Text([]byte(`["a","b"]`))
	if err != nil {
		t.Fatal(err)
	}
	for name, likely := range map[string]*Shares{
		"nothing": nil,
		"right":   of(privacy.TenantAccount("a"), privacy.TenantAccount("b"), privacy.DatasetAccount("d"), privacy.TenantDatasetAccount("a", "d")),
		"fewer":   of(privacy.TenantAccount("a"), privacy.TenantAccount("b")),
		"others":  of(privacy.TenantAccount("a"), privacy.TenantAccount("c"), privacy.DatasetAccount("d")),
	} {
		c := Commit(detail, likely)
		body := c.Leaf("chg_1", privacy.Cost{Mu2: 7, Delta: 3}, debited)
		want := fmt.Sprintf(`{"charge":"chg_1","commitment":"%s","cost":{"delta":3,"mu2":7},"parties":3,"root":"%s"}`,
			c.Nonce.Parts()("charge").Commit(detail), translog.PartiesRoot(c.Nonce, debited.texts))
		if string(body) != want {
			t.Errorf("%s was likely: the leaf is %s, want %s", name, body, want)
		}
		var shown []string
		for _, p := range Open(c.Nonce, FormTree, detail, debited) {
			shown = append(shown, fmt.Sprintf("%s %s %q", p.Part, p.Text, p.Tenant))
		}
		if got, want := strings.Join(shown, "; "), `charge `+string(detail)+` ""; debit:dataset:d ["dataset:d"] ""; `+
			`debit:tenant:a ["tenant-dataset:a/d","tenant:a"] "a"; debit:tenant:b ["tenant:b"] "b"`; got != want {
			t.Errorf("what is shown is %s, want %s", got, want)
		}
	}
}

// BenchmarkLeaf is what commitments cost a charge, by the number of tenants.
func BenchmarkLeaf(b *testing.B) {
	for _, tenants := range []int{1, 14, 100} {
		b.Run(fmt.Sprintf("tenants=%d", tenants), func(b *testing.B) {
			var accounts []privacy.Account
			for i := range tenants {
				accounts = append(accounts, privacy.TenantAccount(fmt.Sprintf("dept_%d", i)))
			}
			shares, err := SharesOf(accounts)
			if err != nil {
				b.Fatal(err)
			}
			id, d := privacy.NewID("chg"), Detail{Dataset: "visits", Key: "key"}
			for b.Loop() {
				detail, err := d.Text([]byte(`["dept_0"]`))
				if err != nil {
					b.Fatal(err)
				}
				Commit(detail, nil).Leaf(id, privacy.Cost{}, shares)
			}
		})
	}
}

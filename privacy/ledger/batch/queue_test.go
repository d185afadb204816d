package batch

import (
	"slices"
	"strings"
	"testing"
)

// charge is one that waits.
type charge struct {
	principal string
	accounts  int
}

func (c *charge) Principal() string { return c.principal }
func (c *charge) Accounts() int     { return c.accounts }

// TestTurns: what one transaction takes is bounded, in order of arrival, and of
// every principal's first before anyone's second.
func TestTurns(t *testing.T) {
	crowd := func(principals string, accounts int) (all []*charge) {
		for _, p := range principals {
			all = append(all, &charge{string(p), accounts})
		}
		return all
	}
	many := strings.Repeat("a", MaxCharges)
	tests := []struct {
		name string
		all  []*charge
		want string // principals
	}{
		{"nobody", nil, ""},
		{"all of few", crowd("abacab", 1), "abacab"},
		{"one principal's many", crowd(many+"aa", 1), many},
		{"a latecomer", crowd(many+"ab", 1), many[1:] + "b"},
		{"two crowds", crowd(many+strings.ReplaceAll(many, "a", "b"), 1), many[:MaxCharges/2] + strings.Repeat("b", MaxCharges/2)},
		{"few of many accounts", crowd("abcde", MaxAccounts/2), "ab"},
		{"one of more than fit", crowd("ab", 2*MaxAccounts), "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := Queue[*charge]{waiting: slices.Clone(tt.all), serving: true}
			batch, more := q.Take()
			got, last := "", -1
			for _, w := range batch {
				got += w.principal
				i := slices.Index(tt.all, w)
				if i <= last {
					t.Errorf("number %d was taken after number %d", i, last)
				}
				last = i
			}
			if got != tt.want {
				t.Errorf("took %s\nwant %s", got, tt.want)
			}
			if rest := len(tt.all) - len(batch); len(q.waiting) != rest || more != (rest > 0) || q.serving != more {
				t.Errorf("%d of %d are left, more: %v, served: %v", len(q.waiting), rest, more, q.serving)
			}
		})
	}
}

// TestLargeChargesDoNotHoldUpOthers: whoever sends many charges that each fill a
// transaction keeps another principal waiting for one of them, not for all.
func TestLargeChargesDoNotHoldUpOthers(t *testing.T) {
	q := &Queue[*charge]{}
	for range 50 {
		q.Join(&charge{"greedy", MaxAccounts})
	}
	q.Join(&charge{"modest", 1})
	for turn := 1; turn <= 2; turn++ {
		batch, _ := q.Take()
		if slices.ContainsFunc(batch, func(w *charge) bool { return w.principal == "modest" }) {
			return
		}
	}
	t.Error("the small charge is in neither of the first two transactions")
}

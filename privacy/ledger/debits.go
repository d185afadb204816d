package ledger

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger/filter"
	"github.com/noised/noised/privacy/ledger/leaves"
)

// What a charge debited from its accounts is stored as one row that names them
// all, by id, between commas: ',3,17,'. A row for each would make a charge of a
// hundred tenants write to a hundred places of the file.

// accountList names accounts whose own time is the same.
type accountList struct {
	seen int64
	ids  string
}

// idLists returns the accounts by their own time, which is the same for all
// unless the clock was set back. All of them are stored.
func (t *touched) idLists() []accountList {
	if t.lists != nil {
		return t.lists
	}
	ids := map[int64][]byte{}
	for _, a := range t.accounts {
		list := ids[a.Seen]
		if list == nil {
			list = append(make([]byte, 0, 8*len(t.accounts)), ',')
		}
		ids[a.Seen] = append(strconv.AppendInt(list, a.id, 10), ',')
	}
	for _, seen := range slices.Sorted(maps.Keys(ids)) {
		t.lists = append(t.lists, accountList{seen, string(ids[seen])})
	}
	return t.lists
}

// leaf returns the body of the leaf of a charge, or of a join, that debits the
// accounts. They are the same for many charges.
func (t *touched) leaf(id string, cost privacy.Cost, c leaves.Commitment) (json.RawMessage, error) {
	if t.shares == nil {
		var err error
		if t.shares, err = leaves.SharesOf(accountsOf(t.accounts)); err != nil {
			return nil, err
		}
	}
	return c.Leaf(id, cost, t.shares), nil
}

// listed returns what instr finds in a list that names an account.
func listed(id int64) string { return "," + strconv.FormatInt(id, 10) + "," }

// spending says what accounts were debited since instants of their own time.
type spending struct {
	since map[int64]int64 // by account id
	spent map[int64]privacy.Cost
}

// spentInWindow sums what accounts were debited in the window of a kind that
// holds their own time, by reading the debits since the earliest of them once.
func spentInWindow(ctx context.Context, q reader, w privacy.Window, accounts []*row) (*spending, error) {
	s := &spending{map[int64]int64{}, map[int64]privacy.Cost{}}
	if w == privacy.WindowNone || len(accounts) == 0 {
		return s, nil
	}
	earliest := int64(math.MaxInt64)
	for _, a := range accounts {
		start := filter.WindowStart(w, a.Seen)
		s.since[a.id], earliest = start, min(earliest, start)
	}
	rows, err := q.QueryContext(ctx, `SELECT seen, mu2, delta_units, accounts FROM charge_debits WHERE seen >= ?`, earliest)
	if err != nil {
		return nil, privacy.Internal(err, "summing charges")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var seen int64
		var cost privacy.Cost
		var list string
		if err := rows.Scan(&seen, &cost.Mu2, &cost.Delta, &list); err != nil {
			return nil, privacy.Internal(err, "summing charges")
		}
		if err := s.add(seen, cost, list); err != nil {
			return nil, privacy.Internal(err, "summing charges")
		}
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "summing charges")
	}
	return s, nil
}

// add counts one row of debits.
func (s *spending) add(seen int64, cost privacy.Cost, list string) error {
	for text := range strings.SplitSeq(strings.Trim(list, ","), ",") {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return err
		}
		if since, ok := s.since[id]; ok && seen >= since {
			s.spent[id] = s.spent[id].Add(cost)
		}
	}
	return nil
}

// of returns what an account was debited at or after an instant of its own time.
func (s *spending) of(a *row, since int64) privacy.Cost {
	if since == math.MinInt64 {
		return a.Total
	}
	return s.spent[a.id]
}

package ledger

import (
	"context"
	"database/sql"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger/filter"
)

// reader is what reading accounts takes: a *sql.Tx, or the control store.
type reader interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// row is an account as it is stored.
type row struct {
	filter.Balance
	id      int64 // 0 for an account that is about to be opened
	account privacy.Account
	name    string       // of the account
	cap     privacy.Loss // as set; Balance.Limit decides
	ceiling privacy.Loss // as set; Balance.Lifetime decides
	debited bool         // differs from what is stored
}

// openRow returns a new account, not stored yet.
func openRow(a privacy.Account, limit, ceiling privacy.Loss, w privacy.Window, now int64) *row {
	return &row{
		account: a, name: a.String(), cap: limit, ceiling: ceiling,
		Balance: filter.Balance{Window: w, Limit: privacy.CapOf(limit), Lifetime: privacy.CapOf(ceiling), Seen: now},
	}
}

// state reports the account as it is at an instant.
func (r *row) state(now int64) State {
	b := r.At(now)
	s := State{
		Account: r.account, Cap: r.cap, Window: b.Window, Lifetime: r.ceiling,
		Spent: b.Spent, SpentLifetime: b.Total, Remaining: b.Remaining(),
		RemainingLifetime: b.RemainingLifetime(),
	}
	if at, ok := b.Reopens(privacy.Cost{Mu2: 1}); ok {
		s.ReopensAt = time.UnixMicro(at).UTC()
	}
	return s
}

const accountColumns = `id, name, window, cap_epsilon, cap_delta, cap_mu2, cap_delta_units,
	life_epsilon, life_delta, life_mu2, life_delta_units, spent_mu2, spent_delta_units, total_mu2, total_delta_units, seen`

// loadAccounts returns those of the accounts that exist.
func loadAccounts(ctx context.Context, q reader, accounts []privacy.Account) (map[privacy.Account]*row, error) {
	found := make(map[privacy.Account]*row, len(accounts))
	for some := range slices.Chunk(accounts, maxParameters) {
		args := make([]any, parameters(len(some))) // NULL is no account's name
		for i, a := range some {
			args[i] = a.String()
		}
		rows, err := selectAccounts(ctx, q, `name IN (`+placeholders(len(args))+`)`, args...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			found[r.account] = r
		}
	}
	return found, nil
}

// maxParameters is how many parameters one statement gets; SQLite takes 32,766.
const maxParameters = 1024

// parameters returns with how many parameters a list of n is passed: the next
// power of two, so that few statements serve all lengths and stay compiled.
func parameters(n int) int { return 1 << bits.Len(uint(n-1)) }

// loadAccount returns one account, or nil when it was never opened.
func loadAccount(ctx context.Context, q reader, a privacy.Account) (*row, error) {
	found, err := loadAccounts(ctx, q, []privacy.Account{a})
	return found[a], err
}

func selectAccounts(ctx context.Context, q reader, where string, args ...any) ([]*row, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+accountColumns+` FROM accounts WHERE `+where, args...)
	if err != nil {
		return nil, privacy.Internal(err, "reading accounts")
	}
	defer func() { _ = rows.Close() }()
	var out []*row
	for rows.Next() {
		var r row
		err := rows.Scan(&r.id, &r.name, &r.Window, &r.cap.Epsilon, &r.cap.Delta, &r.Limit.Mu2, &r.Limit.Delta,
			&r.ceiling.Epsilon, &r.ceiling.Delta, &r.Lifetime.Mu2, &r.Lifetime.Delta,
			&r.Spent.Mu2, &r.Spent.Delta, &r.Total.Mu2, &r.Total.Delta, &r.Seen)
		if err != nil {
			return nil, privacy.Internal(err, "reading accounts")
		}
		if r.account, err = privacy.ParseAccount(r.name); err != nil {
			return nil, privacy.Internal(err, "reading accounts")
		}
		out = append(out, &r)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "reading accounts")
	}
	return out, nil
}

// insertAccount stores an account that was just opened and sets its id.
func insertAccount(ctx context.Context, tx *sql.Tx, r *row) error {
	res, err := tx.ExecContext(ctx, `INSERT INTO accounts (name, window, cap_epsilon, cap_delta, cap_mu2, cap_delta_units,
			life_epsilon, life_delta, life_mu2, life_delta_units, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.name, string(r.Window), r.cap.Epsilon, r.cap.Delta, r.Limit.Mu2, r.Limit.Delta,
		r.ceiling.Epsilon, r.ceiling.Delta, r.Lifetime.Mu2, r.Lifetime.Delta, r.Seen)
	if err == nil {
		r.id, err = res.LastInsertId()
	}
	if err != nil {
		return privacy.Internal(err, "opening an account")
	}
	return nil
}

// updateBudget stores a moved cap or window.
func updateBudget(ctx context.Context, tx *sql.Tx, r *row) error {
	_, err := tx.ExecContext(ctx, `UPDATE accounts SET window = ?, cap_epsilon = ?, cap_delta = ?, cap_mu2 = ?, cap_delta_units = ?,
			spent_mu2 = ?, spent_delta_units = ?, seen = ? WHERE id = ?`,
		string(r.Window), r.cap.Epsilon, r.cap.Delta, r.Limit.Mu2, r.Limit.Delta,
		r.Spent.Mu2, r.Spent.Delta, r.Seen, r.id)
	if err != nil {
		return privacy.Internal(err, "changing a budget")
	}
	return nil
}

func placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// How old refusals are removed: so many in a transaction, so that charges need not
// wait, and so often.
const (
	pruneBatch = 1000
	pruneEvery = time.Hour
)

// write stores a batch in one transaction.
func (a *Recorder) write(ctx context.Context, batch []Refusal) error {
	return a.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		const doing = "recording refusals"
		var last int64
		if err := tx.QueryRowContext(ctx, `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'refusals'), 0)`).Scan(&last); err != nil {
			return privacy.Internal(err, doing)
		}
		rows := controldb.InsertInto("refusals (seq, id, at, principal, tenant, operation, code, params, address, request, missing)", 11)
		concerned := controldb.InsertInto("refusal_tenants (tenant, refusal)", 2)
		for i, r := range batch {
			params, err := a.sealParams(ctx, tx, r)
			if err != nil {
				return err
			}
			seq := last + int64(i) + 1
			rows.Add(seq, r.ID, r.At.UnixMicro(), r.Principal, r.Tenant, r.Operation, string(r.Code), params, r.Address, r.Request, r.Missing)
			for _, tenant := range r.Concerned {
				concerned.Add(tenant, seq)
			}
		}
		if err := rows.Write(ctx, tx); err != nil {
			return privacy.Internal(err, doing)
		}
		if err := concerned.Write(ctx, tx); err != nil {
			return privacy.Internal(err, doing)
		}
		return nil
	})
}

// removeOld removes refusals that are older than they are kept.
func (a *Recorder) removeOld(ctx context.Context) {
	before := a.o.Now().Add(-a.o.Keep).UnixMicro()
	for ctx.Err() == nil {
		n, err := a.removeSome(ctx, before)
		if err != nil && ctx.Err() == nil {
			a.o.Log.Warn("old refusals cannot be removed; trying again later", "cause", err.Error())
		}
		if err != nil || n < pruneBatch {
			return
		}
	}
}

func (a *Recorder) removeSome(ctx context.Context, before int64) (n int64, err error) {
	// Looking first keeps the store's write lock free, which charges wait for.
	var due bool
	err = a.o.DB.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM refusals WHERE at < ?)`, before).Scan(&due)
	if err != nil || !due {
		return 0, err
	}
	err = a.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM refusals WHERE seq IN (SELECT seq FROM refusals WHERE at < ? ORDER BY at LIMIT ?)`, before, pruneBatch)
		if err != nil {
			return privacy.Internal(err, "removing old refusals")
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

// Search selects refusals. Empty fields select all.
type Search struct {
	Tenant    string    // that it concerns
	Since     time.Time // when the tenant was created: what concerned another one of its name is not its
	Principal string
	Operation string
	Code      privacy.Code
	From, To  time.Time // From is included, To is not
	Cursor    string    // of the page before
	Limit     int
}

// Search returns refusals, newest first, with those that were recorded before the
// call. A gap is part of every list that it may belong to. next is the cursor of
// the following page, empty on the last.
func (a *Recorder) Search(ctx context.Context, s Search) (items []Refusal, next string, err error) {
	if err := a.Flush(ctx); err != nil {
		return nil, "", err
	}
	where, args, err := a.conditions(ctx, s)
	if err != nil {
		return nil, "", err
	}
	rows, err := a.o.DB.QueryContext(ctx, `SELECT r.id, r.at, r.principal, r.tenant, r.operation, r.code, r.params, r.address, r.request, r.missing,
		(SELECT json_group_array(t.tenant ORDER BY t.tenant) FROM refusal_tenants t WHERE t.refusal = r.seq)
		FROM refusals r WHERE `+where+` ORDER BY r.seq DESC LIMIT ?`, append(args, s.Limit+1)...)
	if err != nil {
		return nil, "", privacy.Internal(err, "reading refusals")
	}
	defer rows.Close()
	var params []string
	for rows.Next() {
		r, text, err := scan(rows)
		if err != nil {
			return nil, "", privacy.Internal(err, "reading refusals")
		}
		if len(items) == s.Limit {
			next = items[s.Limit-1].ID
			break
		}
		items, params = append(items, r), append(params, text)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, "", privacy.Internal(err, "reading refusals")
	}
	for i := range items {
		if err := a.openParams(ctx, &items[i], params[i]); err != nil {
			return nil, "", err
		}
	}
	return items, next, nil
}

// scan reads a refusal, and its parameters as they are stored.
func scan(rows *sql.Rows) (r Refusal, params string, err error) {
	var at int64
	var concerned string
	if err = rows.Scan(&r.ID, &at, &r.Principal, &r.Tenant, &r.Operation, &r.Code, &params, &r.Address, &r.Request, &r.Missing, &concerned); err != nil {
		return r, "", err
	}
	r.At = time.UnixMicro(at).UTC()
	err = json.Unmarshal([]byte(concerned), &r.Concerned)
	if r.Code == CodeGap {
		r.Concerned = nil
	}
	return r, params, err
}

// conditions are constant text; what callers send is an argument.
func (a *Recorder) conditions(ctx context.Context, s Search) (where string, args []any, err error) {
	all := []string{"TRUE"}
	add := func(condition string, values ...any) {
		all, args = append(all, condition), append(args, values...)
	}
	if s.Tenant != "" {
		add(`r.seq IN (SELECT refusal FROM refusal_tenants WHERE tenant IN (?, ?))`, s.Tenant, everybody)
	}
	if !s.Since.IsZero() {
		add(`r.at >= ?`, s.Since.UnixMicro())
	}
	for _, f := range []struct{ column, value string }{{"principal", s.Principal}, {"operation", s.Operation}, {"code", string(s.Code)}} {
		if f.value != "" {
			add(`(r.`+f.column+` = ? OR r.code = ?)`, f.value, string(CodeGap))
		}
	}
	if !s.From.IsZero() {
		add(`r.at >= ?`, s.From.UnixMicro())
	}
	if !s.To.IsZero() {
		add(`r.at < ?`, s.To.UnixMicro())
	}
	if s.Cursor != "" {
		at, err := a.position(ctx, s)
		if err != nil {
			return "", nil, err
		}
		add(`r.seq < ?`, at)
	}
	return strings.Join(all, " AND "), args, nil
}

// position returns where in the order of all refusals a page begins. A cursor
// that the caller cannot have got is as unknown as one that nobody got.
func (a *Recorder) position(ctx context.Context, s Search) (seq int64, err error) {
	err = a.o.DB.QueryRowContext(ctx, `SELECT r.seq FROM refusals r WHERE r.id = ? AND (? = '' OR EXISTS (
		SELECT 1 FROM refusal_tenants t WHERE t.refusal = r.seq AND t.tenant IN (?, ?)))`, s.Cursor, s.Tenant, s.Tenant, everybody).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, privacy.Errorf(privacy.CodeInvalidRequest, "the cursor is not one that this list returned")
	}
	if err != nil {
		return 0, privacy.Internal(err, "reading refusals")
	}
	return seq, nil
}

package record

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/translog"
	"github.com/noised/noised/privacy/translog/receipt"
)

// Entry is a leaf of the log as somebody sees it.
type Entry struct {
	Index  int64
	Kind   string
	At     time.Time
	Hash   tlog.Hash
	Leaf   string // as it was hashed; empty where it is from before leaves had parts, and names others
	Opened []receipt.Opened
}

// scanned is how many leaves one call looks at. A tenant whose entries lie far apart
// gets short pages.
const scanned = 5000

// List returns the entries of the log that concern a principal's tenant, the newest
// first; all of them to operators and auditors of no tenant. The cursor is empty for
// the first page, then what the page before returned as next. A page may be short or
// empty though others follow.
func (s *Service) List(ctx context.Context, p privacy.Principal, cursor string, limit int) (items []Entry, next string, err error) {
	before := int64(1<<63 - 1)
	if cursor != "" {
		if before, err = strconv.ParseInt(cursor, 10, 64); err != nil || before < 0 {
			return nil, "", privacy.Errorf(privacy.CodeInvalidRequest, "the cursor is not one that this server gave")
		}
	}
	if p.Tenant == "" && !everybodys(p) {
		return nil, "", nil
	}
	err = s.db.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
		items, next = nil, ""
		found, last, err := s.concerning(ctx, tx, p, before, limit)
		if err != nil {
			return err
		}
		for i := range found {
			e, shown, err := show(ctx, tx, p, &found[i])
			if err != nil {
				return err
			}
			if shown {
				items = append(items, e)
			}
		}
		if last > 0 {
			next = strconv.FormatInt(last, 10)
		}
		return nil
	})
	return items, next, err
}

// candidate is a leaf that concerns somebody, as it is stored.
type candidate struct {
	index int64
	data  []byte
	leaf  body
}

// body is what decides whom a leaf concerns.
type body struct {
	Kind string    `json:"kind"`
	At   time.Time `json:"at"`
	Body struct {
		Tenant   string   `json:"tenant"`
		Owner    string   `json:"owner"`
		Kind     string   `json:"kind"`
		Name     string   `json:"name"`
		Account  string   `json:"account"`
		Parent   string   `json:"periods_of"`
		Accounts []string `json:"accounts"`
		Purpose  string   `json:"purpose"`
	} `json:"body"`
	Salt string `json:"salt"` // empty in leaves from before
}

// concerning reads leaves from one on downwards, and returns those that concern the
// principal and the index of the last that it looked at; 0 if that was the first of
// the log.
func (s *Service) concerning(ctx context.Context, tx *sql.Tx, p privacy.Principal, before int64, limit int) (found []candidate, last int64, err error) {
	var since int64
	if p.Tenant != "" {
		err := tx.QueryRowContext(ctx, `SELECT created_at FROM tenants WHERE name = ?`, p.Tenant).Scan(&since)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, 0, nil
		}
		if err != nil {
			return nil, 0, privacy.Internal(err, "reading the log")
		}
	}
	rows, err := tx.QueryContext(ctx, `SELECT l.idx, l.leaf, coalesce(c.tenants, j.tenants, r.tenants, '') FROM log_leaves l
		LEFT JOIN charges c ON c.leaf = l.idx
		LEFT JOIN charge_joins x ON x.leaf = l.idx LEFT JOIN charges j ON j.seq = x.charge
		LEFT JOIN release_leaves e ON e.leaf = l.idx LEFT JOIN releases s ON s.id = e.release LEFT JOIN charges r ON r.id = s.charge
		WHERE l.idx < ? ORDER BY l.idx DESC LIMIT ?`, before, scanned)
	if err != nil {
		return nil, 0, privacy.Internal(err, "reading the log")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var c candidate
		var tenants string
		if err := rows.Scan(&c.index, &c.data, &tenants); err != nil {
			return nil, 0, privacy.Internal(err, "reading the log")
		}
		last = c.index
		if err := json.Unmarshal(c.data, &c.leaf); err != nil {
			return nil, 0, privacy.Internal(err, "reading the log")
		}
		if everybodys(p) || c.leaf.At.UnixMicro() >= since && c.leaf.concerns(p.Tenant, tenants) {
			if found = append(found, c); len(found) == limit {
				break
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, 0, privacy.Internal(err, "reading the log")
	}
	return found, last, nil
}

// concerns reports whether a leaf is about a tenant: about the tenant itself, its
// principals, data, budgets and memberships, or about a charge that read its rows.
func (b *body) concerns(tenant, charged string) bool {
	var tenants []string
	if charged != "" && json.Unmarshal([]byte(charged), &tenants) == nil {
		return slices.Contains(tenants, tenant)
	}
	of := func(name string) bool {
		a, err := privacy.ParseAccount(name)
		owner, ok := a.Tenant()
		return err == nil && ok && owner == tenant
	}
	about := b.Body
	return about.Tenant == tenant || about.Owner == tenant || b.Kind == translog.KindSuspension && about.Kind == "tenant" && about.Name == tenant ||
		of(about.Account) || of(about.Parent) || slices.ContainsFunc(about.Accounts, of)
}

// show returns a leaf as a principal sees it; false for a join that was not paid by
// the principal's tenant.
func show(ctx context.Context, tx *sql.Tx, p privacy.Principal, c *candidate) (Entry, bool, error) {
	e := Entry{Index: c.index, Kind: c.leaf.Kind, At: c.leaf.At, Hash: tlog.RecordHash(c.data), Leaf: string(c.data)}
	spends := e.Kind == translog.KindCharge || e.Kind == translog.KindJoin
	if !spends {
		if e.Kind == translog.KindRelease && c.leaf.Salt == "" && c.leaf.Body.Purpose != "" && !everybodys(p) {
			e.Leaf = "" // what it was for is of whoever asked
		}
		return e, true, nil
	}
	o, _, err := ledger.Openings(ctx, tx, c.index)
	if err != nil {
		return e, false, err
	}
	e.Opened = shownOfCharge(p, false, o)
	if everybodys(p) {
		return e, true, nil
	}
	for _, name := range c.leaf.Body.Accounts { // a leaf from before: shown if it names nobody else
		if a, err := privacy.ParseAccount(name); err != nil || a.Owner != p.Tenant {
			e.Leaf = ""
		}
	}
	return e, e.Kind == translog.KindCharge || len(e.Opened) > 0 || len(c.leaf.Body.Accounts) > 0, nil
}

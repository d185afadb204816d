package record

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/translog"
	"github.com/noised/noised/privacy/translog/receipt"
)

// Receipt returns the proof that a release and its charge are on the log, with what
// is opened of them to a principal. Who may have one: analysts who were served the
// release, people of tenants that it was charged to, and operators and auditors of
// none. To all others it is the same CodeNotFound error as for no release at all.
func (s *Service) Receipt(ctx context.Context, p privacy.Principal, id string) (*receipt.Receipt, error) {
	if s.key == nil {
		return nil, unsigned()
	}
	logged, err := s.releases.Logged(ctx, id)
	if err != nil {
		return nil, err
	}
	r := &receipt.Receipt{Format: receipt.Format, Release: id, Charge: logged.Charge}
	err = s.db.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
		leaf, opening, err := s.chargeFor(ctx, tx, p, id, logged.Charge)
		if err != nil {
			return err
		}
		state, signed, err := s.key.Checkpoint(ctx, tx)
		if err != nil {
			return err
		}
		r.Checkpoint = string(signed)
		paid := p.Role == privacy.RoleAnalyst && p.ID == opening.Principal
		whole := paid || everybodys(p)
		if err := entry(ctx, tx, r, state.Size, leaf, shownOfCharge(p, paid, opening), !whole && opening.Before); err != nil {
			return err
		}
		if err := entry(ctx, tx, r, state.Size, logged.Leaf, shownOfRelease(p, whole, logged), !whole && logged.Nonce == nil); err != nil {
			return err
		}
		if r.Entries[0].Leaf == "" && r.Entries[1].Leaf == "" {
			return privacy.Errorf(privacy.CodeNotFound, "this release is from before leaves could be shown in parts, and those of its charge name others")
		}
		return nil
	})
	return r, err
}

// everybodys reports whether a principal may see what the log says of everybody.
func everybodys(p privacy.Principal) bool {
	return p.Tenant == "" && (p.Role == privacy.RoleOperator || p.Role == privacy.RoleAuditor)
}

func noRelease() error { return privacy.Errorf(privacy.CodeNotFound, "there is no such release") }

// chargeFor returns the leaf of a release's charge, and what opens it, if the
// principal may have the receipt.
func (s *Service) chargeFor(ctx context.Context, tx *sql.Tx, p privacy.Principal, id, charge string) (leaf int64, o ledger.Opening, err error) {
	var at, since int64
	var served bool
	err = tx.QueryRowContext(ctx, `SELECT c.leaf, c.at, EXISTS (SELECT 1 FROM release_readers a WHERE a.release = ? AND a.principal = ?),
		coalesce((SELECT created_at FROM tenants WHERE name = ?), 0) FROM charges c WHERE c.id = ?`, id, p.ID, p.Tenant, charge).Scan(&leaf, &at, &served, &since)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, o, noRelease()
	}
	if err != nil {
		return 0, o, privacy.Internal(err, "read charge")
	}
	o, _, err = ledger.Openings(ctx, tx, leaf)
	if err != nil {
		return 0, o, err
	}
	may := everybodys(p)
	switch {
	case p.Role == privacy.RoleAnalyst:
		may = served
	case p.Tenant != "": // one that got the name of another sees nothing of that one's
		may = slices.Contains(o.Tenants, p.Tenant) && at >= since
	}
	if !may {
		return 0, o, noRelease()
	}
	return leaf, o, nil
}

// shownOfCharge opens what is a principal's own of a charge: all of it to whoever
// made it, and to those who see everybody's; its own accounts to a tenant. Another
// reader of the release is shown nothing of who paid.
func shownOfCharge(p privacy.Principal, paid bool, o ledger.Opening) []receipt.Opened {
	var out []receipt.Opened
	for _, part := range o.Parts {
		own := p.Role != privacy.RoleAnalyst && part.Tenant != "" && part.Tenant == p.Tenant
		if paid || own || everybodys(p) {
			shown := receipt.Open(part.Part, part.Text, part.Nonce)
			shown.Place, shown.Path = part.Place, part.Path
			out = append(out, shown)
		}
	}
	return out
}

// shownOfRelease opens what was released to its readers, and what for to whoever
// paid and to those who see everybody's.
func shownOfRelease(p privacy.Principal, whole bool, l release.Logged) []receipt.Opened {
	if l.Nonce == nil {
		return nil
	}
	var out []receipt.Opened
	nonces := translog.Nonce(l.Nonce).Parts()
	open := func(part string) { out = append(out, receipt.Open(part, l.Texts[part], nonces(part))) }
	if p.Role == privacy.RoleAnalyst {
		open(release.PartResult)
	}
	if whole {
		open(release.PartPurpose)
	}
	return out
}

// entry adds a leaf and its proof to a receipt. One from before leaves had parts
// that names a principal, or tells what for, is withheld, and its hash stands for it.
func entry(ctx context.Context, tx *sql.Tx, r *receipt.Receipt, size, leaf int64, opened []receipt.Opened, mayName bool) error {
	data, err := translog.Entry(ctx, tx, leaf)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveRecord(size, leaf, translog.Hashes(ctx, tx))
	if err != nil {
		return privacy.Internal(err, "proving the log")
	}
	e := receipt.Entry{Index: leaf, Leaf: string(data), Proof: proof, Opened: opened}
	if mayName && (bytes.Contains(data, []byte(`"accounts":`)) || bytes.Contains(data, []byte(`"purpose":`))) {
		hash := tlog.RecordHash(data)
		e.Leaf, e.LeafHash, e.Opened = "", &hash, nil
	}
	r.Entries = append(r.Entries, e)
	return nil
}

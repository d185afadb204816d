package containment

import (
	"context"
	"database/sql"
	"errors"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// How many principals operators, and one tenant, may have suspended. Whenever one is
// suspended, every call and every transaction that releases reads all of them again
// (2 ms for a thousand): no tenant may make that slow for the others.
const (
	maxOfOperators = 10_000
	maxOfTenant    = 500
)

// Suspend suspends something, in force when it returns. What the same owner has
// suspended already stays so, with the new reason. A key's id stands for its
// principal.
//
// Errors: CodeForbidden for what is not the caller's to suspend; CodeNotFound (or
// CodeUnknownDataset) for what does not exist, or is a principal with keys of
// another tenant; CodeConflict for oneself.
func (s *Service) Suspend(ctx context.Context, kind, name, reason string, by privacy.Principal) (Suspension, error) {
	v := Suspension{Kind: kind, Name: name, Reason: reason, By: by.ID, Since: s.now().UTC().Truncate(time.Microsecond)}
	if err := checkReason(reason); err != nil {
		return v, err
	}
	err := s.act(ctx, &v, by, func(ctx context.Context, tx *sql.Tx) error { return placeIn(ctx, tx, &v) })
	return v, err
}

// Lift ends a suspension of the caller's own, of operators or of its tenant. It is
// CodeNotFound where there is none.
func (s *Service) Lift(ctx context.Context, kind, name string, by privacy.Principal) error {
	v := Suspension{Kind: kind, Name: name, By: by.ID, Since: s.now()}
	return s.act(ctx, &v, by, func(ctx context.Context, tx *sql.Tx) error {
		lifted, err := liftIn(ctx, tx, v)
		if err == nil && !lifted {
			err = privacy.Errorf(privacy.CodeNotFound, "there is no such suspension of yours")
		}
		return err
	})
}

// act checks whose act it is and does it, and looks at once at what it changed.
func (s *Service) act(ctx context.Context, v *Suspension, by privacy.Principal, do func(context.Context, *sql.Tx) error) error {
	if err := checkName(v.Kind, v.Name); err != nil {
		return err
	}
	var err error
	if v.Owner, err = owner(v.Kind, v.Name, by); err != nil {
		return err
	}
	err = s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if v.Kind == KindPrincipal {
			if err := resolve(ctx, tx, v); err != nil {
				return err
			}
			if v.Name == by.ID {
				return privacy.Errorf(privacy.CodeConflict, "a principal cannot suspend itself")
			}
		}
		return do(ctx, tx)
	})
	if err != nil {
		return err
	}
	s.Look(ctx)
	return nil
}

// resolve puts the principal in place of a key's id. Of a tenant's admin it must
// be the tenant's, where it has keys: one of another tenant's does not exist. The
// principals of tokens and certificates are not in the store; to suspend one for
// a tenant has an effect where it acts for that tenant only.
func resolve(ctx context.Context, tx *sql.Tx, v *Suspension) error {
	var principal string
	err := tx.QueryRowContext(ctx, `SELECT principal FROM api_keys WHERE id = ? AND (? = '' OR tenant = ?)`, v.Name, v.Owner, v.Owner).Scan(&principal)
	switch {
	case errors.Is(err, sql.ErrNoRows) && v.Owner != "" && isKey(v.Name):
		return privacy.Errorf(privacy.CodeNotFound, "the tenant has no such principal")
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return privacy.Internal(err, "reading a key")
	}
	v.Name = principal
	return nil
}

func isKey(id string) bool { return len(id) > 4 && id[:4] == "key_" }

func checkReason(reason string) error {
	if reason == "" || len(reason) > reasonLimit || !utf8.ValidString(reason) {
		return privacy.Errorf(privacy.CodeInvalidRequest, "a reason has 1 to %d bytes of UTF-8", reasonLimit)
	}
	for _, c := range reason {
		if unicode.IsControl(c) {
			return privacy.Errorf(privacy.CodeInvalidRequest, "a reason holds no control characters")
		}
	}
	return nil
}

// SetTenant places or lifts the operators' suspension of a tenant, in the caller's
// transaction. Where that changes nothing it does nothing.
func SetTenant(ctx context.Context, tx *sql.Tx, tenant string, suspend bool, by privacy.Principal, at time.Time) error {
	v := Suspension{Kind: KindTenant, Name: tenant, Reason: "suspended as a tenant", By: by.ID, Since: at}
	if !suspend {
		_, err := liftIn(ctx, tx, v)
		return err
	}
	there, err := selectIn(ctx, tx, `WHERE kind = ? AND name = ? AND owner = ''`, KindTenant, tenant)
	if err != nil || len(there) > 0 {
		return err
	}
	return placeIn(ctx, tx, &v)
}

// SuspendPrincipal has the detector suspend a principal, in the transaction that
// records why.
func SuspendPrincipal(ctx context.Context, tx *sql.Tx, principal, reason string, at time.Time) error {
	v := Suspension{Kind: KindPrincipal, Name: principal, Reason: reason, By: Detector, Since: at}
	there, err := selectIn(ctx, tx, `WHERE kind = ? AND name = ? AND owner = ''`, KindPrincipal, principal)
	if err != nil || len(there) > 0 {
		return err
	}
	return placeIn(ctx, tx, &v)
}

// placeIn makes a suspension part of the store and of the log. One that is there
// keeps its age, and gets the new reason.
func placeIn(ctx context.Context, tx *sql.Tx, v *Suspension) error {
	if err := exists(ctx, tx, *v); err != nil {
		return err
	}
	there, err := selectIn(ctx, tx, `WHERE kind = ? AND name = ? AND owner = ?`, v.Kind, v.Name, v.Owner)
	if err != nil {
		return err
	}
	if len(there) > 0 && there[0].By != Detector {
		there[0].Reason = v.Reason
		*v = there[0]
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO suspensions (kind, name, owner, reason, placed_by, since) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (kind, name, owner) DO UPDATE SET reason = excluded.reason, placed_by = excluded.placed_by, since = excluded.since`,
		v.Kind, v.Name, v.Owner, v.Reason, v.By, v.Since.UnixMicro()); err != nil {
		return privacy.Internal(err, "suspending")
	}
	if len(there) > 0 && there[0].By == v.By {
		return nil
	}
	return log(ctx, tx, "suspend", *v)
}

// exists refuses what there is nothing of, and more than anybody needs.
func exists(ctx context.Context, tx *sql.Tx, v Suspension) error {
	var found bool
	var owned int
	most := maxOfOperators
	if v.Owner != "" {
		most = maxOfTenant
	}
	err := tx.QueryRowContext(ctx, `SELECT CASE ? WHEN 'tenant' THEN EXISTS (SELECT 1 FROM tenants WHERE name = ?)
		WHEN 'dataset' THEN EXISTS (SELECT 1 FROM dataset_versions WHERE dataset = ? AND dataset NOT IN (SELECT dataset FROM deleted_datasets)) ELSE 1 END,
		(SELECT count(*) FROM suspensions WHERE owner = ?)`, v.Kind, v.Name, v.Name, v.Owner).Scan(&found, &owned)
	switch {
	case err != nil:
		return privacy.Internal(err, "suspending")
	case !found && v.Kind == KindDataset:
		return privacy.Errorf(privacy.CodeUnknownDataset, "there is no dataset %q", v.Name)
	case !found:
		return privacy.Errorf(privacy.CodeNotFound, "there is no tenant %q", v.Name)
	case owned >= most && v.Kind == KindPrincipal:
		return privacy.Errorf(privacy.CodeConflict, "%d suspensions are in force: lift some, or revoke principals", owned)
	}
	return nil
}

func liftIn(ctx context.Context, tx *sql.Tx, v Suspension) (bool, error) {
	res, err := tx.ExecContext(ctx, `DELETE FROM suspensions WHERE kind = ? AND name = ? AND owner = ?`, v.Kind, v.Name, v.Owner)
	if err != nil {
		return false, privacy.Internal(err, "lifting a suspension")
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, privacy.Internal(err, "lifting a suspension")
	}
	if n == 0 {
		return false, nil
	}
	return true, log(ctx, tx, "lift", v)
}

// log appends the leaf of an act. Reasons are free text, and stay out of it.
func log(ctx context.Context, tx *sql.Tx, act string, v Suspension) error {
	_, err := translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindSuspension, At: v.Since, Body: struct {
		Act   string `json:"act"`
		Kind  string `json:"kind"`
		Name  string `json:"name"`
		Owner string `json:"owner,omitempty"` // the tenant whose suspension it is
		By    string `json:"by"`
	}{act, v.Kind, v.Name, v.Owner, v.By}})
	return err
}

// List returns the suspensions that a principal may know of, the latest first: its
// tenant's own, those on its tenant and the tenant's principals, on datasets, and
// on everything; all of them to operators and to auditors of no tenant. The
// reasons of operators are theirs.
func (s *Service) List(ctx context.Context, p privacy.Principal) ([]Suspension, error) {
	if p.Tenant == "" {
		return selectIn(ctx, s.db, "")
	}
	all, err := selectIn(ctx, s.db, `WHERE owner = ? OR owner = '' AND (kind = 'dataset' OR kind = 'everything' OR kind = 'tenant' AND name = ?
		OR kind = 'principal' AND EXISTS (SELECT 1 FROM api_keys k WHERE k.id = suspensions.name AND k.tenant = ?))`, p.Tenant, p.Tenant, p.Tenant)
	for i := range all {
		if all[i].Owner == "" {
			all[i].Reason = ""
		}
	}
	return all, err
}

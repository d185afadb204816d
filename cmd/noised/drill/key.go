package main

import (
	"context"

	"github.com/noised/noised/api/wire"
)

// key rehearses the theft of an analyst's key: suspend, see what the thief did,
// replace, and refuse for good.
func (h *rehearsal) key(ctx context.Context) error {
	s, err := h.stage(ctx)
	if s != nil && s.Server != nil {
		defer func() { _ = s.Kill() }()
	}
	if err != nil {
		return err
	}
	operator, err := s.API(s.Operator)
	if err != nil {
		return err
	}
	made, err := operator.CreateKey(ctx, wire.KeyRequest{Role: wire.Analyst})
	if err != nil {
		return err
	}
	thief, err := s.API(made.Key)
	if err != nil {
		return err
	}
	took, err := s.ask(ctx, s.Server, made.Key)
	h.holds("the thief's question is answered while nobody knows", err)
	if err != nil {
		return err
	}
	_, err = thief.TenantBudget(ctx, "alpha")
	h.holds("the thief's call at a tenant's budget is refused", refusedAs("forbidden", err))

	_, err = operator.Suspend(ctx, "principal", made.ID, "drill: key stolen")
	h.holds("one call suspends the principal", err)
	_, err = s.ask(ctx, s.Server, made.Key)
	h.holds("the thief's next call is refused", refusedAs("suspended", err))
	_, err = thief.ReleaseInfo(ctx, took.Release)
	h.holds("so is reading an earlier answer again", refusedAs("suspended", err))

	if err := h.whatTheThiefSaw(ctx, s, made.Principal, took.Release); err != nil {
		return err
	}

	fresh, err := operator.RotateKey(ctx, made.ID, "0s")
	h.holds("the key is replaced without overlap", err)
	if err != nil {
		return err
	}
	h.holds("the suspension is lifted", operator.Lift(ctx, "principal", made.ID))
	_, err = s.ask(ctx, s.Server, made.Key)
	h.holds("the stolen key stays refused", refusedAs("unauthenticated", err))
	_, err = s.ask(ctx, s.Server, fresh.Key)
	h.holds("its holder goes on with the new one", err)
	h.holds("the new key belongs to the same principal, with its budgets", that(fresh.Principal == made.Principal, "it is %s", fresh.Principal))
	h.holds("the principal is revoked", operator.RevokePrincipal(ctx, made.Principal))
	_, err = s.ask(ctx, s.Server, fresh.Key)
	h.holds("the next call of any of its keys is refused", refusedAs("unauthenticated", err))
	return nil
}

// whatTheThiefSaw asks the record, as an officer would.
func (h *rehearsal) whatTheThiefSaw(ctx context.Context, s *scene, principal, release string) error {
	operator, err := s.API(s.Operator)
	if err != nil {
		return err
	}
	refused, err := operator.Refusals(ctx, wire.RefusalSearch{Principal: principal})
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, r := range refused.Items {
		seen[value(r.Operation)+" "+r.Code] = true
	}
	h.holds("what the thief was refused is on record", that(seen["getTenantBudget forbidden"] && seen["query suspended"], "%v", seen))
	officer, err := s.API(s.Budget["alpha"])
	if err != nil {
		return err
	}
	charges, err := officer.Charges(ctx, "alpha", "", 100)
	if err != nil {
		return err
	}
	found := false
	for _, c := range charges.Items {
		found = found || c.Principal == principal && value(c.Release) == release
	}
	h.holds("a tenant finds the thief's question among its charges", that(found, "%d charges, none of them", len(charges.Items)))
	lineage, err := operator.TenantReleaseLineage(ctx, release)
	if err != nil {
		return err
	}
	h.holds("lineage names what the answer was made of", that(lineage.Complete && len(lineage.Events) == 3, "%d events", len(lineage.Events)))
	h.exposed("one noised answer, %s, over %d loads, and what contracts say; nothing can take that back", release, len(lineage.Events)-1)
	return nil
}

func value[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

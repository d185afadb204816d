package proposals

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/analytics/consent"
	"github.com/noised/noised/analytics/consent/effect"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
)

// Waits is the answer to a change that is not made yet.
func Waits(p *consent.Proposal) skeleton.WaitsJSONResponse {
	return skeleton.WaitsJSONResponse{Body: proposalOf(*p), Headers: skeleton.WaitsResponseHeaders{Location: proposalPath(p)}}
}

func proposalPath(p *consent.Proposal) string { return "/v1/admin/proposals/" + p.ID }

// Waiting is the same answer where the body of the request is read by hand.
func Waiting(c *echo.Context, p *consent.Proposal) error {
	c.Response().Header().Set("Location", proposalPath(p))
	return c.JSON(http.StatusAccepted, proposalOf(*p))
}

func proposalOf(p consent.Proposal) wire.Proposal {
	w := wire.Proposal{
		ID: p.ID, Kind: wire.ProposalKind(p.Kind), Dataset: wire.Optional(p.Dataset), Tenant: wire.Optional(p.Tenant),
		By: p.By.ID, ByTenant: wire.Optional(p.By.Tenant), State: wire.ProposalState(p.State), CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt,
		Says: effect.Sentences(p.Effect), Effect: wire.List(p.Effect, effectOf),
		Required: wire.List(p.Required, func(n consent.Need) wire.ProposalNeed {
			return wire.ProposalNeed{Tenant: wire.Optional(n.Tenant), Role: wire.Role(n.Role), Count: n.Count, Missing: n.Missing}
		}),
		Approvals: wire.List(p.Signatures, func(g consent.Signature) wire.ProposalApproval {
			return wire.ProposalApproval{Principal: g.Principal, Tenant: g.Tenant, Role: wire.Role(g.Role), At: g.At, Counts: g.Counts}
		}),
		DecidedBy: wire.Optional(p.DecidedBy),
	}
	if !p.DecidedAt.IsZero() {
		w.DecidedAt = &p.DecidedAt
	}
	if p.Kind == consent.KindContract {
		w.Contract = wire.Optional(string(p.Document))
		return w
	}
	values := map[string]any{}
	if json.Unmarshal(p.Document, &values) == nil {
		w.Values = values
	}
	return w
}

func effectOf(c effect.Change) wire.EffectChange {
	w := wire.EffectChange{Field: c.Field, Before: c.Before, After: c.After, Widens: c.Widens, Says: c.Says}
	if len(c.Noise) > 0 {
		w.Noise = wire.List(c.Noise, func(n effect.Noise) wire.EffectNoise {
			return wire.EffectNoise{Of: n.Of, Before: n.Before, After: n.After}
		})
	}
	return w
}

package rest

import (
	"context"
	"strings"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/policy"
)

// Policies decides calls, beside the access table, and keeps the versions of what
// it decides by.
type Policies interface {
	Decide(ctx context.Context, r policy.Request) (policy.Decision, error)
	Might(ctx context.Context, p privacy.Principal, action string) (policy.Decision, error)
	Put(ctx context.Context, files policy.Files, by privacy.Principal) (policy.Version, *policy.Set, error)
	Version(ctx context.Context, number int64) (policy.Version, error)
	Versions(ctx context.Context) ([]policy.Version, error)
	InForce() int64
}

// Operations lists the calls that policies decide: every operation of the document
// that is not public.
func Operations() ([]policy.Operation, error) {
	doc, _, err := loadDocument(context.Background())
	if err != nil {
		return nil, err
	}
	ops, err := newOperations(doc)
	if err != nil {
		return nil, err
	}
	var out []policy.Operation
	for _, op := range ops {
		if !op.access.public {
			out = append(out, policy.Operation{ID: op.id, Roles: op.access.roles, Resource: op.resource(), Question: op.asks()})
		}
	}
	return out, nil
}

// PolicySchema returns what policies may speak of: the calls that Operations lists.
func PolicySchema() (*policy.Schema, error) {
	operations, err := Operations()
	if err != nil {
		return nil, err
	}
	return policy.NewSchema(operations)
}

// asks reports whether an operation asks a question, which is decided a second
// time when its plan is known.
func (o *operation) asks() bool {
	return o.id == "query" || o.id == "queryByURL" || o.id == "explain"
}

// resource returns the type of what an operation is about, by its path.
func (o *operation) resource() string {
	switch {
	case o.asks() || strings.Contains(o.route.Path, "{dataset}"):
		return policy.TypeDataset
	case strings.Contains(o.route.Path, "{tenant}"):
		return policy.TypeTenant
	}
	return policy.TypeSystem
}

// permit asks the policies, once the access table has admitted a call: no policy
// widens what that refuses. Of a question nothing is known yet; the query service
// asks again when its plan is there, and before anything is charged.
func (s *server) permit(c *echo.Context, cl *call) error {
	ctx := c.Request().Context()
	if cl.op.asks() {
		d, err := s.Policies.Might(ctx, cl.principal, cl.op.id)
		if err != nil {
			return err
		}
		return d.Err()
	}
	r := policy.Request{Principal: cl.principal, Action: cl.op.id, Resource: policy.Resource{Type: cl.op.resource()}}
	tenant := c.Param("tenant")
	if tenant != "" {
		r.Tenants = []string{tenant}
	}
	switch r.Resource.Type {
	case policy.TypeDataset:
		r.Resource.Name = c.Param("dataset")
	case policy.TypeTenant:
		t, err := s.Catalog.Tenant(ctx, tenant)
		if err != nil && privacy.CodeOf(err) != privacy.CodeNotFound {
			return err
		}
		r.Resource.Name, r.Resource.Region = tenant, t.Region // one that does not exist has no region
	}
	d, err := s.Policies.Decide(ctx, r)
	if err != nil {
		return err
	}
	return d.Err()
}

// PutPolicies puts a set of policies in force.
func (s *server) PutPolicies(ctx context.Context, r skeleton.PutPoliciesRequestObject) (skeleton.PutPoliciesResponseObject, error) {
	files := policy.Files{}
	if r.JSONBody != nil {
		files = r.JSONBody.Files
	} else if r.TextBody != nil {
		files["policies.cedar"] = *r.TextBody
	}
	v, set, err := s.Policies.Put(ctx, files, callOf(ctx).principal)
	if err != nil {
		return nil, err
	}
	return skeleton.PutPolicies200JSONResponse{Version: v.Number, Policies: set.IDs()}, nil
}

// GetPolicies shows a version of the policies.
func (s *server) GetPolicies(ctx context.Context, r skeleton.GetPoliciesRequestObject) (skeleton.GetPoliciesResponseObject, error) {
	v, err := s.Policies.Version(ctx, valueOf(r.Params.Version))
	if err != nil {
		return nil, err
	}
	w := s.versionOf(v)
	return skeleton.GetPolicies200JSONResponse{
		Version: w.Version, Source: wire.PolicyTextSource(w.Source), CreatedAt: w.CreatedAt, CreatedBy: w.CreatedBy, InForce: w.InForce, Files: v.Files,
	}, nil
}

// ListPolicyVersions lists the versions of the policies.
func (s *server) ListPolicyVersions(ctx context.Context, _ skeleton.ListPolicyVersionsRequestObject) (skeleton.ListPolicyVersionsResponseObject, error) {
	all, err := s.Policies.Versions(ctx)
	if err != nil {
		return nil, err
	}
	return skeleton.ListPolicyVersions200JSONResponse{Items: mapped(all, s.versionOf)}, nil
}

func (s *server) versionOf(v policy.Version) wire.PolicyVersion {
	return wire.PolicyVersion{
		Version: v.Number, Source: wire.PolicyVersionSource(v.Source), CreatedAt: v.CreatedAt, CreatedBy: optional(v.CreatedBy),
		InForce: v.Number == s.Policies.InForce(),
	}
}

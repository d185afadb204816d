package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
)

// ListDatasets lists contracts and members.
func (s *server) ListDatasets(ctx context.Context, _ skeleton.ListDatasetsRequestObject) (skeleton.ListDatasetsResponseObject, error) {
	all, err := s.Catalog.Datasets(ctx)
	if err != nil {
		return nil, err
	}
	out := skeleton.ListDatasets200JSONResponse{Items: []wire.Dataset{}}
	for _, d := range all {
		item, err := datasetOf(d)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// GetDataset shows one contract, in force or of the version that is asked for.
func (s *server) GetDataset(ctx context.Context, r skeleton.GetDatasetRequestObject) (skeleton.GetDatasetResponseObject, error) {
	d, err := s.Catalog.Dataset(ctx, r.Dataset)
	if err != nil {
		return nil, err
	}
	if v := r.Params.Version; v != nil {
		if d.Contract, err = s.Catalog.Contract(ctx, r.Dataset, *v); err != nil {
			return nil, err
		}
	}
	item, err := datasetOf(d)
	if err != nil {
		return nil, err
	}
	return skeleton.GetDataset200JSONResponse(item), nil
}

func datasetOf(d catalog.Dataset) (wire.Dataset, error) {
	text, err := object(d.Contract.JSON())
	if err != nil {
		return wire.Dataset{}, err
	}
	return wire.Dataset{
		Dataset: d.Name, Version: d.Contract.Version, LatestVersion: d.Latest, Contract: text,
		Members: mapped(d.Members, func(m catalog.Member) wire.Member {
			return wire.Member{Tenant: m.Tenant, Version: m.Version, Suspended: m.Suspended}
		}),
		Tables: mapped(d.Contract.Tables, tableOf), BudgetPer: periodsOf(d.Contract.BudgetPer),
	}, nil
}

func tableOf(t contract.Table) wire.DatasetTable {
	out := wire.DatasetTable{Name: t.Name, Public: t.Public, Columns: mapped(t.Columns, func(c contract.Column) wire.DatasetColumn {
		return wire.DatasetColumn{Name: c.Name, Type: c.Type.String(), Role: string(c.Role)}
	})}
	if t.Via != nil {
		out.Via = optional(t.Via.String())
	}
	return out
}

func periodsOf(b *contract.BudgetPer) *wire.BudgetPer {
	if b == nil {
		return nil
	}
	day := func(days int64) string { return time.Unix(days*86_400, 0).UTC().Format(time.DateOnly) }
	return &wire.BudgetPer{Column: b.Column, Every: b.Every, From: day(b.From), To: day(b.To)}
}

// CreateDataset creates a dataset or a new version of it. The contract is read
// as it was sent, YAML or JSON, because its faults are told by their lines. One
// that widens what members agreed on may have to wait for them.
func (s *server) CreateDataset(c *echo.Context) error {
	ctx := c.Request().Context()
	cl := callOf(ctx)
	parsed, err := contractparse.Parse(cl.body)
	if err != nil {
		return err
	}
	p, err := s.Consent.PutDataset(ctx, parsed, cl.body, cl.principal)
	if err != nil {
		return err
	}
	if p != nil {
		return waiting(c, p)
	}
	c.Response().Header().Set("Location", "/v1/datasets/"+parsed.Dataset)
	return c.JSON(http.StatusCreated, wire.DatasetVersion{Dataset: parsed.Dataset, Version: parsed.Version})
}

// PutMember accepts a version of a contract for the caller's tenant.
func (s *server) PutMember(ctx context.Context, r skeleton.PutMemberRequestObject) (skeleton.PutMemberResponseObject, error) {
	p, err := s.Consent.Accept(ctx, r.Dataset, r.Tenant, r.Body.Version, callOf(ctx).principal)
	if err != nil {
		return nil, err
	}
	if p != nil {
		return skeleton.PutMember202JSONResponse{WaitsJSONResponse: waits(p)}, nil
	}
	return skeleton.PutMember200JSONResponse{Dataset: r.Dataset, Tenant: r.Tenant, Version: r.Body.Version}, nil
}

// DeleteMember ends the membership of the caller's tenant.
func (s *server) DeleteMember(ctx context.Context, r skeleton.DeleteMemberRequestObject) (skeleton.DeleteMemberResponseObject, error) {
	if err := s.Catalog.Leave(ctx, r.Dataset, r.Tenant, callOf(ctx).principal); err != nil {
		return nil, err
	}
	return skeleton.DeleteMember204Response{}, nil
}

package datasets

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/proposals"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// ListDatasets lists contracts and members.
func (h Handlers) ListDatasets(ctx context.Context, _ skeleton.ListDatasetsRequestObject) (skeleton.ListDatasetsResponseObject, error) {
	all, err := h.Catalog.Datasets(ctx)
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
func (h Handlers) GetDataset(ctx context.Context, r skeleton.GetDatasetRequestObject) (skeleton.GetDatasetResponseObject, error) {
	d, err := h.Catalog.Dataset(ctx, r.Dataset)
	if err != nil {
		return nil, err
	}
	if v := r.Params.Version; v != nil {
		if d.Contract, err = h.Catalog.Contract(ctx, r.Dataset, *v); err != nil {
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
		Members: wire.List(d.Members, func(m catalog.Member) wire.Member {
			return wire.Member{Tenant: m.Tenant, Version: m.Version, Suspended: m.Suspended}
		}),
		Tables: wire.List(d.Contract.Tables, tableOf), BudgetPer: periodsOf(d.Contract.BudgetPer),
	}, nil
}

// object turns a value into the map that a schema of free form has.
func object(v any) (map[string]any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, privacy.Internal(err, "write object")
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, privacy.Internal(err, "read object")
	}
	return out, nil
}

func tableOf(t contract.Table) wire.DatasetTable {
	out := wire.DatasetTable{Name: t.Name, Public: t.Public, Columns: wire.List(t.Columns, func(c contract.Column) wire.DatasetColumn {
		return wire.DatasetColumn{Name: c.Name, Type: c.Type.String(), Role: string(c.Role)}
	})}
	if t.Via != nil {
		out.Via = wire.Optional(t.Via.String())
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
func (h Handlers) CreateDataset(c *echo.Context) error {
	ctx := c.Request().Context()
	cl := operation.CallOf(ctx)
	parsed, err := contractparse.Parse(cl.Body)
	if err != nil {
		return err
	}
	p, err := h.Consent.PutDataset(ctx, parsed, cl.Body, cl.Principal)
	if err != nil {
		return err
	}
	if p != nil {
		return proposals.Waiting(c, p)
	}
	c.Response().Header().Set("Location", "/v1/datasets/"+parsed.Dataset)
	return c.JSON(http.StatusCreated, wire.DatasetVersion{Dataset: parsed.Dataset, Version: parsed.Version})
}

// DeleteDataset deletes a dataset for good; its accounts stay, and its name with them.
func (h Handlers) DeleteDataset(ctx context.Context, r skeleton.DeleteDatasetRequestObject) (skeleton.DeleteDatasetResponseObject, error) {
	if err := h.Deleter.Delete(ctx, r.Dataset, operation.Principal(ctx)); err != nil {
		return nil, err
	}
	return skeleton.DeleteDataset204Response{}, nil
}

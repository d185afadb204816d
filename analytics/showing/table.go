package showing

import (
	"encoding/json"
	"strconv"

	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/privacy"
)

// tableOf computes the view of a release that the request asked for.
func tableOf(r release.Release, q *question.Prepared, core *finish.Core) (*result.Table, error) {
	cols, err := finish.Columns(q.View(), core)
	if err != nil {
		return nil, privacy.Internal(err, "finish "+r.ID)
	}
	meta, err := metaOf(r, q)
	if err != nil {
		return nil, err
	}
	return &result.Table{Meta: meta, Columns: cols}, nil
}

func metaOf(r release.Release, q *question.Prepared) ([]result.Pair, error) {
	p := q.Priced
	tenants, err := json.Marshal(p.Plan.Tenants)
	if err != nil {
		return nil, privacy.Internal(err, "encode tenants")
	}
	bounding, err := json.Marshal(struct {
		Strategy string `json:"strategy"`
		privacy.Bounds
	}{q.Inputs.Plan.Strategy.String(), q.Inputs.Plan.Limits})
	if err != nil {
		return nil, privacy.Internal(err, "encode bounds")
	}
	column := q.Dataset.Contract.Unit.Column
	if table := q.Dataset.Contract.Unit.Table; table != "" {
		column = table + "." + column
	}
	unit, err := json.Marshal(map[string]string{"column": column, "scope": string(p.Plan.Scope)})
	if err != nil {
		return nil, privacy.Internal(err, "encode privacy unit")
	}
	return []result.Pair{
		{Key: "noised.release", Value: r.ID},
		{Key: "noised.epsilon", Value: number(r.Epsilon)},
		{Key: "noised.delta", Value: number(r.Delta)},
		{Key: "noised.rho", Value: number(p.Cost.Rho())},
		{Key: "noised.dataset", Value: r.Dataset},
		{Key: "noised.contract_version", Value: strconv.Itoa(r.ContractVersion)},
		{Key: "noised.privacy_unit", Value: string(unit)},
		{Key: "noised.tenants", Value: string(tenants)},
		{Key: "noised.bounding", Value: string(bounding)},
	}, nil
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

package attached

import (
	"fmt"
	"maps"
	"slices"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/sqlgen"
	"github.com/noised/noised/privacy"
)

// Relations returns what there is a stream for: each segment or, in a join, each
// tenant with rows in the first table, since all joined rows come from these.
func (in *Instance) Relations(of engine.Input) ([]sqlgen.Relation, error) {
	joined := len(of.Plan.Sources) > 1
	var out []sqlgen.Relation
	public := make(map[string][]string)
	at := make(map[string]int) // tenant → index in out
	for _, s := range of.Segments {
		catalog, ok := in.Catalogs[s.Path]
		if !ok {
			return nil, privacy.Internal(fmt.Errorf("a segment is not attached"), "engine input")
		}
		i, known := at[s.Tenant]
		switch {
		case !joined:
			out = append(out, sqlgen.Relation{Catalog: catalog, Tenant: s.Tenant})
			continue
		case s.Tenant == "":
			public[s.Table] = append(public[s.Table], catalog)
			continue
		case !known:
			i = len(out)
			at[s.Tenant] = i
			out = append(out, sqlgen.Relation{Tenant: s.Tenant, Tables: make(map[string][]string)})
		}
		if out[i].Tables[s.Table] = append(out[i].Tables[s.Table], catalog); s.Table == of.Plan.Sources[0].Table {
			out[i].Catalog = catalog // whose readers it takes
		}
	}
	if !joined {
		return out, nil
	}
	for _, r := range out {
		maps.Copy(r.Tables, public)
	}
	return slices.DeleteFunc(out, func(r sqlgen.Relation) bool { return r.Catalog == "" }), nil
}

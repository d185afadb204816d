package provenance

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/api/wire"
)

// OpenLineage, core specification 2-0-2: what a RunEvent and a facet must say of
// themselves. Facets of our own are named noised_…, and declare the facet of the
// core that they extend.
const (
	lineageProducer = "https://github.com/noised/noised"
	lineageCore     = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
	lineageFacet    = "https://openlineage.io/spec/facets/"
)

// Namespaces: each tenant has one, and what belongs to none has its own. A tenant's
// name cannot hold a colon's other side.
const (
	ofService  = "noised"
	ofReleases = "noised:releases"
	ofPublic   = "noised:public"
)

func tenantNamespace(tenant string) string {
	if tenant == catalog.Public {
		return ofPublic
	}
	return "noised://" + tenant
}

func owner(tenant string) string {
	if tenant == catalog.Public {
		return "operator"
	}
	return "tenant:" + tenant
}

type facets = wire.LineageFacets

// facet adds what every facet must have.
func facet(schema string, members map[string]any) map[string]any {
	members["_producer"], members["_schemaURL"] = lineageProducer, schema
	return members
}

// runID gives a run the UUID that OpenLineage wants: version 8, of the hash of our
// own id, so that a run has the same one in every answer.
func runID(id string) string {
	sum := sha256.Sum256([]byte("noised run " + id))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func runEvent(at time.Time, id string, run facets, job wire.LineageJob) wire.RunEvent {
	return wire.RunEvent{
		EventType: wire.COMPLETE, EventTime: at, Producer: lineageProducer, SchemaURL: lineageCore + "RunEvent",
		Run: wire.LineageRun{RunID: runID(id), Facets: run}, Job: job,
		Inputs: []wire.LineageDataset{}, Outputs: []wire.LineageDataset{},
	}
}

func jobOf(namespace, name, kind string) wire.LineageJob {
	return wire.LineageJob{Namespace: namespace, Name: name, Facets: facets{
		"jobType": facet(lineageFacet+"2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
			map[string]any{"processingType": "BATCH", "integration": "NOISED", "jobType": kind}),
	}}
}

// tableName is a dataset's name, with the table of one with several.
func tableName(dataset, table string) string {
	if table == "" {
		return dataset
	}
	return dataset + "." + table
}

func ownership(owners ...map[string]any) map[string]any {
	return facet(lineageFacet+"1-0-1/OwnershipDatasetFacet.json#/$defs/OwnershipDatasetFacet", map[string]any{"owners": owners})
}

func ownedBy(tenant string) map[string]any {
	return map[string]any{"name": owner(tenant), "type": "OWNER"}
}

// stored is a table of a tenant in the state of one generation; of none when
// nothing had been loaded.
func stored(tenant, dataset, table, generation string) wire.LineageDataset {
	d := wire.LineageDataset{Namespace: tenantNamespace(tenant), Name: tableName(dataset, table), Facets: facets{"ownership": ownership(ownedBy(tenant))}}
	if generation != "" {
		d.Facets["version"] = facet(lineageFacet+"1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet",
			map[string]any{"datasetVersion": generation})
	}
	return d
}

func releaseDataset(id string) wire.LineageDataset {
	return wire.LineageDataset{Namespace: ofReleases, Name: id, Facets: facets{}}
}

// queryEvent is the run that made a release.
func queryEvent(r lineage.Release) wire.RunEvent {
	e := runEvent(r.At, r.ID, facets{"noised_release": facet(lineageCore+"RunFacet", map[string]any{
		"release": r.ID, "dataset": r.Dataset, "contractVersion": r.Version, "epsilon": r.Epsilon, "delta": r.Delta,
	})}, jobOf(ofService, "query."+r.Dataset, "QUERY"))
	for _, in := range r.Inputs {
		d := stored(in.Tenant, r.Dataset, in.Table, in.Generation)
		members := map[string]any{"tenant": in.Tenant, "table": in.Table, "generation": in.Generation, "loads": append([]string{}, in.Loads...)}
		if in.Generation != "" {
			members["contractVersion"] = in.Version
		}
		d.Facets["noised_generation"] = facet(lineageCore+"DatasetFacet", members)
		e.Inputs = append(e.Inputs, d)
	}
	e.Outputs = append(e.Outputs, releaseDataset(r.ID))
	return e
}

// useEvent is the run that made a release, as far as a load's owner knows it.
func useEvent(l lineage.Load, u lineage.Use) wire.RunEvent {
	e := runEvent(u.At, u.Release, facets{"noised_release": facet(lineageCore+"RunFacet", map[string]any{
		"release": u.Release, "dataset": l.Dataset, "contractVersion": u.Version,
	})}, jobOf(ofService, "query."+l.Dataset, "QUERY"))
	e.Inputs = append(e.Inputs, stored(l.Tenant, l.Dataset, l.Table, u.Generation))
	e.Outputs = append(e.Outputs, releaseDataset(u.Release))
	return e
}

// loadEvent is the run that took a file in.
func loadEvent(l lineage.Load) wire.RunEvent {
	run := map[string]any{
		"load": l.ID, "tenant": l.Tenant, "dataset": l.Dataset, "table": l.Table, "write": l.Write, "generation": l.Generation,
	}
	upload := map[string]any{"format": l.Format, "uploadedBy": l.By, "uploadedAt": l.At}
	file := wire.LineageDataset{Namespace: tenantNamespace(l.Tenant), Name: "uploads/" + l.ID, Facets: facets{
		"ownership": ownership(ownedBy(l.Tenant), map[string]any{"name": "principal:" + l.By, "type": "UPLOADER"}),
	}}
	table := stored(l.Tenant, l.Dataset, l.Table, l.Generation)
	if own := l.Own; own != nil {
		run["loadId"], run["rowsRead"], run["rowsRejected"] = own.LoadID, own.RowsRead, own.RowsRejected
		upload["bytes"], upload["sha256"] = own.Bytes, own.SHA256
		table.OutputFacets = &facets{"outputStatistics": facet(lineageFacet+"1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet",
			map[string]any{"rowCount": own.RowsLoaded})}
	}
	file.Facets["noised_upload"] = facet(lineageCore+"DatasetFacet", upload)
	e := runEvent(l.At, l.ID, facets{"noised_load": facet(lineageCore+"RunFacet", run)},
		jobOf(tenantNamespace(l.Tenant), "load."+tableName(l.Dataset, l.Table), "LOAD"))
	e.Inputs, e.Outputs = append(e.Inputs, file), append(e.Outputs, table)
	return e
}

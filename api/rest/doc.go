// Package rest serves the HTTP interface that api/openapi.yaml describes, and is no
// more than its parts put together: the steps that every request passes (edge), what
// may be called (operation, from the document and the access table), the routes
// (skeleton, generated), and one package of handlers for each area.
//
//	analysis    queries, explanations, releases
//	budgets     what may be spent, and what was
//	datasets    contracts, members, templates
//	loads       uploads, load jobs, erasures
//	oversight   policies, suspensions, alerts, refusals
//	proposals   changes that wait for agreement
//	provenance  lineage, receipts, the transparency log
//	tenants     tenants, keys, quotas
//
// A handler parses, makes one call and returns a value. Errors are *privacy.Error all
// the way up and become RFC 9457 problems in package problem only.
package rest

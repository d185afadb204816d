// Package suite tries the walls between tenants. Everything in it is a test of the
// built program over HTTPS:
//
//   - isolation: whoever belongs to one tenant tries every operation of the OpenAPI
//     document on everything that is another's, by every name that it has there
//     (isolation_test.go and the files around it);
//   - identity: an OpenID Connect provider issues, rotates and revokes, and what
//     must be refused is refused (identity_test.go);
//   - lineage: complete both ways (lineage_test.go);
//   - what a decision costs, and how soon a suspension ends a query.
//
// The tests have the build tag governance; command governance runs them and gathers
// what they report. Without the tag only the table is tested: it must have a line for
// each operation, so that whoever adds a route says at once who may have what by it.
package suite

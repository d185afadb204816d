// Package wire holds the types of the HTTP interface and a Go client for it.
//
// Types and calls are generated from the OpenAPI document (api/openapi.yaml);
// the server in package rest speaks the same types. API wraps the generated
// client in what a program wants: typed results, problems as errors, uploads
// that report their progress, and results as streams.
//
// The package needs no C compiler, so that clients can be built anywhere.
package wire

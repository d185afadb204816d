// Package api holds the OpenAPI document that the HTTP interface is written
// from: the types and the client in package wire and the server's half in
// package skeleton are generated from it, requests are checked against it, and it
// is served as /v1/openapi.json.
package api

import _ "embed"

//go:generate go tool oapi-codegen -config wire/oapi-codegen.yaml openapi.yaml
//go:generate go tool oapi-codegen -config rest/skeleton/oapi-codegen.yaml openapi.yaml

// Document is the OpenAPI 3.1 document, in YAML.
//
//go:embed openapi.yaml
var Document []byte

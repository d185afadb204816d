// Package validation holds requests against the OpenAPI document before anything is
// done for them: media types, query parameters, and bodies that mean one thing
// only. Members that the document does not name are refused, so that no mistyped
// epsilon is taken for the default.
package validation

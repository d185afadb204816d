// Package template keeps queries that may be asked by name. A dataset whose
// contract says `queries: templates` is asked by nothing else, so that its members
// know, and have agreed to, every question.
//
// A template is SQL with parameters, $name, each of a type and, where its author
// says so, with the values that it may take. An argument never becomes text: it is
// checked against its parameter and becomes a literal of the parsed plan, in the
// parameter's place. Versions of a template are kept for ever; the latest is the
// one that is asked, unless it was withdrawn.
package template

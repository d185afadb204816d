// Package places numbers the values of group keys.
//
// A declared key's values have their places in the declared domain, and a combination of
// keys its mixed-radix ordinal, the same for everybody. Values of a secret key are
// numbered in the order in which they appear, by whoever reads them: see [Numbering].
// Values outside a domain have no place, −1. Nothing is allocated per row.
//
// How long a number takes must not tell who is there: tables of secret values are hashed
// under the run's salt.
package places

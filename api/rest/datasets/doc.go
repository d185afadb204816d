// Package datasets serves what data is and who shares it: contracts, their versions
// and members, and the queries that may be asked by name. Never a row, never a count.
package datasets

// Package provenance serves where releases come from and the proof of it: lineage as
// OpenLineage events, receipts, and the transparency log. Everybody may read what is
// hashed and signed; what a leaf opens to is for whom it concerns.
package provenance

// Package periods says which budget periods a filter lets rows of through, and
// keeps the rows of all others out.
//
// Why charging these periods is enough ("Budget per period"). Let K be the
// periods that Touched names. The plan's filter is a conjunction with a condition
// that is true only of rows whose own date lies in K (Only), so the exact answer
// is a function of the rows of K alone, whatever Touched concludes: a mistake
// there could lose rows, and never read more. Bounding is joint per unit over all
// rows that pass the filter, so that one unit's rows in K, all together, move
// each draw by at most its sensitivity, and the query is μ-GDP for their being
// there or missing. A row's date is its own and never changes, so a unit's rows
// are partitioned by period, once and for all. An account of period k adds up the
// squared losses of exactly the queries that read k; a unit with rows in periods
// K' alone is touched only by queries that charge one of them, and its whole
// loss is at most Σ_{k∈K'} of what these accounts admit.
package periods

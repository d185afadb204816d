// Package analysis serves those who ask: queries, their prices, and the releases
// that were given. A handler translates, asks the query service once and returns
// what it answers; whether rows were read is for the steps around it to know.
package analysis

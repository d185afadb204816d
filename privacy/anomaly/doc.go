// Package anomaly notices principals that behave unlike themselves, and raises
// alerts.
//
// It follows the record that the server keeps anyway: refusals (privacy/audit) and
// charges (privacy/ledger). It counts, for each principal and hour: refused calls
// that concern another tenant, ε that was charged, different questions of one form,
// and different filters on one column; and failed authentications of everybody
// together. It never reads rows, and nothing that it counts depends on them.
//
// # When it alerts
//
// Each count has a baseline of its own: the exponentially weighted mean and variance
// of the n hours before, to which an hour counts by 1/48 (in the beginning by one over
// the number of hours, so that the mean is right from the second hour on). A count
// alerts when it exceeds
//
//	floor + mean + 5·√(max(variance, mean)·(1 + 1/n))
//
// at once, and once an hour. The floor keeps what hardly ever happens from alerting
// when it does: 10 refused calls, 50 failed authentications, 5 of ε, 20 questions or
// filters. Of what is asked it is ten times as high in a principal's first 24 hours.
// An hour weighs in the baseline as no more than its limit, so that one burst does not
// make the next look usual.
//
// This assumes that hours are like those before: counts that are a Poisson
// process, or vary more but do so steadily. On steady Poisson traffic with means
// from 0.1 to 1,000 an hour, no hour in a million alerts (see the test, which
// measures it). Work that happens once a week alerts if it exceeds the floor by much;
// whoever raises its rate slowly, by less than five deviations an hour, is not
// noticed: that is what budgets are for.
//
// # What it holds
//
// Baselines are in memory, of at most 20,000 counts, and found again from the record
// of the last two weeks when a process starts. Every process follows the whole
// record; an alert is one row of the control store however many of them raise it.
// Questions and literals are held as hashes under a key of the process, for an hour,
// and leave it nowhere.
package anomaly

package anomaly

import (
	"hash/maphash"
	"time"
)

// Signal is what is counted.
type Signal string

// The signals.
const (
	Foreign  Signal = "foreign"  // refused calls that concern another tenant
	Logins   Signal = "logins"   // failed authentications
	Spending Signal = "spending" // ε that was charged
	Repeats  Signal = "repeats"  // different questions of one form
	Filters  Signal = "filters"  // different filters on one column
)

// Signals lists every signal.
func Signals() []Signal { return []Signal{Foreign, Logins, Spending, Repeats, Filters} }

// floor is the count that alone is no reason for an alert.
func (s Signal) floor() float64 {
	switch s {
	case Foreign:
		return 10
	case Logins:
		return 50
	case Spending:
		return 5
	case Repeats, Filters:
		return 20
	}
	return 0
}

// asking reports whether a signal counts what new principals do much of.
func (s Signal) asking() bool { return s == Spending || s == Repeats || s == Filters }

// Limits of memory.
const (
	maxSeries    = 20_000 // counts with a baseline
	maxQuestions = 1024   // different ones of a principal in an hour
)

// Alert says that a principal behaves unlike itself.
type Alert struct {
	ID        string
	At        time.Time
	Signal    Signal
	Principal string // empty for failed authentications: nobody known
	Tenant    string // the principal's; empty for none
	Observed  float64
	Limit     float64
	Suspended bool // the detector suspended the principal for it
}

// Detector counts and compares. It is not safe for concurrent use.
type Detector struct {
	seed   maphash.Seed
	series map[key]*series
	asked  map[string]*hourAsked // by principal
}

type key struct {
	principal string
	signal    Signal
}

// series is one count with its baseline.
type series struct {
	base    baseline
	hour    int64 // that is being counted, since 1970
	count   float64
	alerted bool // in this hour
}

// hourAsked is what a principal has asked in an hour, as hashes.
type hourAsked struct {
	hour      int64
	questions map[uint64]struct{}
	filters   map[filter]struct{}
	forms     map[uint64]int // different questions of each
	columns   map[uint64]int // different filters on each
}

// NewDetector returns one that knows nothing.
func NewDetector() *Detector {
	return &Detector{seed: maphash.MakeSeed(), series: map[key]*series{}, asked: map[string]*hourAsked{}}
}

// Refused counts a refusal.
func (d *Detector) Refused(signal Signal, principal, tenant string, at time.Time) []Alert {
	return alerts(d.add(signal, principal, tenant, at, func(s *series) { s.count++ }))
}

// Charged counts a question that was charged.
func (d *Detector) Charged(principal, tenant string, at time.Time, epsilon float64, sql string) []Alert {
	forms, columns := d.ask(principal, hourOf(at), sql)
	return alerts(
		d.add(Spending, principal, tenant, at, func(s *series) { s.count += epsilon }),
		d.add(Repeats, principal, tenant, at, func(s *series) { s.count = max(s.count, float64(forms)) }),
		d.add(Filters, principal, tenant, at, func(s *series) { s.count = max(s.count, float64(columns)) }),
	)
}

func alerts(maybe ...*Alert) (out []Alert) {
	for _, a := range maybe {
		if a != nil {
			out = append(out, *a)
		}
	}
	return out
}

// ask returns the most questions of one form, and filters on one column, that a
// principal has asked this hour.
func (d *Detector) ask(principal string, hour int64, sql string) (forms, columns int) {
	h := d.asked[principal]
	if h == nil || h.hour != hour {
		h = &hourAsked{hour: hour, questions: map[uint64]struct{}{}, filters: map[filter]struct{}{}, forms: map[uint64]int{}, columns: map[uint64]int{}}
		d.forget(hour)
		d.asked[principal] = h
	}
	q := formOf(d.seed, sql)
	if _, known := h.questions[q.whole]; !known && len(h.questions) < maxQuestions {
		h.questions[q.whole] = struct{}{}
		h.forms[q.form]++
	}
	for _, f := range q.filters {
		if _, known := h.filters[f]; !known && len(h.filters) < maxQuestions {
			h.filters[f] = struct{}{}
			h.columns[f.column]++
		}
	}
	for _, n := range h.forms {
		forms = max(forms, n)
	}
	for _, n := range h.columns {
		columns = max(columns, n)
	}
	return forms, columns
}

// forget drops what was asked in earlier hours.
func (d *Detector) forget(hour int64) {
	for p, h := range d.asked {
		if h.hour < hour {
			delete(d.asked, p)
		}
	}
}

func hourOf(at time.Time) int64 { return at.Unix() / 3600 }

// add counts, and alerts if this takes the count of the hour over its limit. What
// comes an hour late counts in the hour that is being counted.
func (d *Detector) add(signal Signal, principal, tenant string, at time.Time, count func(*series)) *Alert {
	k := key{principal, signal}
	s := d.series[k]
	if s == nil {
		if len(d.series) >= maxSeries {
			d.evict()
		}
		s = &series{hour: hourOf(at)}
		d.series[k] = s
	}
	s.roll(hourOf(at), signal)
	count(s)
	limit := s.base.limit(signal)
	if s.alerted || s.count <= limit {
		return nil
	}
	s.alerted = true
	return &Alert{At: at, Signal: signal, Principal: principal, Tenant: tenant, Observed: s.count, Limit: limit}
}

// roll ends the hours up to the given one. Those without an event count as such.
func (s *series) roll(hour int64, signal Signal) {
	if hour <= s.hour {
		return
	}
	if hour-s.hour > memory {
		*s = series{hour: hour}
		return
	}
	for ; s.hour < hour; s.hour++ {
		s.base = s.base.after(s.count, signal)
		s.count, s.alerted = 0, false
	}
}

// evict drops the count that has rested longest.
func (d *Detector) evict() {
	var oldest key
	var hour int64
	found := false
	for k, s := range d.series {
		if !found || s.hour < hour {
			oldest, hour, found = k, s.hour, true
		}
	}
	delete(d.series, oldest)
}

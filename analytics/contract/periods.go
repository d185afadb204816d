package contract

import "time"

// MaxPeriods is the largest number of periods of a budget_per.
const MaxPeriods = 10_000

// The lengths of periods and the steps of calendars.
const (
	EveryDay   = "day"
	EveryWeek  = "week"
	EveryMonth = "month"
)

const secondsPerDay = 86_400

// IsStep reports whether a text is a length of periods.
func IsStep(every string) bool {
	return every == EveryDay || every == EveryWeek || every == EveryMonth
}

// PerPeriod gives every period of rows a budget, from the period of the first day to
// that of the last, in days since 1970.
func PerPeriod(column, every string, first, last int64) *BudgetPer {
	b := &BudgetPer{Column: column, Every: every}
	b.From = DayOf(b.start(dateOf(first)))
	b.To = DayOf(b.next(b.start(dateOf(last))))
	return b
}

// Same reports whether two contracts give their rows the same periods; nil is a
// contract without.
func (b *BudgetPer) Same(other *BudgetPer) bool {
	if b == nil || other == nil {
		return b == other
	}
	return *b == *other
}

// Periods returns the periods of the calendar in order, PeriodOther not
// included.
func (b *BudgetPer) Periods() []Period {
	var out []Period
	for at := dateOf(b.From); DayOf(at) < b.To; {
		next := b.next(at)
		out = append(out, Period{Name: at.Format(time.DateOnly), From: DayOf(at), To: DayOf(next)})
		at = next
	}
	return out
}

// PeriodOf returns the name of the period of a date, in days since 1970.
func (b *BudgetPer) PeriodOf(days int64) string {
	if days < b.From || days >= b.To {
		return PeriodOther
	}
	return b.start(dateOf(days)).Format(time.DateOnly)
}

// Within reports whether there are at most n periods, without listing them.
func (b *BudgetPer) Within(n int) bool {
	at := dateOf(b.From)
	for range n {
		if at = b.next(at); DayOf(at) >= b.To {
			return true
		}
	}
	return false
}

// start is the first day of the period that has the day. Weeks begin on Monday.
func (b *BudgetPer) start(day time.Time) time.Time {
	switch b.Every {
	case EveryMonth:
		return day.AddDate(0, 0, 1-day.Day())
	case EveryWeek:
		return day.AddDate(0, 0, -int((day.Weekday()+6)%7))
	default:
		return day
	}
}

// next is the first day of the period after the one that starts at the day.
func (b *BudgetPer) next(start time.Time) time.Time {
	switch b.Every {
	case EveryMonth:
		return start.AddDate(0, 1, 0)
	case EveryWeek:
		return start.AddDate(0, 0, 7)
	default:
		return start.AddDate(0, 0, 1)
	}
}

func dateOf(days int64) time.Time { return time.Unix(days*secondsPerDay, 0).UTC() }

// DayOf is the day of a moment, in days since 1970.
func DayOf(at time.Time) int64 { return floorDiv(at.Unix(), secondsPerDay) }

// floorDiv rounds down, so that a moment before 1970 belongs to its own day.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

package sqlgen

import (
	"fmt"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlexpr"
)

// bounded renders a value in steps within the bounds of its quantum. It is NULL
// where the value is, which least and greatest would not be.
func (s *selection) bounded(d plan.Draw, v sqlexpr.Term) (sqlexpr.Term, error) {
	inside := s.known.Within != nil && s.known.Within(d.Value, d.Quantum)
	y, done, err := s.Quantise(v, d.Quantum, inside)
	if err != nil || done {
		return y, err
	}
	least, most := sqlexpr.Ends(y.Type)
	if d.Quantum.Lo > most || d.Quantum.Hi < least {
		y = sqlexpr.Unscaled(y)
		least, most = sqlexpr.Ends(plan.Of(plan.KindBigint))
	}
	y = s.Share(y)
	lo, err := sqlexpr.Literal(plan.IntValue(y.Type, d.Quantum.Lo))
	if err != nil {
		return sqlexpr.Term{}, err
	}
	hi, err := sqlexpr.Literal(plan.IntValue(y.Type, d.Quantum.Hi))
	if err != nil {
		return sqlexpr.Term{}, err
	}
	below, above := fmt.Sprintf("WHEN %%s < %s THEN %s ", lo, lo), fmt.Sprintf("WHEN %%s > %s THEN %s ", hi, hi)
	switch {
	case d.Quantum.Lo > least && d.Quantum.Hi < most:
		return sqlexpr.Combine(y.Type, "(CASE "+below+above+"ELSE %s END)", y, y, y), nil
	case d.Quantum.Lo > least:
		return sqlexpr.Combine(y.Type, "(CASE "+below+"ELSE %s END)", y, y), nil
	case d.Quantum.Hi < most:
		return sqlexpr.Combine(y.Type, "(CASE "+above+"ELSE %s END)", y, y), nil
	}
	return y, nil
}

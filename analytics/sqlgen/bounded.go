package sqlgen

import (
	"fmt"

	"github.com/noised/noised/analytics/plan"
)

// bounded renders a value in steps within the bounds of its quantum. It is NULL
// where the value is, which least and greatest would not be.
func (s *selection) bounded(d plan.Draw, v term) (term, error) {
	inside := s.known.Within != nil && s.known.Within(d.Value, d.Quantum)
	y, done, err := s.quantise(v, d.Quantum, inside)
	if err != nil || done {
		return y, err
	}
	least, most := ends(y.typ)
	if d.Quantum.Lo > most || d.Quantum.Hi < least {
		y = unscaled(y)
		least, most = ends(bigint)
	}
	y = s.share(y)
	lo, err := literal(plan.IntValue(y.typ, d.Quantum.Lo))
	if err != nil {
		return term{}, err
	}
	hi, err := literal(plan.IntValue(y.typ, d.Quantum.Hi))
	if err != nil {
		return term{}, err
	}
	below, above := fmt.Sprintf("WHEN %%s < %s THEN %s ", lo, lo), fmt.Sprintf("WHEN %%s > %s THEN %s ", hi, hi)
	switch {
	case d.Quantum.Lo > least && d.Quantum.Hi < most:
		return combine(y.typ, "(CASE "+below+above+"ELSE %s END)", y, y, y), nil
	case d.Quantum.Lo > least:
		return combine(y.typ, "(CASE "+below+"ELSE %s END)", y, y), nil
	case d.Quantum.Hi < most:
		return combine(y.typ, "(CASE "+above+"ELSE %s END)", y, y), nil
	}
	return y, nil
}

// ends returns the least and the largest integer that values of an exact type
// are stored as.
func ends(t plan.Type) (int64, int64) {
	if t.Kind == plan.KindDecimal {
		most := pow10(int(t.Precision)).Int64() - 1 // of at most 18 digits
		return -most, most
	}
	return t.IntegerRange()
}

// unscaled renders the integer that an exact value of at most 18 digits is
// stored as.
func unscaled(v term) term {
	if v.typ == bigint {
		return v
	}
	return combine(bigint, "CAST(%s AS BIGINT)", shifted(v))
}

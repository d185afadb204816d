package plan

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Kind is the family of a type.
type Kind uint8

// The kinds, in the order of the contract's documentation.
const (
	KindUnknown Kind = iota
	KindBoolean
	KindTinyint
	KindSmallint
	KindInteger
	KindBigint
	KindDecimal
	KindDouble
	KindVarchar
	KindDate
	KindTimestamp
)

var kindNames = [...]string{"unknown", "boolean", "tinyint", "smallint", "integer", "bigint", "decimal", "double", "varchar", "date", "timestamp"}

// String returns the contract's spelling, e.g. "bigint".
func (k Kind) String() string { return kindNames[k] }

// Type is a column's type. The zero value is unknown. Types are comparable.
type Type struct {
	Kind      Kind
	Precision uint8 // decimals only: digits in all, 1 to 18
	Scale     uint8 // decimals only: digits after the point
}

// Of returns the type of a kind that has no parameters.
func Of(k Kind) Type { return Type{Kind: k} }

var decimalPattern = regexp.MustCompile(`^decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$`)

// ParseType reads the contract's spelling of a type, in any case.
func ParseType(s string) (Type, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	for k, name := range kindNames {
		if s == name && Kind(k) != KindUnknown && Kind(k) != KindDecimal {
			return Of(Kind(k)), nil
		}
	}
	if m := decimalPattern.FindStringSubmatch(s); m != nil {
		p, _ := strconv.Atoi(m[1])
		sc, _ := strconv.Atoi(m[2])
		if p >= 1 && p <= 18 && sc <= p {
			return Type{Kind: KindDecimal, Precision: uint8(p), Scale: uint8(sc)}, nil
		}
		return Type{}, fmt.Errorf("decimal(p,s) needs 1 ≤ p ≤ 18 and 0 ≤ s ≤ p")
	}
	return Type{}, fmt.Errorf("unknown type %q: use boolean, tinyint, smallint, integer, bigint, decimal(p,s), double, varchar, date or timestamp", s)
}

// String returns the spelling that ParseType reads.
func (t Type) String() string {
	if t.Kind == KindDecimal {
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	}
	return t.Kind.String()
}

// IsInteger reports whether the type holds whole numbers.
func (t Type) IsInteger() bool { return t.Kind >= KindTinyint && t.Kind <= KindBigint }

// IsNumeric reports whether the type can be summed.
func (t Type) IsNumeric() bool { return t.Kind >= KindTinyint && t.Kind <= KindDouble }

// IntegerRange returns the least and the largest value of an integer type, and
// those of a bigint for any other.
func (t Type) IntegerRange() (lo, hi int64) {
	switch t.Kind {
	case KindTinyint:
		return math.MinInt8, math.MaxInt8
	case KindSmallint:
		return math.MinInt16, math.MaxInt16
	case KindInteger:
		return math.MinInt32, math.MaxInt32
	default:
		return math.MinInt64, math.MaxInt64
	}
}

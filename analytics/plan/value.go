package plan

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Value is one scalar: a literal, a declared domain value, or a key of a
// result. Values are comparable with ==, and usable as map keys, when their
// Float is not NaN; keys are never doubles.
//
// Int holds booleans (0, 1), integers, dates (days since 1970-01-01),
// timestamps (microseconds since then, UTC) and decimals (unscaled, with
// Type.Scale). Float holds doubles, Str holds varchars in Unicode NFC.
type Value struct {
	Type  Type
	Null  bool
	Int   int64
	Float float64
	Str   string
}

// Null returns the NULL of a type.
func Null(t Type) Value { return Value{Type: t, Null: true} }

// IntValue returns an integer-backed value of the given type.
func IntValue(t Type, v int64) Value { return Value{Type: t, Int: v} }

// StringValue returns a varchar.
func StringValue(s string) Value { return Value{Type: Of(KindVarchar), Str: s} }

// BoolValue returns a boolean.
func BoolValue(b bool) Value {
	v := Value{Type: Of(KindBoolean)}
	if b {
		v.Int = 1
	}
	return v
}

// FloatValue returns a double.
func FloatValue(f float64) Value { return Value{Type: Of(KindDouble), Float: f} }

// AsFloat returns a numeric value as a float64; NaN for NULL and other kinds.
func (v Value) AsFloat() float64 {
	switch {
	case v.Null:
		return math.NaN()
	case v.Type.Kind == KindDouble:
		return v.Float
	case v.Type.Kind == KindDecimal:
		return float64(v.Int) / math.Pow10(int(v.Type.Scale))
	case v.Type.IsInteger(), v.Type.Kind == KindBoolean:
		return float64(v.Int)
	default:
		return math.NaN()
	}
}

// Text returns the value as a person would write it, without quotes; NULL is
// "NULL".
func (v Value) Text() string {
	if v.Type.Kind == KindVarchar && !v.Null {
		return v.Str
	}
	return string(v.AppendText(nil))
}

// AppendText appends the Text of the value.
func (v Value) AppendText(b []byte) []byte {
	if v.Null {
		return append(b, "NULL"...)
	}
	switch v.Type.Kind {
	case KindBoolean:
		return strconv.AppendBool(b, v.Int != 0)
	case KindDecimal:
		return appendDecimal(b, v.Int, int(v.Type.Scale))
	case KindDouble:
		return strconv.AppendFloat(b, v.Float, 'g', -1, 64)
	case KindVarchar:
		return append(b, v.Str...)
	case KindDate:
		return time.Unix(v.Int*86400, 0).UTC().AppendFormat(b, "2006-01-02")
	case KindTimestamp:
		return time.UnixMicro(v.Int).UTC().AppendFormat(b, "2006-01-02 15:04:05.999999")
	default:
		return strconv.AppendInt(b, v.Int, 10)
	}
}

func appendDecimal(b []byte, unscaled int64, scale int) []byte {
	u := uint64(unscaled)
	if unscaled < 0 {
		b, u = append(b, '-'), -u
	}
	if scale == 0 {
		return strconv.AppendUint(b, u, 10)
	}
	unit := uint64(1)
	for range scale { // at most 18
		unit *= 10
	}
	b = append(strconv.AppendUint(b, u/unit, 10), '.')
	at := len(b)
	b = strconv.AppendUint(b, u%unit+unit, 10) // as many digits as the unit has, without its 1
	return append(b[:at], b[at+1:]...)
}

// Canonical returns an unambiguous encoding of the value with its kind, for
// hashing and for printing plans. Equal values have equal encodings and
// different values different ones.
func (v Value) Canonical() string {
	if v.Null {
		return "null"
	}
	switch v.Type.Kind {
	case KindVarchar:
		return strconv.Quote(v.Str)
	case KindDouble:
		return fmt.Sprintf("f%016x", math.Float64bits(v.Float+0)) // −0 + 0 is +0
	default:
		return v.Type.Kind.String()[:2] + v.Text()
	}
}

// Compare orders values of one type: NULL last, numbers by size, varchars by
// bytes. It returns −1, 0 or 1.
func (v Value) Compare(w Value) int {
	switch {
	case v.Null && w.Null:
		return 0
	case v.Null:
		return 1
	case w.Null:
		return -1
	}
	switch v.Type.Kind {
	case KindVarchar:
		return cmp.Compare(v.Str, w.Str)
	case KindDouble:
		return cmp.Compare(v.Float, w.Float)
	default:
		return cmp.Compare(v.Int, w.Int)
	}
}

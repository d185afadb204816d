package sqlparse

import (
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
	"golang.org/x/text/unicode/norm"

	"github.com/noised/noised/analytics/plan"
)

// maxDigits is the precision of the widest decimal that an int64 holds.
const maxDigits = 18

// constant reads a literal. Texts are brought to Unicode NFC, as loaded data
// are.
func (w *walker) constant(n *node) (plan.Expr, error) {
	if _, err := n.expect("VALUE_CONSTANT"); err != nil {
		return nil, err
	}
	v, err := w.open(n.take("value"), "value")
	if err != nil {
		return nil, err
	}
	t, err := w.open(v.take("type"), "type")
	if err != nil {
		return nil, err
	}
	id, err := t.text("id")
	if err != nil {
		return nil, err
	}
	null, err := v.flag("is_null")
	if err != nil {
		return nil, err
	}
	if null && id == "NULL" {
		return &plan.Literal{Value: plan.Null(plan.Type{}), Pos: n.pos}, v.done()
	}
	typ, known, err := w.typeOf(id, t)
	if err != nil {
		return nil, err
	}
	raw := v.take("value")
	if err := v.done(); err != nil {
		return nil, err
	}
	value, ok := literalValue(typ, raw)
	switch {
	case null, !known && !numeric(id):
		return nil, otherConstant.refuse(n.at())
	case !ok && typ.Kind == plan.KindVarchar:
		return nil, otherConstant.refuse(n.at())
	case !known, !ok:
		return nil, bigNumber.refuse(n.at())
	}
	return &plan.Literal{Value: value, Pos: n.pos}, nil
}

func numeric(id string) bool { return oneOf(id, "HUGEINT", "UHUGEINT", "DECIMAL", "UBIGINT") }

// literalValue reads a JSON value of a known type. Whole numbers are read from
// their text: a float64 would round them.
func literalValue(t plan.Type, r gjson.Result) (plan.Value, bool) {
	switch {
	case t.Kind == plan.KindVarchar:
		return plan.StringValue(norm.NFC.String(r.Str)), r.Type == gjson.String && !strings.ContainsRune(r.Str, 0)
	case t.Kind == plan.KindDouble:
		f, err := strconv.ParseFloat(r.Raw, 64)
		return plan.FloatValue(f), err == nil
	case t.Kind == plan.KindBoolean:
		return plan.BoolValue(r.Bool()), r.IsBool()
	case t.IsInteger(), t.Kind == plan.KindDecimal:
		i, err := strconv.ParseInt(r.Raw, 10, 64)
		return plan.IntValue(t, i), err == nil
	default:
		return plan.Value{}, false
	}
}

// kinds maps DuckDB's type ids.
var kinds = map[string]plan.Kind{
	"BOOLEAN": plan.KindBoolean, "TINYINT": plan.KindTinyint, "SMALLINT": plan.KindSmallint, "INTEGER": plan.KindInteger,
	"BIGINT": plan.KindBigint, "DOUBLE": plan.KindDouble, "VARCHAR": plan.KindVarchar, "DATE": plan.KindDate, "TIMESTAMP": plan.KindTimestamp,
}

// typeOf reads a type whose id has been taken; false for one that plans do not
// have.
func (w *walker) typeOf(id string, t *node) (plan.Type, bool, error) {
	info := t.take("type_info")
	if err := t.done(); err != nil {
		return plan.Type{}, false, err
	}
	if id == "DECIMAL" {
		return w.decimal(info)
	}
	kind, ok := kinds[id]
	if !ok || info.Type != gjson.Null { // a collation, an alias, an extension
		return plan.Type{}, false, nil
	}
	return plan.Of(kind), true, nil
}

func (w *walker) decimal(r gjson.Result) (plan.Type, bool, error) {
	info, err := w.open(r, "type_info")
	if err != nil {
		return plan.Type{}, false, err
	}
	if t, err := info.text("type"); err != nil || t != "DECIMAL_TYPE_INFO" {
		return plan.Type{}, false, err
	}
	width, scale := info.take("width").Uint(), info.take("scale").Uint()
	plain := absent(info.take("alias")) && absent(info.take("extension_info"))
	if err := info.done(); err != nil {
		return plan.Type{}, false, err
	}
	ok := plain && width >= 1 && width <= maxDigits && scale <= width
	return plan.Type{Kind: plan.KindDecimal, Precision: uint8(width), Scale: uint8(scale)}, ok, nil
}

// cast reads CAST, TRY_CAST and ::, which are all TRY_CAST in a plan: an error
// would tell that a row exists.
func (w *walker) cast(n *node) (plan.Expr, error) {
	if _, err := n.expect("OPERATOR_CAST"); err != nil {
		return nil, err
	}
	if _, err := n.flag("try_cast"); err != nil {
		return nil, err
	}
	arg, err := w.expr(n.take("child"))
	if err != nil {
		return nil, err
	}
	t, err := w.open(n.take("cast_type"), "type")
	if err != nil {
		return nil, err
	}
	id, err := t.text("id")
	if err != nil {
		return nil, err
	}
	typ, ok, err := w.typeOf(id, t)
	pos := first(n.pos, arg)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, otherType.refuse(pos)
	}
	if b, ok := truth(arg, typ); ok {
		return &plan.Literal{Value: plan.BoolValue(b), Pos: pos}, nil
	}
	return &plan.Cast{Arg: arg, To: typ, Pos: pos}, nil
}

// truth recognises TRUE and FALSE, which DuckDB writes as casts of 't' and 'f'.
func truth(arg plan.Expr, to plan.Type) (value, ok bool) {
	lit, isLit := arg.(*plan.Literal)
	if !isLit || to.Kind != plan.KindBoolean || lit.Value.Type.Kind != plan.KindVarchar {
		return false, false
	}
	return lit.Value.Str == "t", oneOf(lit.Value.Str, "t", "f")
}

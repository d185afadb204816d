package plan

// Class says which types an argument of a function may have.
type Class uint8

// The classes of argument. Binding inserts casts, so that in a Bound plan an
// argument has exactly the type that its class names.
const (
	ClassAny     Class = iota + 1 // any type
	ClassSame                     // one type, the same for all arguments of this class
	ClassBoolean                  // boolean
	ClassDouble                   // double
	ClassBigint                   // bigint
	ClassText                     // varchar
	ClassTime                     // date or timestamp
	ClassPattern                  // a varchar literal, never NULL
	ClassPart                     // a varchar literal out of DateParts, never NULL
	ClassDigits                   // an integer literal from 0 to MaxDigits
	ClassIndex                    // an integer literal from 1 to MaxIndex
	ClassDivisor                  // an integer literal from 1 to MaxIndex
	ClassFinite                   // a double literal, neither NULL nor NaN nor infinite
)

// Limits of literal arguments.
const (
	MaxDigits = int64(12)
	MaxIndex  = int64(1) << 31
)

// DateParts are the units of date_trunc. Those after "day" are for timestamps
// only.
var DateParts = []string{"year", "quarter", "month", "week", "day", "hour", "minute"}

// Function is one entry of an allow-list. A call has len(Args) − Optional to
// len(Args) arguments, or any larger number when Variadic, and then the last
// class repeats.
type Function struct {
	Name     string
	Args     []Class
	Optional int
	Variadic bool
	Result   Class // ClassSame and ClassTime: the type of the argument of that class
}

// RowFunctions lists every function that may stand in a Filter, a Mask or a
// Value, beside the nodes Column, Literal, In, Case and Cast. Each is
// deterministic and total: no input makes it fail, because an error would tell
// that a row exists. An engine renders them so that
//
//   - NULL in any argument gives NULL, except for "and", "or", "is null",
//     "is not null", "coalesce", "least", "greatest", "nullif" and "concat",
//     which follow SQL (least, greatest and concat pass over NULLs);
//   - arithmetic is on doubles and never overflows; "/" by zero is NULL. "-"
//     with one argument negates. NaN and infinities are ordinary doubles here
//     (a sum turns NaN into its lower bound);
//   - "//" and "%" are integer division and remainder, truncating towards
//     zero, by a positive constant;
//   - comparisons have operands of one type and, for doubles, a total order in
//     which NaN is the largest and equal to itself;
//   - "like" has the wildcards % and _ and no escape character;
//   - "substring" counts characters from 1; its third argument is a length;
//     "length" counts characters; "trim" removes spaces at both ends;
//   - "date_trunc" returns the type of its second argument; it, "year",
//     "quarter", "month", "day" and "dayofweek" (Sunday is 0) are NULL for
//     infinite dates and for years outside 1 to 9999;
//   - "sqrt" is NULL below zero, "ln" and "log10" at and below it, and "power"
//     for a negative base with an exponent that is no whole number. "exp" and
//     "power" overflow to infinities;
//   - "width_bucket" has the arguments x, lo, hi and n, and is what WidthBucket
//     computes: 0 for x below lo, n + 1 from hi on (NaN is the largest), and
//     NULL for all x unless lo < hi and hi − lo is finite;
//   - Cast is TRY_CAST: what does not fit is NULL;
//   - In has a list of literals of Arg's type, without NULLs; Case has boolean
//     conditions and results of one type.
//
// A literal NULL keeps the type that its place asks for.
var RowFunctions = []Function{
	{Name: "+", Args: []Class{ClassDouble, ClassDouble}, Result: ClassDouble},
	{Name: "-", Args: []Class{ClassDouble, ClassDouble}, Optional: 1, Result: ClassDouble},
	{Name: "*", Args: []Class{ClassDouble, ClassDouble}, Result: ClassDouble},
	{Name: "/", Args: []Class{ClassDouble, ClassDouble}, Result: ClassDouble},
	{Name: "//", Args: []Class{ClassBigint, ClassDivisor}, Result: ClassBigint},
	{Name: "%", Args: []Class{ClassBigint, ClassDivisor}, Result: ClassBigint},
	{Name: "=", Args: []Class{ClassSame, ClassSame}, Result: ClassBoolean},
	{Name: "<>", Args: []Class{ClassSame, ClassSame}, Result: ClassBoolean},
	{Name: "<", Args: []Class{ClassSame, ClassSame}, Result: ClassBoolean},
	{Name: "<=", Args: []Class{ClassSame, ClassSame}, Result: ClassBoolean},
	{Name: ">", Args: []Class{ClassSame, ClassSame}, Result: ClassBoolean},
	{Name: ">=", Args: []Class{ClassSame, ClassSame}, Result: ClassBoolean},
	{Name: "and", Args: []Class{ClassBoolean, ClassBoolean}, Variadic: true, Result: ClassBoolean},
	{Name: "or", Args: []Class{ClassBoolean, ClassBoolean}, Variadic: true, Result: ClassBoolean},
	{Name: "not", Args: []Class{ClassBoolean}, Result: ClassBoolean},
	{Name: "is null", Args: []Class{ClassAny}, Result: ClassBoolean},
	{Name: "is not null", Args: []Class{ClassAny}, Result: ClassBoolean},
	{Name: "like", Args: []Class{ClassText, ClassPattern}, Result: ClassBoolean},
	{Name: "coalesce", Args: []Class{ClassSame}, Variadic: true, Result: ClassSame},
	{Name: "nullif", Args: []Class{ClassSame, ClassSame}, Result: ClassSame},
	{Name: "least", Args: []Class{ClassSame}, Variadic: true, Result: ClassSame},
	{Name: "greatest", Args: []Class{ClassSame}, Variadic: true, Result: ClassSame},
	{Name: "abs", Args: []Class{ClassDouble}, Result: ClassDouble},
	{Name: "sign", Args: []Class{ClassDouble}, Result: ClassBigint},
	{Name: "floor", Args: []Class{ClassDouble}, Result: ClassDouble},
	{Name: "ceil", Args: []Class{ClassDouble}, Result: ClassDouble},
	{Name: "round", Args: []Class{ClassDouble, ClassDigits}, Optional: 1, Result: ClassDouble},
	{Name: "sqrt", Args: []Class{ClassDouble}, Result: ClassDouble},
	{Name: "ln", Args: []Class{ClassDouble}, Result: ClassDouble},
	{Name: "log10", Args: []Class{ClassDouble}, Result: ClassDouble},
	{Name: "exp", Args: []Class{ClassDouble}, Result: ClassDouble},
	{Name: "power", Args: []Class{ClassDouble, ClassDouble}, Result: ClassDouble},
	{Name: "width_bucket", Args: []Class{ClassDouble, ClassFinite, ClassFinite, ClassIndex}, Result: ClassBigint},
	{Name: "lower", Args: []Class{ClassText}, Result: ClassText},
	{Name: "upper", Args: []Class{ClassText}, Result: ClassText},
	{Name: "trim", Args: []Class{ClassText}, Result: ClassText},
	{Name: "length", Args: []Class{ClassText}, Result: ClassBigint},
	{Name: "substring", Args: []Class{ClassText, ClassIndex, ClassIndex}, Optional: 1, Result: ClassText},
	{Name: "concat", Args: []Class{ClassText}, Variadic: true, Result: ClassText},
	{Name: "||", Args: []Class{ClassText, ClassText}, Result: ClassText},
	{Name: "starts_with", Args: []Class{ClassText, ClassText}, Result: ClassBoolean},
	{Name: "contains", Args: []Class{ClassText, ClassText}, Result: ClassBoolean},
	{Name: "year", Args: []Class{ClassTime}, Result: ClassBigint},
	{Name: "quarter", Args: []Class{ClassTime}, Result: ClassBigint},
	{Name: "month", Args: []Class{ClassTime}, Result: ClassBigint},
	{Name: "day", Args: []Class{ClassTime}, Result: ClassBigint},
	{Name: "dayofweek", Args: []Class{ClassTime}, Result: ClassBigint},
	{Name: "date_trunc", Args: []Class{ClassPart, ClassTime}, Result: ClassTime},
}

// ViewFunctions lists every function that may stand in a Having, an Output or
// an Order, beside the nodes Literal, AggRef, KeyRef, OutputRef, In, Case and
// Cast (to double, bigint or varchar). They are computed on noised
// values, where numbers of different types mix freely: ClassDouble stands for
// any number, and ClassSame for numbers among each other or equal types.
var ViewFunctions = []Function{
	{Name: "+", Args: []Class{ClassDouble, ClassDouble}, Result: ClassDouble},
	{Name: "-", Args: []Class{ClassDouble, ClassDouble}, Optional: 1, Result: ClassDouble},
	{Name: "*", Args: []Class{ClassDouble, ClassDouble}, Result: ClassDouble},
	{Name: "/", Args: []Class{ClassDouble, ClassDouble}, Result: ClassDouble},
	{Name: "//", Args: []Class{ClassDouble, ClassDouble}, Result: ClassDouble},
	{Name: "%", Args: []Class{ClassDouble, ClassDouble}, Result: ClassDouble},
	{Name: "=", Args: []Class{ClassSame, ClassSame}, Result: ClassBoolean},
	{Name: "<>", Args: []Class{ClassSame, ClassSame}, Result: ClassBoolean},
	{Name: "<", Args: []Class{ClassSame, ClassSame}, Result: ClassBoolean},
	{Name: "<=", Args: []Class{ClassSame, ClassSame}, Result: ClassBoolean},
	{Name: ">", Args: []Class{ClassSame, ClassSame}, Result: ClassBoolean},
	{Name: ">=", Args: []Class{ClassSame, ClassSame}, Result: ClassBoolean},
	{Name: "and", Args: []Class{ClassBoolean, ClassBoolean}, Variadic: true, Result: ClassBoolean},
	{Name: "or", Args: []Class{ClassBoolean, ClassBoolean}, Variadic: true, Result: ClassBoolean},
	{Name: "not", Args: []Class{ClassBoolean}, Result: ClassBoolean},
	{Name: "is null", Args: []Class{ClassAny}, Result: ClassBoolean},
	{Name: "is not null", Args: []Class{ClassAny}, Result: ClassBoolean},
	{Name: "coalesce", Args: []Class{ClassSame}, Variadic: true, Result: ClassSame},
	{Name: "nullif", Args: []Class{ClassSame, ClassSame}, Result: ClassSame},
	{Name: "least", Args: []Class{ClassSame}, Variadic: true, Result: ClassSame},
	{Name: "greatest", Args: []Class{ClassSame}, Variadic: true, Result: ClassSame},
	{Name: "abs", Args: []Class{ClassDouble}, Result: ClassDouble},
	{Name: "floor", Args: []Class{ClassDouble}, Result: ClassDouble},
	{Name: "ceil", Args: []Class{ClassDouble}, Result: ClassDouble},
	{Name: "round", Args: []Class{ClassDouble, ClassDigits}, Optional: 1, Result: ClassDouble},
}

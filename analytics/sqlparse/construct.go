package sqlparse

import (
	"fmt"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// construct is a part of SQL that is not permitted. field is where it shows in
// the tree, for those that show as a field.
type construct struct {
	field   string
	name    string
	instead string
}

// refuse returns the error that names the construct.
func (c construct) refuse(at plan.Pos) error {
	err := privacy.Errorf(privacy.CodeQueryNotPermitted, "%s is not permitted", c.name).At(int(at))
	if c.instead != "" {
		err = err.Suggest("%s", c.instead)
	}
	return err
}

const simpleForm = "SELECT keys and aggregates FROM one dataset [WHERE …] [GROUP BY …] [HAVING …] [ORDER BY …] [LIMIT n]"

// Constructs by the part of the tree where they are met.
var (
	otherStatement = construct{name: "a statement other than SELECT", instead: simpleForm}
	severalQueries = construct{name: "more than one statement", instead: "send one SELECT at a time"}
	unsupported    = construct{name: "a construct of this query that DuckDB itself cannot serialize", instead: simpleForm}
	noStatement    = construct{name: "an empty statement", instead: simpleForm}
	deepNesting    = construct{name: "nesting of more than 100 levels", instead: "flatten the expression; AND and OR chains count as one level"}
	parameters     = construct{name: "a query parameter", instead: "write the value into the query"}

	setOperation = construct{name: "UNION, INTERSECT or EXCEPT", instead: "send one query for each part"}
	recursion    = construct{name: "WITH RECURSIVE", instead: simpleForm}
	otherNode    = construct{name: "this form of query", instead: simpleForm}

	sameName       = construct{name: "the same name twice in WITH", instead: "choose another name"}
	recursionKeys  = construct{field: "key_targets", name: "WITH RECURSIVE", instead: simpleForm}
	manyTables     = construct{name: fmt.Sprintf("reading more than %d tables", MaxTables), instead: "join fewer tables; each use of a WITH entry counts"}
	manyNodes      = construct{name: fmt.Sprintf("a query of more than %d expressions", MaxNodes), instead: "shorten it; each use of a WITH entry counts"}
	deepSubqueries = construct{name: fmt.Sprintf("nesting of more than %d subqueries", MaxSubqueries), instead: "write the query with fewer levels"}
	sample         = construct{field: "sample", name: "TABLESAMPLE or USING SAMPLE", instead: "leave the sample out; the cost of a query does not depend on the number of rows"}
	qualify        = construct{field: "qualify", name: "QUALIFY", instead: "use HAVING, which is computed on the noised values"}
	groupSets      = construct{name: "GROUPING SETS, ROLLUP, CUBE or GROUP BY ()", instead: "use GROUP BY with a list of columns"}

	distinct      = construct{name: "SELECT DISTINCT", instead: "use GROUP BY"}
	percentLimit  = construct{name: "a LIMIT in percent", instead: "use LIMIT with a number of rows"}
	limitValue    = construct{name: "a LIMIT or OFFSET other than a whole number from 0", instead: "use LIMIT 10 OFFSET 20"}
	orderAll      = construct{name: "ORDER BY ALL", instead: "name the columns to order by"}
	otherModifier = construct{name: "this clause", instead: simpleForm}

	noTable        = construct{name: "a SELECT without FROM", instead: "SELECT COUNT(*) FROM a dataset"}
	otherJoin      = construct{name: "this kind of join", instead: "use [INNER] JOIN … ON, or LEFT JOIN … ON"}
	naturalJoin    = construct{name: "NATURAL JOIN", instead: "use JOIN … USING (…)"}
	asofJoin       = construct{name: "ASOF JOIN", instead: "use JOIN … ON with equalities"}
	positionalJoin = construct{name: "POSITIONAL JOIN", instead: "use JOIN … ON with equalities"}
	lateralJoin    = construct{name: "LATERAL", instead: "use JOIN … ON with equalities"}
	joinAlias      = construct{field: "alias", name: "an alias for a join", instead: "give each table its own"}
	tableFunction  = construct{name: "a table function", instead: "name a dataset in FROM"}
	describe       = construct{name: "DESCRIBE, SHOW or SUMMARIZE", instead: "GET /v1/datasets shows datasets and their contracts"}
	values         = construct{name: "VALUES", instead: "name a dataset in FROM"}
	pivot          = construct{name: "PIVOT or UNPIVOT", instead: "use GROUP BY"}
	otherTable     = construct{name: "this kind of relation", instead: "name a dataset in FROM"}

	catalogName  = construct{field: "catalog_name", name: "a catalog in front of the dataset", instead: "write dataset, or dataset.table"}
	columnRename = construct{field: "column_name_alias", name: "renaming columns in FROM", instead: "use AS in the SELECT list"}
	timeTravel   = construct{field: "at_clause", name: "AT (VERSION or TIMESTAMP)", instead: "leave it out; a query reads the current generation"}

	star            = construct{name: "*", instead: "name the columns and aggregates, for example COUNT(*)"}
	subquery        = construct{name: "a subquery", instead: "write out the values, for example IN (1, 2)"}
	window          = construct{name: "a window function (OVER)", instead: "use GROUP BY"}
	lambda          = construct{name: "a lambda", instead: "use an expression of columns"}
	collate         = construct{name: "COLLATE", instead: "use lower(…) to compare without regard to case"}
	positional      = construct{name: "a positional reference (#n)", instead: "name the column"}
	defaultValue    = construct{name: "DEFAULT", instead: "write the value"}
	grouping        = construct{name: "GROUPING()", instead: "use GROUP BY with a list of columns"}
	element         = construct{name: "access to an element of a list or struct", instead: "use a declared column"}
	tryExpression   = construct{name: "TRY", instead: "use TRY_CAST; every permitted function gives NULL instead of an error"}
	distinctFrom    = construct{name: "IS [NOT] DISTINCT FROM, or IS [NOT] TRUE or FALSE", instead: "use =, <> and IS NULL"}
	otherExpression = construct{name: "this kind of expression"}
	qualifiedName   = construct{name: "a name of more than two parts", instead: "write column, or table.column"}
	namedArgument   = construct{field: "alias", name: "a named argument or an alias within an expression", instead: "write the arguments in order"}

	aggregateOrder    = construct{name: "ORDER BY inside an aggregate", instead: "leave it out; it does not change COUNT, SUM or AVG"}
	quantileOrder     = construct{name: "WITHIN GROUP (ORDER BY …) in this form", instead: "use PERCENTILE_CONT(q) WITHIN GROUP (ORDER BY x), or QUANTILE_CONT(x, q)"}
	exportState       = construct{field: "export_state", name: "EXPORT_STATE", instead: "use the aggregate itself"}
	functionSchema    = construct{name: "a schema in front of a function", instead: "write the function's name alone"}
	likeEscape        = construct{name: "LIKE with ESCAPE", instead: "use LIKE with % and _, or contains(…)"}
	ilike             = construct{name: "ILIKE", instead: "use lower(…) LIKE"}
	regularExpression = construct{name: "a regular expression (SIMILAR TO, ~)", instead: "use LIKE, contains(…) or starts_with(…)"}
	glob              = construct{name: "GLOB", instead: "use LIKE with % and _"}
	interval          = construct{name: "INTERVAL", instead: "compare with a date, for example DATE '2024-01-31'"}
	clock             = construct{name: "a clock, such as now() or today(),", instead: "an answer does not depend on when it is asked for: write the date out, for example DATE '2024-01-31'"}
	list              = construct{name: "a list, struct, row or map", instead: "use plain values, for example a IN (1, 2)"}

	bigNumber     = construct{name: "a number of more than 18 digits", instead: "use a shorter number, or 1.5e30"}
	otherConstant = construct{name: "a constant of this type", instead: "use a number, a text, TRUE, FALSE, DATE '…' or TIMESTAMP '…'"}
	otherType     = construct{name: "a cast to this type", instead: "use BOOLEAN, TINYINT, SMALLINT, INTEGER, BIGINT, DECIMAL(p, s) of at most 18 digits, DOUBLE, VARCHAR, DATE or TIMESTAMP"}
)

// expressionClasses are the classes of expression that are refused by name.
var expressionClasses = map[string]construct{
	"STAR":                 star,
	"SUBQUERY":             subquery,
	"WINDOW":               window,
	"LAMBDA":               lambda,
	"COLLATE":              collate,
	"POSITIONAL_REFERENCE": positional,
	"DEFAULT":              defaultValue,
	"PARAMETER":            parameters,
}

// operatorTypes likewise, within the class OPERATOR.
var operatorTypes = map[string]construct{
	"GROUPING_FUNCTION": grouping,
	"ARRAY_EXTRACT":     element,
	"ARRAY_SLICE":       element,
	"STRUCT_EXTRACT":    element,
	"ARRAY_CONSTRUCTOR": list,
	"OPERATOR_TRY":      tryExpression,
}

// functions likewise: what DuckDB writes for syntax, not for a name that the
// analyst chose, and clocks. All other names are judged by the planner.
var functions = map[string]construct{
	"like_escape": likeEscape, "not_like_escape": likeEscape, "ilike_escape": likeEscape, "not_ilike_escape": likeEscape,
	"~~*": ilike, "!~~*": ilike,
	"regexp_full_match": regularExpression,
	"~~~":               glob,
	"to_years":          interval, "to_months": interval, "to_days": interval, "to_hours": interval, "to_minutes": interval,
	"to_seconds": interval, "to_milliseconds": interval, "to_microseconds": interval, "to_weeks": interval, "to_quarters": interval,
	"to_decades": interval, "to_centuries": interval, "to_millennia": interval,
	"now": clock, "today": clock, "current_date": clock, "current_time": clock, "current_timestamp": clock,
	"current_localtime": clock, "current_localtimestamp": clock, "localtime": clock, "localtimestamp": clock,
	"get_current_time": clock, "get_current_timestamp": clock, "transaction_timestamp": clock,
	"list_value": list, "struct_pack": list, "row": list, "map": list,
	"unnest": list,
}

// tableTypes likewise, for what stands in FROM.
var tableTypes = map[string]construct{
	"EMPTY":           noTable,
	"TABLE_FUNCTION":  tableFunction,
	"SHOW_REF":        describe,
	"EXPRESSION_LIST": values,
	"COLUMN_DATA":     values,
	"PIVOT":           pivot,
}

package sqlparse

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/tidwall/gjson"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Limits on the text of a query.
const (
	MaxBytes = 16 << 10
	MaxDepth = 100
	// MaxTables, MaxSubqueries (one within the other) and MaxNodes (of
	// expressions) bound a query after its CTEs are written out.
	MaxTables     = 8
	MaxSubqueries = 8
	MaxNodes      = 10_000
	// maxComments bounds "/*": DuckDB's scanner is quadratic in nested ones.
	maxComments = 100
)

// connections is how many statements are parsed at a time; a parse takes well
// under a millisecond.
const connections = 4

// setup makes the instance useless for anything but parsing.
var setup = []string{
	"SET threads = 1",
	"SET memory_limit = '128MB'",
	"SET autoinstall_known_extensions = false",
	"SET autoload_known_extensions = false",
	"SET enable_external_access = false",
	"SET lock_configuration = true",
}

// serialize prints as VARCHAR because the driver would decode the JSON type,
// and DuckDB writes a bare Infinity that is no JSON.
const serialize = "SELECT json_serialize_sql(?::VARCHAR)::VARCHAR"

// Parser parses queries. It is safe for concurrent use.
type Parser struct {
	db   *sql.DB
	stmt *sql.Stmt
}

// New starts the DuckDB instance that parses. It holds no data.
func New() (*Parser, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, privacy.Internal(err, "start the SQL parser")
	}
	p := &Parser{db: sql.OpenDB(connector)}
	p.db.SetMaxOpenConns(connections)
	p.db.SetMaxIdleConns(connections)
	for _, s := range setup {
		if _, err := p.db.Exec(s); err != nil {
			return nil, privacy.Internal(errors.Join(err, p.Close()), "lock the SQL parser down")
		}
	}
	if p.stmt, err = p.db.Prepare(serialize); err != nil {
		return nil, privacy.Internal(errors.Join(err, p.Close()), "prepare the SQL parser")
	}
	return p, nil
}

// Close stops the instance.
func (p *Parser) Close() error {
	var err error
	if p.stmt != nil {
		err = p.stmt.Close()
	}
	return errors.Join(err, p.db.Close())
}

// Parse reads one query. Its errors have CodeSQLSyntax or
// CodeQueryNotPermitted, with a position where there is one, and depend on the
// text only.
func (p *Parser) Parse(ctx context.Context, text string) (*plan.Select, error) {
	return p.parse(ctx, text, nil)
}

// ParseTemplate reads a query in which each parameter, $name, stands for the
// expression of that name. An argument never becomes text: the tree that DuckDB
// makes of the text is the same whatever it is, and it takes the place of one
// node of it. All parameters of the text must have an argument, and all arguments
// a parameter.
func (p *Parser) ParseTemplate(ctx context.Context, text string, arguments map[string]plan.Expr) (*plan.Select, error) {
	return p.parse(ctx, text, &template{arguments: arguments, used: map[string]bool{}})
}

func (p *Parser) parse(ctx context.Context, text string, t *template) (*plan.Select, error) {
	if err := check(text); err != nil {
		return nil, err
	}
	var tree string
	if err := p.stmt.QueryRowContext(ctx, text).Scan(&tree); err != nil {
		return nil, privacy.Internal(err, "serialize SQL")
	}
	if !gjson.Valid(tree) { // Infinity and NaN are the only way there
		return nil, privacy.Errorf(privacy.CodeQueryNotPermitted, "a number in this query is too large").
			Suggest("use numbers below 1e308")
	}
	w := &walker{text: text, template: t}
	sel, err := w.document(gjson.Parse(tree))
	if err != nil {
		return nil, err
	}
	return sel, t.complete()
}

// check refuses texts that must not reach DuckDB.
func check(text string) error {
	switch {
	case len(text) > MaxBytes:
		return privacy.Errorf(privacy.CodeQueryNotPermitted, "the query is longer than %d bytes", MaxBytes).
			Suggest("shorten it, or split it into several queries")
	case !utf8.ValidString(text):
		return privacy.Errorf(privacy.CodeSQLSyntax, "the query is not valid UTF-8")
	case strings.IndexByte(text, 0) >= 0:
		at := utf8.RuneCountInString(text[:strings.IndexByte(text, 0)]) + 1
		return privacy.Errorf(privacy.CodeSQLSyntax, "the query contains a NUL character").At(at)
	case strings.Count(text, "/*") > maxComments:
		return privacy.Errorf(privacy.CodeQueryNotPermitted, "the query has more than %d comments", maxComments)
	}
	return nil
}

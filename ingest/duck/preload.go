package duck

import (
	"context"
	"database/sql"
	"errors"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/noised/noised/ingest/segment"
)

// Preload brings the extension that encrypts into the process, with the libraries of
// the system that it needs: a process that has shut itself off can open none of them.
// Open loads it again, from memory. Without an extension there is nothing to do.
func Preload(ctx context.Context, e segment.Encryption) (err error) {
	if e.Extension == "" {
		return nil
	}
	connector, err := duckdb.NewConnector("?threads=1&autoinstall_known_extensions=false&autoload_known_extensions=false", nil)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "LOAD "+segment.Literal(e.Extension))
	return err
}

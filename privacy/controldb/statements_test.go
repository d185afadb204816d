package controldb

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
)

// TestAStatementMayRunWhileItIsRead: the same text, inside the loop over its own
// rows, and after a loop that was left early.
func TestAStatementMayRunWhileItIsRead(t *testing.T) {
	db, _ := withCounter(t)
	const query = `WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n`
	err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		var got []string
		for _, most := range []int{3, 5} {
			outer, err := tx.QueryContext(ctx, query, 1)
			if err != nil {
				return err
			}
			for n := 0; n < most && outer.Next(); n++ {
				var i, inner int
				if err := outer.Scan(&i); err != nil {
					return err
				}
				if err := tx.QueryRowContext(ctx, query, i).Scan(&inner); err != nil {
					return err
				}
				got = append(got, fmt.Sprint(i, inner))
			}
			if err := outer.Close(); err != nil {
				return err
			}
		}
		if want := "[1 1 2 2 3 3 1 1 2 2 3 3 4 4 5 5]"; fmt.Sprint(got) != want {
			t.Errorf("read %v, want %s", got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestStatementsFollowTheSchema: one that is kept runs on the table as it is now.
func TestStatementsFollowTheSchema(t *testing.T) {
	db, path := withCounter(t)
	other := open(t, path)
	for i := range 3 {
		if got := count(t, db); got != i {
			t.Errorf("counter = %d, want %d", got, i)
		}
		if err := db.InTx(t.Context(), increment); err != nil {
			t.Fatal(err)
		}
		exec(t, other, fmt.Sprintf(`ALTER TABLE counter ADD COLUMN c%d INTEGER`, i))
		exec(t, other, `CREATE TABLE copy AS SELECT * FROM counter`)
		exec(t, other, `DROP TABLE counter`)
		exec(t, other, `ALTER TABLE copy RENAME TO counter`)
	}
}

// TestFewStatementsAreKept: a program that makes up its statements does not grow.
func TestFewStatementsAreKept(t *testing.T) {
	db, _ := withCounter(t)
	err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		for i := range 3 * maxStatements {
			var got int
			if err := tx.QueryRowContext(ctx, fmt.Sprint("SELECT ", i)).Scan(&got); err != nil || got != i {
				return fmt.Errorf("SELECT %d gave %d: %w", i, got, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w, err := db.writer.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	if err := w.Raw(func(c any) error {
		if n := len(c.(*conn).kept); n != maxStatements {
			t.Errorf("%d statements are kept, want %d", n, maxStatements)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestRowsAreWrittenOnceAndInOrder for numbers of rows around the statements'
// sizes.
func TestRowsAreWrittenOnceAndInOrder(t *testing.T) {
	db, _ := withCounter(t)
	exec(t, db, `CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL)`)
	total := 0
	for _, n := range []int{0, 1, 3, 4, 15, 16, 21, 127, 128, 300} {
		err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			inserts := InsertInto("things (name)", 1)
			updates := UpdateFrom("UPDATE things SET name = name || new.column2", "things.id = new.column1", 2)
			for i := range n {
				inserts.Add(fmt.Sprint("row ", total+i+1))
				updates.Add(total+i+1, "!")
			}
			for range 2 { // the second time there is nothing left
				if err := inserts.Write(ctx, tx); err != nil {
					return err
				}
				if err := updates.Write(ctx, tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		total += n
		var rows, right int
		err = db.QueryRowContext(t.Context(), `SELECT count(*), coalesce(sum(name = 'row ' || id || '!'), 0) FROM things`).Scan(&rows, &right)
		if err != nil || rows != total || right != total {
			t.Errorf("after %d more: %d rows, %d as they should be, want %d (%v)", n, rows, right, total, err)
		}
	}
}

package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/upload"
	"github.com/noised/noised/privacy"
)

// load turns the upload into a segment.
func (t *task) load(ctx context.Context) error {
	file := t.upload()
	defer file.Close()
	path, err := file.Plain(ctx)
	if err != nil {
		return t.ours(ctx, err, "decompressing")
	}
	more, err := file.Readable()
	if err != nil {
		return t.ours(ctx, err, "making scratch files")
	}
	d, err := t.open(ctx, append(append(t.parentPaths(), path), more...)...)
	if err != nil {
		return t.ours(ctx, err, "starting DuckDB")
	}
	err = t.loadFrom(ctx, d, file, path)
	if closing := d.Close(); err == nil {
		err = t.ours(ctx, closing, "closing DuckDB")
	}
	return err
}

func (t *task) loadFrom(ctx context.Context, d *duck.DB, file *upload.Upload, path string) error {
	src, err := file.Source(ctx, d, path)
	if err != nil {
		return t.ours(ctx, err, "reading the upload")
	}
	t.result.Ignored = src.Ignored
	if done, err := t.direct(ctx, d, src); done || err != nil {
		return t.ours(ctx, err, "writing the segment")
	}
	if err := d.Attach(ctx, t.stagePath(path), stageDB, false); err != nil {
		return t.ours(ctx, err, "creating the scratch file")
	}
	if err := t.attachParent(ctx, d); err != nil {
		return t.ours(ctx, err, "opening the parent table")
	}
	if t.ownerless, err = t.parentIsEmpty(ctx, d); err != nil {
		return t.ours(ctx, err, "looking for the parent's rows")
	}
	if src, err = t.stage(ctx, d, src); err != nil {
		return err
	}
	t.result.Ignored = src.Ignored
	if t.ownerless && t.result.RowsRead > 0 {
		t.result.RowsRead, t.result.RowsRejected = 0, 0 // nobody looked at them
		return t.parentFirst()
	}
	if err := t.collectRejects(ctx, d, src); err != nil {
		return t.ours(ctx, err, "listing rejected rows")
	}
	if bad := t.result.RowsRejected; bad > t.spec.MaxBadRecords {
		if err := t.writeRejects(); err != nil {
			return t.ours(ctx, err, "writing the reject file")
		}
		return t.tooManyBad(bad)
	}
	if err := t.attachEarlier(ctx, d); err != nil {
		return t.ours(ctx, err, "opening earlier segments")
	}
	if err := t.writeSegment(ctx, d); err != nil {
		return t.ours(ctx, err, "writing the segment")
	}
	if err := t.collectExcess(ctx, d, src); err != nil {
		return t.ours(ctx, err, "listing rows of crowded units")
	}
	return t.ours(ctx, t.writeRejects(), "writing the reject file")
}

// stagePath returns where rows are staged: in memory when they are sure to fit
// beside their sorting, since writing a scratch file takes longer than reading
// a small upload does. (Should they not fit, DuckDB spills.)
func (t *task) stagePath(plain string) string {
	share := int64(t.spec.MemoryMB) << 20 / 8
	if !t.spec.Format.HasLines() {
		share /= 4 // columns are compressed
	}
	if info, err := os.Stat(plain); err == nil && info.Size() <= share {
		return ":memory:"
	}
	return filepath.Join(t.spec.Dir, "stage.duckdb")
}

// stage reads the upload into the scratch file, by the fast way first. Where
// that meets a row to be rejected and lines are known to the scanner only, the
// upload is read again through the scanner. It returns the source that was
// staged.
func (t *task) stage(ctx context.Context, d *duck.DB, src *upload.Source) (*upload.Source, error) {
	if src.Relation != "" {
		bad, err := t.stageFrom(ctx, d, src)
		if err == nil && (bad == 0 || src.Rewrite == nil || t.ownerless) {
			return src, nil
		}
		if err != nil {
			if known := t.environment(ctx, err); known != nil {
				return nil, known
			}
			if src.Rewrite == nil {
				return nil, t.unreadable()
			}
		}
	}
	src, err := src.Rewrite(ctx)
	if err != nil {
		return nil, t.ours(ctx, err, "reading line by line")
	}
	if _, err := t.stageFrom(ctx, d, src); err != nil {
		if known := t.environment(ctx, err); known != nil {
			return nil, known
		}
		return nil, t.unreadable()
	}
	return src, nil
}

// stageFrom fills the scratch table and counts.
func (t *task) stageFrom(ctx context.Context, d *duck.DB, src *upload.Source) (bad int64, err error) {
	t.seen.Store(0)
	query, err := t.stageSQL(src)
	if err != nil {
		return 0, err
	}
	if t.ownerless {
		query += " LIMIT 1" // whether there is a row is all that matters
	}
	if err := d.Exec(ctx, "DROP TABLE IF EXISTS "+stageTable, query); err != nil {
		return 0, err
	}
	var rows int64
	if err := d.Ints(ctx, "SELECT count(*), count("+badColumn+") FROM "+stageTable, &rows, &bad); err != nil {
		return 0, err
	}
	t.owned = rows - bad
	if t.spec.Parent != nil {
		lost, err := t.findOwners(ctx, d)
		if err != nil {
			return 0, err
		}
		bad += lost
	}
	t.result.RowsRead = rows + t.malformed
	t.result.RowsRejected = bad + t.malformed
	return bad, nil
}

func (t *task) unreadable() error {
	return privacy.Errorf(privacy.CodeLoadRejected, "the file is not valid %s, or is damaged", t.spec.Format)
}

// tooManyBad says where the first bad row is and what is wrong with it, but
// not what it holds: messages are kept, the reject file can be deleted.
func (t *task) tooManyBad(bad int64) error {
	text := fmt.Sprintf("%d of %d rows are bad, and max_bad_records is %d", bad, t.result.RowsRead, t.spec.MaxBadRecords)
	if len(t.rejects) > 0 {
		r := t.rejects[0]
		where := fmt.Sprintf("line %d", r.Line)
		if !t.spec.Format.HasLines() {
			where = fmt.Sprintf("row %d", r.Line)
		}
		if r.Column != "" {
			where += ", column " + r.Column
		}
		text += "; the first: " + where + ": " + r.Reason
	}
	return privacy.Errorf(privacy.CodeLoadRejected, "%s", text)
}

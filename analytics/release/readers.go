package release

import (
	"context"

	"github.com/noised/noised/privacy"
)

// maxReaders is how many readers Readers names.
const maxReaders = 100

// Readers returns principals that were served a release, the first hundred of
// them; none for a release that there is not.
func (s *Store) Readers(ctx context.Context, id string) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT a.principal FROM releases r JOIN release_readers a ON a.release = r.id
		WHERE r.id = ? ORDER BY a.seq LIMIT ?`, id, maxReaders)
	if err != nil {
		return nil, privacy.Internal(err, "read readers of release")
	}
	defer func() { _ = rows.Close() }()
	var readers []string
	for rows.Next() {
		var p string
		if err := rows.Scan(&p); err != nil {
			return nil, privacy.Internal(err, "read readers of release")
		}
		readers = append(readers, p)
	}
	if err := rows.Err(); err != nil {
		return nil, privacy.Internal(err, "read readers of release")
	}
	return readers, nil
}

package erase

import (
	"context"
	"database/sql"

	"github.com/noised/noised/privacy"
)

// EndIn ends the erasures that wait or run on a dataset that is deleted, in the
// transaction that deletes it: everybody's rows go. What stood for the units is
// forgotten.
func (s *Service) EndIn(ctx context.Context, tx *sql.Tx, dataset string) error {
	open, err := find(ctx, tx, `dataset = ? AND state IN ('pending', 'running')`, dataset)
	if err != nil {
		return err
	}
	for _, e := range open {
		err := swap(ctx, tx, `UPDATE erasures SET state = 'failed', units = NULL, error_code = ?, error = 'the dataset was deleted, and everybody''s rows with it', finished_at = ?
			WHERE id = ? AND state IN ('pending', 'running')`, privacy.CodeConflict, s.o.Now().UnixMicro(), e.ID)
		if err != nil {
			return err
		}
		if err := s.log(ctx, tx, e, act{Act: "fail"}); err != nil {
			return err
		}
	}
	return nil
}

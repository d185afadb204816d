package consent

import (
	"context"
	"database/sql"

	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/privacy"
)

// EndIn ends what there is to agree on about a dataset that is deleted, in the
// transaction that deletes it: its templates are withdrawn, and proposals that wait
// expire, since what they would change is no more.
func (s *Service) EndIn(ctx context.Context, tx *sql.Tx, dataset string, by privacy.Principal) error {
	if err := template.WithdrawIn(ctx, tx, dataset, by, s.now()); err != nil {
		return err
	}
	pending, err := waiting(ctx, tx, `dataset = ?`, dataset)
	if err != nil {
		return err
	}
	for _, p := range pending {
		if err := s.decide(ctx, tx, p, StateExpired, by.ID); err != nil {
			return err
		}
	}
	return nil
}

package authn

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/noised/noised/privacy"
)

// useEvery is how often uses are written: at most one write a minute for each
// key, all in one transaction.
const useEvery = time.Minute

// uses remembers when keys were used until that is written. It holds keys that
// exist only, so that strangers cannot fill it.
type uses struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (u *uses) note(key string, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.at == nil {
		u.at = map[string]time.Time{}
	}
	u.at[key] = at
}

func (u *uses) take() map[string]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	at := u.at
	u.at = nil
	return at
}

// giveBack returns uses that could not be written, unless there are later ones.
func (u *uses) giveBack(at map[string]time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.at == nil {
		u.at = map[string]time.Time{}
	}
	for key, t := range at {
		if t.After(u.at[key]) {
			u.at[key] = t
		}
	}
}

// RecordUses writes once a minute which keys were used, until ctx ends, and
// then once more. Requests never wait for it. What it cannot write it keeps;
// failed hears why.
func (k *Keys) RecordUses(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(useEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		if err := k.writeUses(context.WithoutCancel(ctx)); err != nil {
			failed(err)
		}
	}
}

func (k *Keys) writeUses(ctx context.Context) error {
	taken := k.uses.take()
	if len(taken) == 0 {
		return nil
	}
	err := k.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for key, at := range taken {
			// A key may have gone with its tenant meanwhile.
			if _, err := tx.ExecContext(ctx, `INSERT INTO key_uses (key, used_at) SELECT id, ? FROM api_keys WHERE id = ?
				ON CONFLICT (key) DO UPDATE SET used_at = max(used_at, excluded.used_at)`, at.UnixMicro(), key); err != nil {
				return privacy.Internal(err, "recording the use of a key")
			}
		}
		return nil
	})
	if err != nil {
		k.uses.giveBack(taken)
	}
	return err
}

package wire

import (
	"context"
	"io"
)

// LogKey returns what the log's signatures are checked with, as the server says it.
func (a *API) LogKey(ctx context.Context) (LogKey, error) {
	return decode[LogKey](a.client.GetLogKey(ctx))
}

// Checkpoint returns the state of the log, a signed note.
func (a *API) Checkpoint(ctx context.Context) ([]byte, error) {
	r, err := succeed(a.client.GetCheckpoint(ctx))
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Body.Close() }()
	return io.ReadAll(io.LimitReader(r.Body, maxCheckpoint))
}

// maxCheckpoint bounds what is read of a note.
const maxCheckpoint = 8 << 10

// Consistency returns the proof that the log of so many leaves continues that of
// fewer.
func (a *API) Consistency(ctx context.Context, from, to int64) (ConsistencyProof, error) {
	return decode[ConsistencyProof](a.client.GetConsistencyProof(ctx, &GetConsistencyProofParams{From: from, To: to}))
}

// Log lists the log's entries that concern one's tenant, newest first.
func (a *API) Log(ctx context.Context, cursor string, limit int32) (LogEntryList, error) {
	return decode[LogEntryList](a.client.ListLog(ctx, &ListLogParams{Cursor: Optional(cursor), Limit: Optional(limit)}))
}

// Receipt returns the proof that a release and its charge are on the log, as it is
// to be kept.
func (a *API) Receipt(ctx context.Context, release string) (Receipt, error) {
	return decode[Receipt](a.client.GetReceipt(ctx, release))
}

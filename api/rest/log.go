package rest

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/analytics/record"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog/receipt"
)

// Record shows the transparency log: to everybody what is hashed and signed, and to
// principals what is theirs.
type Record interface {
	Verifier() (string, error)
	Checkpoint(ctx context.Context) ([]byte, error)
	Inclusion(ctx context.Context, leaf, size int64) (tlog.Hash, []tlog.Hash, error)
	Consistency(ctx context.Context, from, to int64) ([]tlog.Hash, error)
	List(ctx context.Context, p privacy.Principal, cursor string, limit int) ([]record.Entry, string, error)
	Receipt(ctx context.Context, p privacy.Principal, release string) (*receipt.Receipt, error)
}

// GetLogKey shows what the log's signatures are checked with.
func (s *server) GetLogKey(context.Context, skeleton.GetLogKeyRequestObject) (skeleton.GetLogKeyResponseObject, error) {
	verifier, err := s.Record.Verifier()
	if err != nil {
		return nil, err
	}
	return skeleton.GetLogKey200JSONResponse{Verifier: verifier}, nil
}

// GetCheckpoint shows the log's state, signed.
func (s *server) GetCheckpoint(ctx context.Context, _ skeleton.GetCheckpointRequestObject) (skeleton.GetCheckpointResponseObject, error) {
	signed, err := s.Record.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	return skeleton.GetCheckpoint200TextResponse(signed), nil
}

// GetInclusionProof proves that a leaf is on the log.
func (s *server) GetInclusionProof(ctx context.Context, r skeleton.GetInclusionProofRequestObject) (skeleton.GetInclusionProofResponseObject, error) {
	hash, proof, err := s.Record.Inclusion(ctx, r.Params.Leaf, r.Params.Size)
	if err != nil {
		return nil, err
	}
	return skeleton.GetInclusionProof200JSONResponse{Leaf: r.Params.Leaf, Size: r.Params.Size, Hash: hash.String(), Proof: mapped(proof, tlog.Hash.String)}, nil
}

// GetConsistencyProof proves that the log continues an earlier state.
func (s *server) GetConsistencyProof(ctx context.Context, r skeleton.GetConsistencyProofRequestObject) (skeleton.GetConsistencyProofResponseObject, error) {
	proof, err := s.Record.Consistency(ctx, r.Params.From, r.Params.To)
	if err != nil {
		return nil, err
	}
	return skeleton.GetConsistencyProof200JSONResponse{From: r.Params.From, To: r.Params.To, Proof: mapped(proof, tlog.Hash.String)}, nil
}

// ListLog lists the entries of the log that concern the caller's tenant.
func (s *server) ListLog(ctx context.Context, r skeleton.ListLogRequestObject) (skeleton.ListLogResponseObject, error) {
	items, next, err := s.Record.List(ctx, callOf(ctx).principal, valueOf(r.Params.Cursor), pageSize(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	return skeleton.ListLog200JSONResponse{Items: mapped(items, logEntryOf), Next: optional(next)}, nil
}

func logEntryOf(e record.Entry) wire.LogEntry {
	return wire.LogEntry{Index: e.Index, Kind: e.Kind, At: e.At, Hash: e.Hash.String(), Leaf: optional(e.Leaf), Opened: openedOf(e.Opened)}
}

func openedOf(parts []receipt.Opened) []wire.OpenedPart {
	return mapped(parts, func(o receipt.Opened) wire.OpenedPart {
		out := wire.OpenedPart{Part: o.Part, Nonce: o.Nonce, Text: o.Text, Place: o.Place}
		if len(o.Path) > 0 {
			out.Path = mapped(o.Path, tlog.Hash.String)
		}
		return out
	})
}

// GetReceipt proves that a release and its charge are on the log.
func (s *server) GetReceipt(ctx context.Context, r skeleton.GetReceiptRequestObject) (skeleton.GetReceiptResponseObject, error) {
	got, err := s.Record.Receipt(ctx, callOf(ctx).principal, r.Release)
	if err != nil {
		return nil, err
	}
	return skeleton.GetReceipt200JSONResponse{
		Format: got.Format, Release: got.Release, Charge: got.Charge, Checkpoint: got.Checkpoint,
		Entries: mapped(got.Entries, func(e receipt.Entry) wire.ReceiptEntry {
			out := wire.ReceiptEntry{Index: e.Index, Leaf: optional(e.Leaf), Proof: mapped(e.Proof, tlog.Hash.String), Opened: openedOf(e.Opened)}
			if e.LeafHash != nil {
				out.LeafHash = optional(e.LeafHash.String())
			}
			return out
		}),
	}, nil
}

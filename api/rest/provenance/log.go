package provenance

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/analytics/record"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy/translog/receipt"
)

// GetLogKey shows what the log's signatures are checked with.
func (h Handlers) GetLogKey(context.Context, skeleton.GetLogKeyRequestObject) (skeleton.GetLogKeyResponseObject, error) {
	verifier, err := h.Record.Verifier()
	if err != nil {
		return nil, err
	}
	return skeleton.GetLogKey200JSONResponse{Verifier: verifier}, nil
}

// GetCheckpoint shows the log's state, signed.
func (h Handlers) GetCheckpoint(ctx context.Context, _ skeleton.GetCheckpointRequestObject) (skeleton.GetCheckpointResponseObject, error) {
	signed, err := h.Record.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	return skeleton.GetCheckpoint200TextResponse(signed), nil
}

// GetInclusionProof proves that a leaf is on the log.
func (h Handlers) GetInclusionProof(ctx context.Context, r skeleton.GetInclusionProofRequestObject) (skeleton.GetInclusionProofResponseObject, error) {
	hash, proof, err := h.Record.Inclusion(ctx, r.Params.Leaf, r.Params.Size)
	if err != nil {
		return nil, err
	}
	return skeleton.GetInclusionProof200JSONResponse{Leaf: r.Params.Leaf, Size: r.Params.Size, Hash: hash.String(), Proof: wire.List(proof, tlog.Hash.String)}, nil
}

// GetConsistencyProof proves that the log continues an earlier state.
func (h Handlers) GetConsistencyProof(ctx context.Context, r skeleton.GetConsistencyProofRequestObject) (skeleton.GetConsistencyProofResponseObject, error) {
	proof, err := h.Record.Consistency(ctx, r.Params.From, r.Params.To)
	if err != nil {
		return nil, err
	}
	return skeleton.GetConsistencyProof200JSONResponse{From: r.Params.From, To: r.Params.To, Proof: wire.List(proof, tlog.Hash.String)}, nil
}

// ListLog lists the entries of the log that concern the caller's tenant.
func (h Handlers) ListLog(ctx context.Context, r skeleton.ListLogRequestObject) (skeleton.ListLogResponseObject, error) {
	items, next, err := h.Record.List(ctx, operation.Principal(ctx), wire.ValueOf(r.Params.Cursor), wire.PageSize(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	return skeleton.ListLog200JSONResponse{Items: wire.List(items, logEntryOf), Next: wire.Optional(next)}, nil
}

func logEntryOf(e record.Entry) wire.LogEntry {
	return wire.LogEntry{Index: e.Index, Kind: e.Kind, At: e.At, Hash: e.Hash.String(), Leaf: wire.Optional(e.Leaf), Opened: openedOf(e.Opened)}
}

func openedOf(parts []receipt.Opened) []wire.OpenedPart {
	return wire.List(parts, func(o receipt.Opened) wire.OpenedPart {
		out := wire.OpenedPart{Part: o.Part, Nonce: o.Nonce, Text: o.Text, Place: o.Place}
		if len(o.Path) > 0 {
			out.Path = wire.List(o.Path, tlog.Hash.String)
		}
		return out
	})
}

// GetReceipt proves that a release and its charge are on the log.
func (h Handlers) GetReceipt(ctx context.Context, r skeleton.GetReceiptRequestObject) (skeleton.GetReceiptResponseObject, error) {
	got, err := h.Record.Receipt(ctx, operation.Principal(ctx), r.Release)
	if err != nil {
		return nil, err
	}
	return skeleton.GetReceipt200JSONResponse{
		Format: got.Format, Release: got.Release, Charge: got.Charge, Checkpoint: got.Checkpoint,
		Entries: wire.List(got.Entries, func(e receipt.Entry) wire.ReceiptEntry {
			out := wire.ReceiptEntry{Index: e.Index, Leaf: wire.Optional(e.Leaf), Proof: wire.List(e.Proof, tlog.Hash.String), Opened: openedOf(e.Opened)}
			if e.LeafHash != nil {
				out.LeafHash = wire.Optional(e.LeafHash.String())
			}
			return out
		}),
	}, nil
}

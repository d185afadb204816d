package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/noised/noised/privacy/translog"
)

// releaseLeaf is the body of the leaf of a release. Its purpose is a commitment,
// unless it is from before there were any.
type releaseLeaf struct {
	Release    string `json:"release"`
	Charge     string `json:"charge"`
	Dataset    string `json:"dataset"`
	Policy     int64  `json:"policy"`
	Purpose    string `json:"purpose"`
	Commitment string `json:"commitment"`
}

// release holds a stored release against its leaf.
func (v *run) release(ctx context.Context, l *reading) {
	v.Releases++
	var leaf releaseLeaf
	if !v.decode(l, &leaf) {
		return
	}
	if l.released.String != leaf.Release || l.releaseCharge.String != leaf.Charge || l.releaseDataset.String != leaf.Dataset ||
		l.policy.Int64 != leaf.Policy || l.createdAt.Int64 != v.now {
		v.problem(l.idx, "release %s is not stored as the log says", leaf.Release)
		return
	}
	if v.deleted[leaf.Dataset] {
		v.problem(l.idx, "release %s is of dataset %s, which was deleted before", leaf.Release, leaf.Dataset)
	}
	if l.shredded.Bool {
		v.shredded[leaf.Dataset] = append(v.shredded[leaf.Dataset], leaf.Release)
	}
	core, purpose, ok := v.opened(ctx, l)
	if !ok {
		return
	}
	if leaf.Commitment == "" {
		if purpose != leaf.Purpose {
			v.problem(l.idx, "the purpose of release %s is not what the log says", leaf.Release)
		}
		return
	}
	if !l.releases(leaf, core, purpose) {
		v.problem(l.idx, "the stored result, loss, contract version or purpose of release %s is not what the log commits to", leaf.Release)
	}
}

// How sealed values begin.
var sealedCore = []byte("\xf7noised:")

const sealedText = "\x01noised:"

// opened returns what is stored of a release, opened; false if that cannot be done.
func (v *run) opened(ctx context.Context, l *reading) (core []byte, purpose string, ok bool) {
	core, purpose = l.core, l.purpose.String
	if !bytes.HasPrefix(core, sealedCore) && !strings.HasPrefix(purpose, sealedText) {
		return core, purpose, true
	}
	if v.open == nil {
		v.Sealed++
		return nil, "", false
	}
	core, purpose, err := v.open(ctx, l.released.String, core, purpose)
	if err != nil {
		v.problem(l.idx, "what is stored of release %s does not open: it was changed, or its key was forgotten", l.released.String)
		return nil, "", false
	}
	return core, purpose, true
}

// deletion notes that a dataset was deleted, and the results of its releases with it.
func (v *run) deletion(l *reading) {
	var leaf struct {
		Act     string `json:"act"`
		Dataset string `json:"dataset"`
	}
	if !v.decode(l, &leaf) {
		return
	}
	if v.deleted[leaf.Dataset] {
		v.problem(l.idx, "dataset %s got a leaf %q after it was deleted: its name is used again", leaf.Dataset, leaf.Act)
	}
	if leaf.Act == "delete" {
		v.deleted[leaf.Dataset] = true
	}
}

// compareDeleted holds the datasets that the store has as deleted against the leaves,
// and the releases whose results are gone.
func (v *run) compareDeleted(ctx context.Context) error {
	for dataset, releases := range v.shredded {
		if !v.deleted[dataset] {
			v.problem(-1, "the results of %d releases of dataset %s are gone, release %s among them, and the log does not say that it was deleted", len(releases), dataset, releases[0])
		}
	}
	rows, err := v.r.QueryContext(ctx, `SELECT dataset FROM deleted_datasets ORDER BY dataset`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var dataset string
		if err := rows.Scan(&dataset); err != nil {
			return err
		}
		if !v.deleted[dataset] {
			v.problem(-1, "dataset %s is deleted in the store, and the log does not say so", dataset)
		}
		delete(v.deleted, dataset)
	}
	for dataset := range v.deleted {
		v.problem(-1, "the log says that dataset %s was deleted, and the store has it", dataset)
	}
	return rows.Err()
}

// releases reports whether a release is the one that a leaf commits to.
func (l *reading) releases(leaf releaseLeaf, core []byte, purpose string) bool {
	if len(l.releaseNonce) != len(translog.Nonce{}) {
		return false
	}
	if !l.shredded.Bool {
		sum := sha256.Sum256(core)
		core = sum[:]
	}
	text, err := json.Marshal(struct {
		ContractVersion int64  `json:"contract_version"`
		Core            string `json:"core"`
		Delta           string `json:"delta"`
		Epsilon         string `json:"epsilon"`
	}{l.contractVersion.Int64, hex.EncodeToString(core), decimal(l.releaseDelta.Float64), decimal(l.releaseEpsilon.Float64)})
	open := translog.Nonce(l.releaseNonce).Parts()
	return err == nil && open("result").Commit(text) == leaf.Commitment && open("purpose").Commit([]byte(purpose)) == leaf.Purpose
}

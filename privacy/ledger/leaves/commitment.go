package leaves

import (
	"encoding/json"
	"strconv"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// Commitment is what a leaf commits to, behind the nonce of a charge or of a join.
type Commitment struct {
	Nonce  translog.Nonce
	detail string // the commitment to it; none of a join
	likely *Shares
	root   string // over the likely shares
}

// Commit takes a fresh nonce, and prepares what it can before the transaction that
// the charge is made in: the tree of a hundred tenants takes longer than the rest of
// their charge. What it is made for is likely only; a join has no detail.
func Commit(detail []byte, likely *Shares) Commitment {
	c := Commitment{Nonce: translog.NewNonce(), likely: likely}
	if detail != nil {
		c.detail = c.Nonce.Parts()(partDetail).Commit(detail)
	}
	if likely != nil {
		c.root = translog.PartiesRoot(c.Nonce, likely.texts)
	}
	return c
}

// Likely returns what the commitment was prepared for; nil when nothing was known.
func (c Commitment) Likely() *Shares { return c.likely }

// Leaf returns the body of the leaf of a charge, or of a join, which has no detail:
// what it was for stands in the leaf of its charge. The shares are those that are
// debited, whatever was likely.
func (c Commitment) Leaf(id string, cost privacy.Cost, s *Shares) json.RawMessage {
	root := c.root
	if !s.same(c.likely) {
		root = translog.PartiesRoot(c.Nonce, s.texts)
	}
	body := append(append(make([]byte, 0, 320), `{"charge":"`...), id...)
	if c.detail != "" {
		body = append(append(body, `","commitment":"`...), c.detail...)
	}
	body = strconv.AppendInt(append(body, `","cost":{"delta":`...), cost.Delta, 10)
	body = strconv.AppendInt(append(body, `,"mu2":`...), cost.Mu2, 10)
	body = strconv.AppendInt(append(body, `},"parties":`...), int64(len(s.texts)), 10)
	return append(append(append(body, `,"root":"`...), root...), `"}`...)
}

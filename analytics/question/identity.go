package question

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/pricing"
)

// coreDigest identifies what is computed and how much noise it gets: the
// plan's core, the loss that was asked for, and the noise of each draw.
func coreDigest(p *pricing.Priced) string {
	h := sha256.New()
	_, _ = io.WriteString(h, p.Plan.CoreKey())
	_, _ = fmt.Fprintf(h, "loss %x %x cost %d %d\n", math.Float64bits(p.Loss.Epsilon), math.Float64bits(p.Loss.Delta), p.Cost.Mu2, p.Cost.Delta)
	for _, n := range p.Noise {
		_, _ = fmt.Fprintf(h, "noise %s %x\n", n.Kind, math.Float64bits(n.Stddev))
	}
	if p.Selection != nil {
		_, _ = fmt.Fprintf(h, "select %d at %d\n", p.Selection.Draw, p.Selection.Threshold.Value())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// releaseKey identifies a core on given generations. Tenants that never loaded
// count as such, so that their first load makes a new release. The owner of the
// public tables has the empty name.
func releaseKey(core string, tenants []string, gens map[string]catalog.Generation) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "core %s\n", core)
	for _, t := range slices.Sorted(slices.Values(tenants)) {
		_, _ = fmt.Fprintf(h, "tenant %s generation %s\n", t, gens[t].ID)
	}
	return hex.EncodeToString(h.Sum(nil))
}

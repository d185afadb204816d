package effect

import (
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/mechanism"
)

// noisier says what the changes that were just added do to noise.
func (l *list) noisier(from int, noise []Noise) {
	for i := from; i < len(l.changes); i++ {
		l.changes[i].Noise = noise
	}
}

func countNoise(was, next *contract.Contract) []Noise {
	return noiseOf("COUNT(*)", was, next, func(*contract.Contract) (int64, float64, bool) { return 1, 1, true })
}

func sumNoise(was, next *contract.Contract, old, col contract.Column) []Noise {
	return noiseOf("SUM("+col.Name+")", was, next, func(c *contract.Contract) (int64, float64, bool) {
		of := col
		if c == was {
			of = old
		}
		q, err := c.Quantum(of, of.Bounds[0], of.Bounds[1])
		step, _ := of.Resolution.Rat().Float64()
		return q.Reach(), step, err == nil
	})
}

// noiseOf returns the noise of one number per group, asked for by itself at the
// default loss, before and after; nothing where no noise fits.
func noiseOf(what string, was, next *contract.Contract, row func(*contract.Contract) (reach int64, step float64, ok bool)) []Noise {
	n := Noise{Of: what}
	for c, into := range map[*contract.Contract]*float64{was: &n.Before, next: &n.After} {
		reach, step, ok := row(c)
		if !ok {
			return nil
		}
		stddev, ok := stddev(c, reach)
		if !ok {
			return nil
		}
		*into = stddev * step
	}
	return []Noise{n}
}

// stddev calibrates as the planner does for one draw of rows or sums.
func stddev(c *contract.Contract, reach int64) (float64, bool) {
	b, reach := c.Limits, max(reach, 1)
	most := b.MaxRowsPerPartition
	if b.MaxL2 > 0 {
		most = min(most, b.MaxL2)
	}
	if most > privacy.MaxRelease/reach {
		return 0, false
	}
	mu := privacy.MuOf(c.Defaults)
	spec, err := mechanism.Calibrate(mechanism.Sensitivity{
		L0: b.MaxPartitions, L1: b.L1Rows() * float64(reach), L2: b.L2Rows() * float64(reach), LInf: most * reach,
	}, mu*mu)
	return spec.Stddev, err == nil
}

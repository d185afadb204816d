package planner

import "github.com/noised/noised/analytics/pricing"

// price calibrates the noise of each draw and adds up what is lost.
func (p *planning) price() error {
	priced, err := pricing.Of(&p.out, p.loss, p.priced.Selection, p.priced.Periods)
	if err != nil {
		return err
	}
	p.priced = *priced
	return nil
}

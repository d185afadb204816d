package wish

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/privacy"
)

// The ε's that are looked at are those of four significant digits, in order:
// 9,000 in each of the decades from privacy.MinEpsilon to privacy.MaxEpsilon.
const (
	perDecade = 9000
	decades   = 8
)

// epsilonAt returns the ε at a place of that order, the last being decades·perDecade.
func epsilonAt(i int) float64 {
	f, err := strconv.ParseFloat(fmt.Sprintf("%de%d", 1000+i%perDecade, i/perDecade-9), 64)
	if err != nil {
		return privacy.MaxEpsilon
	}
	return f
}

// LeastEpsilon returns the least ε with whose noise every column is as accurate
// as wished. Each look prices the query anew, and is a function of its
// parameters alone, so that the same wish is the same charge.
//
// Intervals get narrower with ε as long as every draw has the same kind of
// noise. Where Laplace becomes less noisy than the Gaussian, by standard
// deviation, its intervals are wider at first; so an ε from before such a change
// may do where the next larger ones do not. Each stretch without a change is
// searched, from the largest ε down.
func (w *Wish) LeastEpsilon(price func(epsilon float64) (*pricing.Priced, error)) (float64, error) {
	most := decades * perDecade
	priced, err := price(epsilonAt(most))
	if err != nil {
		return 0, err
	}
	if far, err := w.worst(priced); err != nil {
		return 0, err
	} else if far.half > far.allowed {
		return 0, far.refusal()
	}
	s := &epsilonSearch{Wish: w, price: price}
	best := sort.Search(most, s.meets)
	for end := best; end > 0; {
		end = s.stretch(end) - 1
		if end > 0 && s.meets(end) {
			end = sort.Search(end, s.meets)
			best = end
		}
	}
	return epsilonAt(best), s.err
}

// epsilonSearch looks for the least ε and keeps the first failure.
type epsilonSearch struct {
	*Wish
	price func(epsilon float64) (*pricing.Priced, error)
	err   error
}

// at prices the query at an ε. It reports false where that fails, and where the
// noise would be too large, which is no failure.
func (s *epsilonSearch) at(i int) (*pricing.Priced, bool) {
	if s.err != nil {
		return nil, false
	}
	priced, err := s.price(epsilonAt(i))
	if err != nil && privacy.CodeOf(err) != privacy.CodePrivacyParameters {
		s.err = err
	}
	return priced, err == nil
}

// meets reports whether the query at an ε is as accurate as wished.
func (s *epsilonSearch) meets(i int) bool {
	priced, ok := s.at(i)
	if !ok {
		return false
	}
	far, err := s.worst(priced)
	if err != nil {
		s.err = err
	}
	return err == nil && far.half <= far.allowed
}

// stretch returns where the kinds of noise that a query has at an ε begin.
func (s *epsilonSearch) stretch(end int) int {
	kinds := s.kinds(end)
	return sort.Search(end, func(i int) bool { return s.kinds(i) == kinds })
}

// kinds names the noise of every draw at an ε; nothing where there is none.
func (s *epsilonSearch) kinds(i int) string {
	priced, ok := s.at(i)
	if !ok {
		return ""
	}
	var names strings.Builder
	for _, n := range priced.Noise {
		names.WriteString(string(n.Kind) + " ")
	}
	return names.String()
}

// miss is how far the column that is furthest from a wish is from it.
type miss struct {
	column        string
	half, allowed float64
}

func (m miss) refusal() error {
	return privacy.Errorf(privacy.CodePrivacyParameters,
		"no epsilon up to %d makes %q this accurate: at best its interval reaches %.4g to either side, and %.4g is wanted",
		privacy.MaxEpsilon, m.column, m.half, m.allowed).
		Suggest("ask for less accuracy, group more coarsely, or give a larger expected_n")
}

// worst returns the column of a priced query that is furthest from the wish. It
// refuses a wish that a column gives no meaning to.
func (w *Wish) worst(p *pricing.Priced) (miss, error) {
	view, n := w.view, 0.0
	view.Plan, view.Noise = p.Plan, p.Noise
	if w.ExpectedN != nil {
		n = float64(*w.ExpectedN)
	}
	columns := finish.Expect(view, max(n, 1))
	if len(columns) == 0 {
		return miss{}, privacy.Errorf(privacy.CodePrivacyParameters, "accuracy has no meaning for a query without a noised column")
	}
	var worst miss
	for i, c := range columns {
		allowed, err := w.allowed(c, n)
		if err != nil {
			return miss{}, err
		}
		if i == 0 || c.Half*worst.allowed > worst.half*allowed {
			worst = miss{c.Name, c.Half, allowed}
		}
	}
	return worst, nil
}

// allowed returns how far a column may be off, for n expected rows, or 0 when
// nothing was said of them.
func (w *Wish) allowed(c finish.Expectation, n float64) (float64, error) {
	refuse := func(format string, args ...any) *privacy.Error {
		return privacy.Errorf(privacy.CodePrivacyParameters, format, args...)
	}
	switch {
	case !c.Known:
		return 0, refuse("how accurate %q is depends on its values", c.Name).Suggest("ask for the aggregates that it is computed from")
	case c.ByRows && n == 0:
		return 0, refuse("how accurate %q is depends on the number of rows", c.Name).Suggest("give expected_n")
	case w.Absolute != nil:
		return *w.Absolute, nil
	}
	size := c.Size
	if w.sizes != nil {
		size = w.sizes[c.Name]
		if size == 0 {
			return 0, refuse("the release that accuracy names does not say how large %q is", c.Name).
				Suggest("name one with a noised column %q that is not zero, or give expected_n instead", c.Name)
		}
	}
	if size == 0 {
		return 0, refuse("how large %q will be is not known", c.Name).Suggest("name an earlier release with this column, or ask for an absolute accuracy")
	}
	return size * *w.Relative, nil
}

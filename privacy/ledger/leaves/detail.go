package leaves

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/noised/noised/privacy"
)

// partDetail is the part of a charge's leaf that says what was charged for.
const partDetail = "charge"

// Detail is what a charge was made for, but for its tenants.
type Detail struct {
	Dataset, Key, Principal string
	Loss                    privacy.Loss
}

// Text is what a charge was made for, as canonical JSON; tenants is that of its
// tenants, by [Tenants].
func (d Detail) Text(tenants []byte) ([]byte, error) {
	text, err := json.Marshal(struct {
		Dataset   string `json:"dataset"`
		Delta     string `json:"delta"`
		Epsilon   string `json:"epsilon"`
		Key       string `json:"key"`
		Principal string `json:"principal"`
	}{d.Dataset, decimal(d.Loss.Delta), decimal(d.Loss.Epsilon), d.Key, d.Principal})
	if err != nil {
		return nil, privacy.Internal(err, "storing a charge")
	}
	text = append(slices.Grow(text[:len(text)-1], len(tenants)+16), `,"tenants":`...)
	return append(append(text, tenants...), '}'), nil
}

// Tenants returns names as json.Marshal does. Names are plain, and for those a
// loop takes a tenth of its time.
func Tenants(names []string) ([]byte, error) {
	size := 2
	plain := names != nil
	for _, name := range names {
		for _, c := range []byte(name) {
			plain = plain && c >= ' ' && c <= '~' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
		}
		size += len(name) + 3
	}
	if !plain {
		text, err := json.Marshal(names)
		if err != nil {
			return nil, privacy.Internal(err, "naming tenants")
		}
		return text, nil
	}
	text := append(make([]byte, 0, size), '[')
	for i, name := range names {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, '"'), name...), '"')
	}
	return append(text, ']'), nil
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

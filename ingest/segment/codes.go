package segment

import (
	"encoding/json"

	"github.com/noised/noised/analytics/plan"
)

// Coded is a column of texts whose codes are stored, with the texts that are
// declared for it, in their order.
type Coded struct {
	Column string   `json:"column"`
	Values []string `json:"values"`
}

// CodeColumns returns the names of the columns that hold codes, in the order in
// which they stand behind the ranks.
func (m Meta) CodeColumns() []string {
	var columns []string
	for _, c := range m.Codes {
		columns = append(columns, plan.CodeColumn(c.Column))
	}
	return columns
}

// Digests returns the columns whose codes are stored, each with plan.CodesOf
// the texts that are declared for it; nil where there are none.
func (m Meta) Digests() map[string]string {
	var digests map[string]string
	for _, c := range m.Codes {
		if digests == nil {
			digests = make(map[string]string, len(m.Codes))
		}
		values := make([]plan.Value, len(c.Values))
		for i, text := range c.Values {
			values[i] = plan.StringValue(text)
		}
		digests[c.Column] = plan.CodesOf(values)
	}
	return digests
}

// codePairs are what the meta table says of codes.
func (m Meta) codePairs() [][2]string {
	if len(m.Codes) == 0 {
		return nil
	}
	digests, _ := json.Marshal(m.Digests()) // texts always can be written
	return [][2]string{{"codes", string(digests)}}
}

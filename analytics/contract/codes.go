package contract

import "github.com/noised/noised/analytics/plan"

// Codes returns the dimensions of a table whose codes are stored with its rows,
// each with its declared values: those of texts. There are none of a table that
// there is not.
func (c *Contract) Codes(table string) map[string][]plan.Value {
	t, ok := c.Table(table)
	if !ok {
		return nil
	}
	var codes map[string][]plan.Value
	for _, col := range t.Columns {
		if col.Role == RoleDimension && !col.Private && plan.Codable(col.Type, col.Domain) {
			if codes == nil {
				codes = make(map[string][]plan.Value)
			}
			codes[col.Name] = col.Domain
		}
	}
	return codes
}

package catalog

import (
	"encoding/json"
	"slices"

	"github.com/noised/noised/privacy"
)

// tablesOf returns the tables that a generation has rows of, as a JSON list. With
// what the generation was built on, lineage finds the loads behind it by them,
// however its files are merged and swept.
func tablesOf(g Generation) (string, error) {
	names := []string{}
	for _, s := range g.Segments {
		if !slices.Contains(names, s.Table) {
			names = append(names, s.Table)
		}
	}
	text, err := json.Marshal(names)
	if err != nil {
		return "", privacy.Internal(err, "publishing a generation")
	}
	return string(text), nil
}

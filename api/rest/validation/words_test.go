package validation

import (
	"regexp"
	"slices"
	"testing"

	"github.com/noised/noised/api"
)

// TestEveryRuleHasItsWords: every pattern and format of a text in the document is
// explained in words.
func TestEveryRuleHasItsWords(t *testing.T) {
	for _, rule := range regexp.MustCompile(`pattern: "(.*?)"`).FindAllStringSubmatch(string(api.Document), -1) {
		if rule[1] != namePattern {
			t.Errorf("no words explain the pattern %s", rule[1])
		}
	}
	known := []string{"double", "int32", "int64", "binary", "date-time"}
	for _, rule := range regexp.MustCompile(`format: ([a-z0-9-]+)[,}]`).FindAllStringSubmatch(string(api.Document), -1) {
		if !slices.Contains(known, rule[1]) {
			t.Errorf("no words explain the format %s", rule[1])
		}
	}
}

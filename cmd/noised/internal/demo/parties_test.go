package demo

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAccountsThatAreAlikeShareALine(t *testing.T) {
	rows := [][]string{{"a", "1"}, {"b", "1"}, {"c", "2"}}
	if diff := cmp.Diff([][]string{{"a … b (2)", "1"}, {"c", "2"}}, mergeEqual(rows)); diff != "" {
		t.Errorf("mergeEqual (-want +got):\n%s", diff)
	}
}

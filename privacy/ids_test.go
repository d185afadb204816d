package privacy

import (
	"regexp"
	"strings"
	"testing"
)

// TestNewID: 26 digits of base 32, all of them random, and no two alike.
func TestNewID(t *testing.T) {
	pattern := regexp.MustCompile(`^rel_[0-9a-hjkmnp-tv-z]{26}$`)
	seen := map[string]bool{}
	var digits [26]map[byte]bool
	for i := range digits {
		digits[i] = map[byte]bool{}
	}
	for range 2000 {
		id := NewID("rel")
		if !pattern.MatchString(id) || seen[id] {
			t.Fatalf("id %q, seen before: %v", id, seen[id])
		}
		seen[id] = true
		for i := range digits {
			digits[i][id[4+i]] = true
		}
	}
	// A uniform digit misses some of its 32 values in 2,000 draws with
	// probability below 32·(31/32)^2000 < 1e-25.
	for i, values := range digits {
		if len(values) != 32 {
			t.Errorf("digit %d takes %d values: not 5 random bits", i, len(values))
		}
	}
}

func TestNames(t *testing.T) {
	tests := map[string]bool{
		"a": true, "dept_5": true, "a-b": true, "a" + strings.Repeat("9", 62): true,
		"": false, "A": false, "5a": false, "_a": false, "a b": false, "a/b": false, "a:b": false, "é": false,
		"a\n": false, "a\x00": false, "a\xff": false, "../a": false, "a" + strings.Repeat("9", 63): false,
	}
	for name, ok := range tests {
		if ValidName(name) != ok {
			t.Errorf("ValidName(%q) = %v", name, !ok)
		}
		err := CheckName("tenant", name)
		if (err == nil) != ok || !ok && CodeOf(err) != CodeInvalidRequest {
			t.Errorf("CheckName(%q) = %v", name, err)
		}
	}
}

package main

import "testing"

// TestBugsCanBeSeeded: the text that each bug replaces stands where it is said to.
// Whoever moves code finds out here, and not in the next audit.
func TestBugsCanBeSeeded(t *testing.T) {
	t.Chdir("../../..")
	for _, m := range mutations() {
		if _, err := m.seed(t.TempDir()); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}

package main

// mutations lists the bugs that the gate seeds. Each names the test that must
// fail; the test stands in the package that the bug is in, or in the battery.
func mutations() []Mutation {
	return nil
}

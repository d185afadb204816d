package main

// eraseMutations are bugs in how people are erased.
func eraseMutations() []Mutation {
	return []Mutation{
		{
			Name: "erased-rows-stay", Package: "./ingest/erase", Test: "TestOnePersonErasure",
			Edits: []Edit{
				{"ingest/build/erase.go", `".main.rows WHERE NOT "+erased`, `".main.rows WHERE true OR "+erased`},
				{"ingest/build/erase.go", "if left > 0 {", "if left < 0 {"},
			},
		},
		{
			Name: "replaced-files-stay", Package: "./ingest/erase", Test: "TestNothingOfAPersonStays",
			Edits: []Edit{{"ingest/erase/remove.go", "if err := remove(path); err != nil {", "if err := remove(path + \".none\"); err != nil {"}},
		},
		{
			Name: "files-of-nobody-are-kept", Package: "./ingest/erase", Test: "TestAnErasureThatMatchesNobodyLooksTheSame",
			Edits: []Edit{{"ingest/erase/publish.go", "e.RowsErased += rows", "e.RowsErased += rows\n\t\tif rows == 0 {\n\t\t\tg.Segments[i] = old\n\t\t}"}},
		},
		{
			Name: "loads-do-not-wait", Package: "./ingest/erase", Test: "TestLoadsOfBeforeAndAfter",
			Edits: []Edit{{"ingest/erase/run.go", "AND l.seq <= erasures.after_load)", "AND l.seq < 0)"}},
		},
		{
			Name: "charge-runs-on-what-was-erased", Package: "./analytics/query", Test: "TestARunGoesOnWhenItsFilesAreErased",
			Edits: []Edit{{"analytics/redeem/erased.go", "\t\tif gone {\n", "\t\tif gone && failed == nil {\n"}},
		},
	}
}

package main

// mutations lists the bugs that the gate seeds. Each names the test that must
// fail; the test stands in the package that the bug is in, or in the battery.
func mutations() []Mutation {
	const (
		bounder = "analytics/bounding/bounder.go"
		amounts = "analytics/bounding/contribution.go"
	)
	return append(append(rankMutations(), eraseMutations()...), []Mutation{
		{
			Name: "noise-5-percent-small", Package: "./privacy/mechanism", Test: "TestDistribution",
			Edits: []Edit{
				{"privacy/mechanism/mechanism.go", "s.draw(random, newScaling(s.scale), exact)", "s.draw(random, newScaling(0.95*s.scale), exact)"},
				{"privacy/mechanism/mechanism.go", "newScaling(s.scale)\n\tdefer", "newScaling(0.95*s.scale)\n\tdefer"},
			},
		},
		{
			Name: "half-left-out", Package: "./privacy/mechanism", Test: "TestThresholdProperty",
			Edits: []Edit{{"privacy/mechanism/threshold.go", "math.Ceil(s.upperQuantile(delta/float64(l0)) + 0.5)", "math.Ceil(s.upperQuantile(delta/float64(l0)))"}},
		},
		{
			Name: "l0-off-by-one", Package: "./analytics/bounding", Test: "TestRemovingAUnitShiftsWithinTheBounds",
			Edits: []Edit{{bounder, "e.end, limits.MaxPartitions,", "e.end, limits.MaxPartitions+1,"}},
		},
		{
			Name: "linf-off-by-one", Package: "./analytics/bounding", Test: "TestRemovingAUnitShiftsWithinTheBounds",
			Edits: []Edit{{amounts, "add(scale.of(min(x.n, c)))", "add(scale.of(min(x.n, c+1)))"}},
		},
		{
			Name: "missing-clamp", Package: "./analytics/bounding", Test: "TestSteps",
			Edits: []Edit{{"analytics/bounding/stream.go", "return max(q.Lo, min(q.Hi, v)) - q.Centre", "return v - q.Centre"}},
		},
		{
			Name: "float-sum", Package: "./analytics/bounding", Test: "TestTotalsExceedInt64",
			Edits: []Edit{{amounts, "lo, carry := bits.Add64(t.Lo, uint64(v), 0)\n\tt.Lo, t.Hi = lo, t.Hi+v>>63+int64(carry)",
				"_, _ = bits.Add64(0, 0, 0)\n\t*t = total(int128{}.AddInt64(int64(float64((*int128)(t).Clamp(privacy.MaxRelease)) + float64(v))))"}},
		},
		{
			Name: "hash-without-the-unit", Package: "./analytics/bounding", Test: "TestUnitsKeepDifferentKeys",
			Edits: []Edit{{"analytics/bounding/choose.go", "g.ranking.of(id)", "g.ranking.of(0)"}},
		},
		{
			Name: "norm-not-clipped", Package: "./analytics/bounding", Test: "TestRemovingAUnitShiftsEveryDrawWithinItsSensitivity",
			Edits: []Edit{{amounts, "scale, c := u.scaling(chosen, limits), limits", "scale, c := (scaling{}), limits"}},
		},
		{
			Name: "one-noise-for-all", Package: "./privacy/mechanism", Test: "TestNoiseAllNoisesEach",
			Edits: []Edit{{"privacy/mechanism/mechanism.go", "\tfor i, x := range exact {\n\t\tdst[i] = s.draw(random, by, x)\n", "\tone := s.draw(random, by, privacy.Int128{})\n\tfor i, x := range exact {\n\t\tdst[i] = x.AddInt64(one).Clamp(MaxNoised)\n"}},
		},
		{
			Name: "selection-left-out", Package: "./analytics/noising", Test: "TestNothingOfSmallGroupsIsLeft",
			Edits: []Edit{{"analytics/noising/noise.go", "if p.Selection.Threshold.Keep(n) {", "if p.Selection.Threshold.Keep(n) || true {"}},
		},
		{
			Name: "price-forgets-levels", Package: "./analytics/pricing", Test: "TestSensitivitiesAreMet",
			Edits: []Edit{{"analytics/pricing/sensitivity.go", "limits.L2Rows() * float64(m) * sqrt(levels)", "limits.L2Rows() * float64(m)"}},
		},
		{
			Name: "join-across-units", Package: "./cmd/noised/e2e", Test: "TestAuditReplayJoins", Tags: "audit",
			Edits: []Edit{{"analytics/sqlgen/from.go", "\tif !src.Public {\n\t\tout = append(out, fmt", "\tif !src.Public && len(src.On) == 0 {\n\t\tout = append(out, fmt"}},
		},
		{
			Name: "keys-of-a-unit-multiply", Package: "./analytics/engine/duckdb", Test: "TestJoinsAreThoseOfSQL",
			Edits: []Edit{{"analytics/sqlgen/source.go", "\tif !s.Once {\n", "\tif !s.Once || true {\n"}},
		},
		{
			// What ranks of finer keys, stored at load, would let through: L0·Linf
			// rows in one coarse group.
			Name: "index-for-a-coarser-key", Package: "./cmd/noised/e2e", Test: "TestAuditReplay", Tags: "audit",
			Edits: []Edit{{bounder, "\tlimits := b.plan.Limits\n\tu, first", `	limits := b.plan.Limits
	for _, k := range b.plan.Keys {
		if _, bare := k.Expr.(*plan.Column); k.Expr != nil && !bare {
			limits.MaxRowsPerPartition *= limits.MaxPartitions
		}
	}
	u, first`}},
		},
		{
			Name: "refund", Package: "./privacy/ledger", Test: "TestAttemptsEndInAbandonment",
			Edits: []Edit{{"privacy/ledger/lease.go", "\t\t\treturn privacy.Internal(err, \"yielding a charge\")\n\t\t}\n", `			return privacy.Internal(err, "yielding a charge")
		}
		if _, err := tx.ExecContext(ctx, "UPDATE accounts SET spent_mu2 = max(0, spent_mu2 - (SELECT mu2 FROM charges WHERE id = ?))", chargeID); err != nil {
			return err
		}
`}},
		},
	}...)
}

// rankMutations are those of ranks, and of filters on them.
func rankMutations() []Mutation {
	return []Mutation{
		{
			Name: "ranks-of-finer-keys", Package: "./analytics/planner", Test: "TestRanksKeepWhatTheLimitsPromise",
			Edits: []Edit{{"analytics/planner/strategy.go", "return slices.Equal(g, columns) })",
				"return len(columns) > 0 && !slices.ContainsFunc(columns, func(c string) bool { return !slices.Contains(g, c) }) })"}},
		},
		{
			Name: "rank-filter-off-by-one", Package: "./cmd/noised/e2e", Test: "TestAuditReplay", Tags: "audit",
			Edits: []Edit{{"analytics/sqlgen/ranks.go", "return []string{fmt.Sprintf(\"%s < %d\"", "return []string{fmt.Sprintf(\"%s <= %d\""}},
		},
		{
			Name: "ranks-of-a-person-in-many-tenants", Package: "./analytics/planner", Test: "TestRanksKeepWhatTheLimitsPromise",
			Edits: []Edit{{"analytics/planner/strategy.go", "return b.Scope == plan.ScopeTenant || len(b.Tenants) == 1", "return true"}},
		},
		{
			Name: "ranks-of-two-loads", Package: "./ingest/rank", Test: "TestRanksGoOnOverLoads",
			Edits: []Edit{{"ingest/rank/unit.go", "old.key, int(old.rows)", "old.key, 0"}},
		},
		{
			Name: "ranks-that-are-not-there", Package: "./analytics/inputs", Test: "TestWhichSegmentsQualify",
			Edits: []Edit{{"analytics/inputs/strategy.go", "return !public && (!serves(b, s) ||", "return !public && (s.Ranks == nil ||"}},
		},
	}
}

package contractparse

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contract/contracttest"
	"github.com/noised/noised/analytics/document"
	"github.com/noised/noised/privacy"
)

// problemsOf renders the problems of a document as "line field: message".
func problemsOf(t testing.TB, doc string) []string {
	t.Helper()
	c, err := Parse([]byte(doc))
	if (c == nil) == (err == nil) {
		t.Fatalf("Parse returned contract %v and error %v", c, err)
	}
	if err == nil {
		return nil
	}
	if code := privacy.CodeOf(err); code != privacy.CodeContractInvalid {
		t.Fatalf("code = %s", code)
	}
	var out []string
	for _, p := range privacy.AsError(err).Problems {
		out = append(out, fmt.Sprintf("%d %s: %s", p.Line, p.Field, p.Message))
	}
	return out
}

func TestEveryProblemIsReportedWithItsLine(t *testing.T) {
	got := problemsOf(t, `dataset: Inst Eval
version: 0
colour: typo
privacy_unit: {column: student, scope: family}
tenant_dimension: yes please
contribution: {max_partitions: 14}
bounding_index: [[nobody], [lecturer], [rating], [], [service, service]]
columns:
  student:  {type: double, role: unit, domain: private}
  lecturer: {type: bigint, role: dimension, domain: secret}
  service:  {type: varchar, role: dimension, domain: {values: ["0", 1, "0", null]}}
  rating:   {type: tinyint, role: measure, bounds: [5, 1]}
  price:    {type: money, role: measure, bounds: [0, 1]}
  tenant:   {type: varchar, role: dimension}
  Bad-Name: {type: varchar, role: colour}
  other:    {type: bigint, role: unit}
  weight:   {type: double, role: measure, bounds: [0, 100]}
  height:   {type: integer, role: measure}
  service:  {type: varchar, role: dimension}
budget_defaults: {epsilon_per_query: 1000, delta_per_query: .nan}
`)
	want := []string{
		`1 dataset: dataset name "Inst Eval" is not valid: use a lower-case letter, then up to 62 of a-z, 0-9, '_' and '-'`,
		`2 version: must be between 1 and 2147483647, not 0`,
		`3 colour: unknown field; known here are dataset, version, description, privacy_unit, tenant_dimension, contribution, bounding_index, columns, tables, budget_per, budget_defaults, approvals, analysts, queries`,
		`4 privacy_unit.scope: must be person or tenant, not "family"`,
		`5 tenant_dimension: must be public, or be left out, not "yes please"`,
		`6 contribution.max_rows_per_partition: is required`,
		`7 bounding_index[0]: "nobody" is not one of the columns`,
		`7 bounding_index[2]: "rating" is not a dimension`,
		`7 bounding_index[3]: names no column`,
		`7 bounding_index[4]: names "service" twice`,
		`9 columns.student.domain: does not apply to a column with role: unit`,
		`9 columns.student.type: a unit column is an integer or a varchar, not a double`,
		`10 columns.lecturer.domain: must be private, {values: […]}, {range: [lo, hi], step: n} or {from:, to:, every: day|week|month}`,
		`11 columns.service.domain.values[1]: must be text: write "1" in quotes`,
		`11 columns.service.domain.values[2]: 0 is declared twice, first on line 11`,
		`11 columns.service.domain.values[3]: NULL is never part of a domain`,
		`12 columns.rating.bounds: the lower bound must be below the upper one`,
		`13 columns.price.type: unknown type "money": use boolean, tinyint, smallint, integer, bigint, decimal(p,s), double, varchar, date or timestamp`,
		`14 columns.tenant: "tenant" is the name of the implicit dimension: choose another`,
		`15 columns.Bad-Name: not a valid column name: use a lower-case letter, then up to 62 of a-z, 0-9 and '_'`,
		`15 columns.Bad-Name.role: unknown role "colour": use unit, dimension, measure or key`,
		`16 columns.other: a second unit column, after "student": a dataset protects one unit`,
		`17 columns.weight.resolution: is required for a double; use resolution: 0.0001`,
		`18 columns.height.bounds: is required: every measure has bounds, e.g. bounds: [0, 100]`,
		`19 columns.service: declared twice, first on line 11`,
		`20 budget_defaults.epsilon_per_query: epsilon must be between 1e-06 and 100, got 1000`,
		`20 budget_defaults.delta_per_query: must be a finite decimal number, not ".nan"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDocumentProblems(t *testing.T) {
	valid := contracttest.Around("")
	replace := func(old, new string) string {
		if !strings.Contains(valid, old) {
			t.Fatalf("%q is not in the sample", old)
		}
		return strings.Replace(valid, old, new, 1)
	}
	tests := []struct {
		name, doc string
		want      []string // beginnings
	}{
		{"empty", "", []string{"1 : the document is empty"}},
		{"only a comment", "# nothing\n", []string{"1 : the document is empty"}},
		{"a list", "- 1", []string{"1 : must have the fields dataset"}},
		{"reserved name", strings.Replace(contracttest.Minimal, "dataset: d", "dataset: default", 1), []string{
			`1 dataset: "default" stands for all other datasets in budgets: choose another name`,
		}},
		{"broken", "dataset: [1, 2\nversion: 3", []string{"2 : the document is not valid YAML: "}},
		{"binary", "\xff\xfe\x00", []string{"0 : the document is not valid UTF-8"}},
		{"too large", valid + "\n" + strings.Repeat("#", document.MaxSize), []string{"0 : the document is larger than 1048576 bytes"}},
		{"two documents", valid + "\n---\n" + valid, []string{"8 : one document only"}},
		{"an alias", "a: &x [1]\nb: *x", []string{"1 : anchors, aliases and merge keys are not supported"}},
		{"a merge key", "<<: {a: 1}", []string{"1 : anchors, aliases and merge keys are not supported"}},
		{"a tag", "a: !!binary x", []string{"1 : tags, directives and complex keys are not supported"}},
		{"deep flow", strings.Repeat("[", 100_000), []string{"1 : nested too deeply"}},
		{"deep block", strings.Repeat("- ", 100_000), []string{"1 : nested too deeply"}},
		{"many fields", strings.Repeat("a:\n", 100_000), []string{"5001 : more than 5000 fields"}},
		{"many flow fields", "{" + strings.Repeat("a,", 100_000) + "}", []string{"1 : more than 5000 fields"}},
		{"nothing required is there", "description: x", []string{
			"1 dataset: is required", "1 version: is required", "1 contribution: is required",
			"1 columns: is required", "1 privacy_unit: is required",
		}},
		{"no unit", "dataset: d\nversion: 1\nprivacy_unit: {column: a, scope: person}\ncontribution: {max_rows: 1}\ncolumns:\n  a: {type: bigint, role: dimension}", []string{
			`3 privacy_unit.column: "a" has the role dimension`, "6 columns: no column has role: unit",
		}},
		{"unit not declared", replace("column: id", "column: who"), []string{`3 privacy_unit.column: "who" is not one of the columns`}},
		{"no columns", replace("\n  id: {type: bigint, role: unit}", " {}"), []string{
			"5 columns: must declare between 1 and 500 columns", `3 privacy_unit.column: "id" is not`,
		}},
		{"columns as a list", replace("\n  id: {type: bigint, role: unit}", "\n  - id"), []string{
			"6 columns: must have one entry for each column", `3 privacy_unit.column: "id" is not`,
		}},
		{"a field twice", replace("version: 1", "version: 1\nversion: 2"), []string{"3 version: given twice"}},
		{"version as text", replace("version: 1", `version: "1"`), []string{"2 version: must be a number: write it without quotes"}},
		{"version with decimals", replace("version: 1", "version: 1.5"), []string{"2 version: must be a whole number"}},
		{"hexadecimal", replace("version: 1", "version: 0x1"), []string{"2 version: must be a finite decimal number"}},
		{"a huge exponent", replace("version: 1", "version: 1e999999999"), []string{"2 version: must be a finite decimal number"}},
		{"dataset as a number", replace("dataset: d", "dataset: 12"), []string{`1 dataset: must be text: write "12" in quotes`}},
		{"both kinds of bounds", replace("{max_partitions: 1", "{max_rows: 2, max_partitions: 1"), []string{"4 contribution.max_rows: stands alone"}},
		{"bound of zero", replace("max_partitions: 1", "max_partitions: 0"), []string{"4 contribution.max_partitions: must be between 1 and"}},
		{"bound too large", replace("max_partitions: 1", "max_partitions: 2147483649"), []string{"4 contribution.max_partitions: must be between 1 and"}},
		{"a key", replace("id: {type: bigint, role: unit}", "id: {type: bigint, role: unit}\n  k: {type: bigint, role: key}"), []string{"7 columns.k.role: role: key is for datasets of several tables"}},
		{"description too long", replace("version: 1", "version: 1\ndescription: "+strings.Repeat("x", 5000)), []string{"3 description: must have at most 4096 characters"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { expectProblems(t, tt.doc, tt.want) })
	}
}

// expectProblems compares the beginnings of the problems, in any order.
func expectProblems(t *testing.T, doc string, want []string) {
	t.Helper()
	got := problemsOf(t, doc)
	if len(got) != len(want) {
		t.Fatalf("problems = %q, want %q", got, want)
	}
	for _, w := range want {
		found := false
		for _, g := range got {
			found = found || strings.HasPrefix(g, w)
		}
		if !found {
			t.Errorf("no problem begins with %q in %q", w, got)
		}
	}
}

func TestColumnProblems(t *testing.T) {
	tests := []struct{ column, want string }{
		{"{type: boolean, role: measure, bounds: [0, 1]}", "type: a measure is a number, not a boolean"},
		{"{type: double, role: dimension}", "type: a dimension is a boolean, an integer"},
		{"{type: decimal(5,2), role: dimension, domain: private}", "type: a dimension is a boolean, an integer"},
		{"{type: decimal(19,2), role: measure, bounds: [0, 1]}", "type: decimal(p,s) needs"},
		{"{type: integer, role: measure, bounds: [0, 1], domain: private}", "domain: does not apply"},
		{"{type: integer, role: dimension, bounds: [0, 1]}", "bounds: does not apply"},
		{"{type: tinyint, role: measure, bounds: [0, 128]}", "bounds: 128 is outside the range of a tinyint"},
		{"{type: tinyint, role: measure, bounds: [0.5, 3]}", "bounds: 0.5 has more than the 0 decimals"},
		{"{type: decimal(3,1), role: measure, bounds: [0, 100]}", "bounds: 100 is outside the range of a decimal(3,1)"},
		{"{type: decimal(3,1), role: measure, bounds: [0, 1.25]}", "bounds: 1.25 has more than the 1 decimals"},
		{"{type: integer, role: measure, bounds: [1, 1]}", "bounds: the lower bound must be below"},
		{"{type: integer, role: measure, bounds: [1]}", "bounds: must be a list of two numbers"},
		{"{type: integer, role: measure, bounds: 5}", "bounds: must be a list of two numbers"},
		{"{type: double, role: measure, bounds: [0, .inf], resolution: 1}", `bounds: must be a finite decimal number, not ".inf"`},
		{`{type: integer, role: measure, bounds: ["1", 5]}`, "bounds: must be a number: write it without quotes"},
		{"{type: double, role: measure, bounds: [0, 1], resolution: 0}", "resolution: must be a positive number"},
		{"{type: double, role: measure, bounds: [0, 1], resolution: -0.1}", "resolution: must be a positive number"},
		{"{type: double, role: measure, bounds: [0, 1], resolution: 1e-19}", "resolution: 1e-19 has more than the 18 decimals"},
		{"{type: integer, role: measure, bounds: [0, 9], resolution: 0.5}", "resolution: 0.5 has more than the 0 decimals"},
		{"{type: bigint, role: measure, bounds: [0, 1000000000]}", "resolution: bounds from 0 to 1000000000 are not a manageable number of steps of 1 (between 1 and 16777216, at most 137438953472 from 0); use resolution: 100"},
		{"{type: bigint, role: measure, bounds: [1000000000000, 1000000000001]}", "resolution: bounds from 1000000000000 to 1000000000001 are not a manageable"},
		{"{type: double, role: measure, bounds: [0, 1e300]}", "resolution: is required for a double"},
		{"{type: double, role: measure, bounds: [0.1, 0.2], resolution: 1}", "resolution: bounds from 0.1 to 0.2 are not a manageable"},
		{"{type: integer, role: dimension, domain: {values: [1, 2.5]}}", "domain.values[1]: must be a whole number"},
		{"{type: tinyint, role: dimension, domain: {values: [200]}}", "domain.values[0]: must be between -128 and 127"},
		{"{type: boolean, role: dimension, domain: {values: [yes]}}", "domain.values[0]: must be true or false"},
		{"{type: varchar, role: dimension, domain: {values: [true]}}", `domain.values[0]: must be text: write "true" in quotes`},
		{`{type: varchar, role: dimension, domain: {values: ["é", "é"]}}`, "domain.values[1]: é is declared twice"},
		{`{type: varchar, role: dimension, domain: {values: ["a\0"]}}`, "domain.values[0]: must not contain NUL"},
		{"{type: varchar, role: dimension, domain: {values: []}}", "domain: is empty"},
		{"{type: varchar, role: dimension, domain: [a]}", "domain: must have the fields"},
		{"{type: varchar, role: dimension, domain: {}}", "domain: must have values, range"},
		{"{type: varchar, role: dimension, domain: {range: [1, 2]}}", "domain.range: is for integers, not for a varchar"},
		{"{type: bigint, role: dimension, domain: {range: [2, 1]}}", "domain.range: the first value must not be above"},
		{"{type: bigint, role: dimension, domain: {range: [1, 2], step: 0}}", "domain.step: must be between 1 and"},
		{"{type: bigint, role: dimension, domain: {range: [1, 2], values: [1]}}", "domain.range: does not go together with values"},
		{"{type: bigint, role: dimension, domain: {range: [-9223372036854775808, 9223372036854775807]}}", "domain.range: the contract declares more than 1000000"},
		{"{type: bigint, role: dimension, domain: {from: 1, to: 2, every: day}}", "domain: from, to and every are for dates"},
		{"{type: date, role: dimension, domain: {values: [2024-02-30]}}", "domain.values[0]: must be a date such as"},
		{"{type: date, role: dimension, domain: {from: 2024-02-01, to: 2024-01-01, every: day}}", "domain.from: must not be after to"},
		{"{type: date, role: dimension, domain: {from: 2024-01-31, to: 2024-12-31, every: month}}", "domain.from: with every: month"},
		{"{type: date, role: dimension, domain: {from: 2024-01-01, to: 2024-12-31, every: year}}", "domain.every: must be day, week or month"},
		{"{type: date, role: dimension, domain: {from: 2024-01-01, every: day}}", "domain.to: is required"},
		{"{type: date, role: dimension, domain: {from: 0001-01-01, to: 9999-12-31, every: day}}", "domain: the contract declares more than 1000000"},
	}
	for _, tt := range tests {
		t.Run(tt.column, func(t *testing.T) {
			expectProblems(t, contracttest.Around("\n  x: "+tt.column), []string{"7 columns.x." + tt.want})
		})
	}
}

// The limit on domain values is the contract's, so that many columns cannot
// multiply it.
func TestDomainsShareOneLimit(t *testing.T) {
	var columns strings.Builder
	for i := range 3 {
		fmt.Fprintf(&columns, "\n  c%d: {type: bigint, role: dimension, domain: {range: [1, 400000]}}", i)
	}
	expectProblems(t, contracttest.Around(columns.String()), []string{"9 columns.c2.domain.range: the contract declares more than"})
}

func TestManyProblemsAreCut(t *testing.T) {
	got := problemsOf(t, contracttest.Around("\n  x: {type: varchar, role: dimension, domain: {values: ["+strings.Repeat("1,", 5000)+"]}}"))
	if len(got) != document.MaxProblems+1 || !strings.HasPrefix(got[document.MaxProblems], "0 : and 4000 more") {
		t.Errorf("%d problems, the last is %q", len(got), got[len(got)-1])
	}
}

// FuzzParse looks for documents on which Parse panics, or on which it accepts
// something that later stages could not rely on.
func FuzzParse(f *testing.F) {
	f.Add(sample(f))
	for _, seed := range []string{
		"", "{", "a: b: c", "columns: {a: {type: [", contracttest.Around("\n  x: {type: double, role: measure, bounds: [0, 1e30], resolution: 1e18}"),
		contracttest.Around("\n  x: {type: date, role: dimension, domain: {from: 2024-01-01, to: 2024-12-31, every: week}}"),
		`{"dataset": "d", "version": 1, "columns": {"a": {"type": "decimal(18,18)", "role": "measure", "bounds": [-0.5, 0.5], "resolution": 0.000001}}}`,
		contracttest.Periods("date, role: dimension, domain: {from: 2024-01-01, to: 2024-12-31, every: day}", "{column: day, every: month}"),
		contracttest.Periods("timestamp, role: dimension", "{column: day, every: week, from: 0001-01-01, to: 9999-12-31}"),
		contracttest.Shop, strings.Replace(contracttest.Shop, "o_id ->", "l_id ->", 1),
		"? a\n: - b\n  - |\n   c\n", "a: \"\\ud800\"", "%YAML 1.2\n---\na: !x &y *z",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		c, err := Parse(doc)
		if err != nil {
			if privacy.CodeOf(err) != privacy.CodeContractInvalid || len(privacy.AsError(err).Problems) == 0 {
				t.Fatalf("refused without a problem: %v", err)
			}
			return
		}
		checkAccepted(t, c)
	})
}

// checkAccepted states what an accepted contract guarantees.
func checkAccepted(t *testing.T, c *contract.Contract) {
	t.Helper()
	if c.UnitColumn().Role != contract.RoleUnit || c.Limits.Check() != nil || c.Defaults.Check() != nil || !privacy.ValidName(c.Dataset) {
		t.Fatalf("inconsistent contract: %+v", c)
	}
	if b := c.BudgetPer; b != nil {
		if n := len(b.Periods()); n < 1 || n > contract.MaxPeriods {
			t.Fatalf("budget_per has %d periods", n)
		}
	}
	if (c.Tables == nil) != (c.Unit.Table == "") || (c.Tables == nil) != (c.Columns != nil) {
		t.Fatalf("one table or several? %+v", c)
	}
	checkColumns(t, c, c.Columns)
	for _, table := range c.Tables {
		checkTable(t, c, table)
	}
}

// checkTable states that rows of a private table lead to the unit, by columns
// that can be compared, and that nobody can read who it is.
func checkTable(t *testing.T, c *contract.Contract, table contract.Table) {
	t.Helper()
	checkColumns(t, c, table.Columns)
	path := c.Path(table.Name)
	if leads := table.Name == c.Unit.Table || len(path) > 0 && path[len(path)-1].Table == c.Unit.Table; leads == table.Public {
		t.Fatalf("table %s: public %t, path %v", table.Name, table.Public, path)
	}
	for _, col := range table.Columns {
		if ids := c.IdentifiesUnit(table.Name, col.Name); ids && col.Role != contract.RoleUnit && col.Role != contract.RoleKey {
			t.Fatalf("table %s: %s holds unit ids and is a %s", table.Name, col.Name, col.Role)
		}
	}
	if v := table.Via; v != nil {
		own, _ := table.Column(v.Column)
		key, ok := c.TableColumn(v.Table, v.Key)
		if parent, _ := c.Table(v.Table); !ok || own.Type != key.Type || parent.Public {
			t.Fatalf("table %s: %+v -> %+v", table.Name, own, key)
		}
	}
}

func checkColumns(t *testing.T, c *contract.Contract, columns []contract.Column) {
	t.Helper()
	for _, col := range columns {
		switch col.Role {
		case contract.RoleUnit, contract.RoleKey:
			if !contract.Identifies(col.Type) {
				t.Fatalf("column %s: role %s, type %s", col.Name, col.Role, col.Type)
			}
		case contract.RoleDimension:
			if col.Private != (len(col.Domain) == 0) {
				t.Fatalf("column %s: private %t with %d values", col.Name, col.Private, len(col.Domain))
			}
		case contract.RoleMeasure:
			if _, err := c.Quantum(col, col.Bounds[0], col.Bounds[1]); err != nil {
				t.Fatalf("column %s: its own bounds are refused: %v", col.Name, err)
			}
		default:
			t.Fatalf("column %s has no role", col.Name)
		}
	}
}

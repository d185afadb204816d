package segment_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/ingest/segment"
)

func TestEveryTypeOfAContractHasAColumnType(t *testing.T) {
	for contract, want := range map[string]string{
		"boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INTEGER", "bigint": "BIGINT",
		"decimal(9,2)": "DECIMAL(9,2)", "double": "DOUBLE", "varchar": "VARCHAR", "date": "DATE", "timestamp": "TIMESTAMP",
	} {
		typ, err := plan.ParseType(contract)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := segment.SQLType(typ); err != nil || got != want {
			t.Errorf("%s is stored as %s (%v), want %s", contract, got, err, want)
		}
	}
	if _, err := segment.SQLType(plan.Type{}); err == nil {
		t.Error("an unknown type can be stored")
	}
}

func TestTheLayoutOfASegment(t *testing.T) {
	columns := []segment.Column{
		{Name: "city", Type: plan.Of(plan.KindVarchar)}, {Name: "amount", Type: plan.Type{Kind: plan.KindDecimal, Precision: 9, Scale: 2}},
	}
	ranked := [][]string{{"city"}, {"amount", "city"}}
	got, err := segment.CreateSQL("db", segment.Meta{Ranks: ranked}, columns)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`CREATE TABLE "db".main.rows (_unit UBIGINT NOT NULL, "city" VARCHAR, "amount" DECIMAL(9,2), ` +
			`"_row" USMALLINT NOT NULL, "_key:city" USMALLINT NOT NULL, "_row:city" USMALLINT NOT NULL, ` +
			`"_key:amount,city" USMALLINT NOT NULL, "_row:amount,city" USMALLINT NOT NULL)`,
		`CREATE TABLE "db".main.meta (key VARCHAR, value VARCHAR)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	meta := segment.MetaSQL("db", segment.Meta{Dataset: "d", Tenant: "o'neill", ContractVersion: 3, Ranks: ranked}, 7)
	if want := `INSERT INTO "db".main.meta VALUES ('format_version', '2'), ('dataset', 'd'), ('contract_version', '3'), ('tenant', 'o''neill'), ('rows', '7'), ('ranks', '[["city"],["amount","city"]]')`; meta != want {
		t.Errorf("got  %s\nwant %s", meta, want)
	}
}

func TestTheLayoutOfAPublicTable(t *testing.T) {
	nation := segment.Meta{Dataset: "d", ContractVersion: 1, Table: "nation", Public: true}
	got, err := segment.CreateSQL("db", nation, []segment.Column{{Name: "n", Type: plan.Of(plan.KindInteger)}})
	if err != nil {
		t.Fatal(err)
	}
	if want := `CREATE TABLE "db".main.rows ("n" INTEGER)`; got[0] != want {
		t.Errorf("got  %s\nwant %s", got[0], want)
	}
	meta := segment.MetaSQL("db", nation, 7)
	if want := `INSERT INTO "db".main.meta VALUES ('format_version', '2'), ('dataset', 'd'), ('contract_version', '1'), ('tenant', ''), ('rows', '7'), ('table', 'nation'), ('public', 'true')`; meta != want {
		t.Errorf("got  %s\nwant %s", meta, want)
	}
	if got := segment.RelPath("", "d", "seg_1"); got != "public/d/seg_1.duckdb" {
		t.Errorf("a public segment lies at %s", got)
	}
}

func TestTheLayoutOfCodes(t *testing.T) {
	columns := []segment.Column{
		{Name: "city", Type: plan.Of(plan.KindVarchar)}, {Name: "n", Type: plan.Of(plan.KindInteger)}, {Name: "a street", Type: plan.Of(plan.KindVarchar)},
	}
	m := segment.Meta{Dataset: "d", Ranks: [][]string{}, Codes: []segment.Coded{{Column: "city", Values: []string{"b", "a"}}, {Column: "a street", Values: []string{""}}}}
	got, err := segment.CreateSQL("db", m, columns)
	if err != nil {
		t.Fatal(err)
	}
	want := `CREATE TABLE "db".main.rows (_unit UBIGINT NOT NULL, "city" VARCHAR, "n" INTEGER, "a street" VARCHAR, ` +
		`"_row" USMALLINT NOT NULL, "_code:city" USMALLINT NOT NULL, "_code:a street" USMALLINT NOT NULL)`
	if got[0] != want {
		t.Errorf("got  %s\nwant %s", got[0], want)
	}
	digests := map[string]string{
		"city":     plan.CodesOf([]plan.Value{plan.StringValue("b"), plan.StringValue("a")}),
		"a street": plan.CodesOf([]plan.Value{plan.StringValue("")}),
	}
	if diff := cmp.Diff(digests, m.Digests()); diff != "" {
		t.Error(diff)
	}
	meta := segment.MetaSQL("db", m, 7)
	if want := `, ('codes', '{"a street":"` + digests["a street"] + `","city":"` + digests["city"] + `"}')`; !strings.HasSuffix(meta, want) {
		t.Errorf("%s does not end in %s", meta, want)
	}
	if none := (segment.Meta{}).Digests(); none != nil {
		t.Errorf("without codes there are %v", none)
	}
}

func TestPublishMovesAndSealsTheFile(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "new"), filepath.Join(dir, filepath.FromSlash(segment.RelPath("t", "d", "seg_1")))
	content := []byte("rows")
	if err := os.WriteFile(from, content, 0o600); err != nil {
		t.Fatal(err)
	}
	sealed, err := segment.Publish(context.Background(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	if sealed.Bytes != 4 || sealed.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("%+v", sealed)
	}
	info, err := os.Stat(to)
	if err != nil || info.Mode().Perm() != 0o400 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := os.Stat(from); !os.IsNotExist(err) {
		t.Errorf("the old name is still there: %v", err)
	}
	for d := filepath.Dir(to); d != dir; d = filepath.Dir(d) {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", d, info, err)
		}
	}
}

func TestPublishingStopsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "new"), filepath.Join(dir, "final")
	if err := os.WriteFile(from, []byte("rows"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := segment.Publish(ctx, from, to); err == nil {
		t.Error("published")
	}
	if _, err := os.Stat(to); !os.IsNotExist(err) {
		t.Errorf("the final name exists: %v", err)
	}
}

func FuzzQuoting(f *testing.F) {
	f.Add(`a"b'c`)
	f.Fuzz(func(t *testing.T, s string) {
		for _, q := range []string{segment.Quote(s), segment.Literal(s)} {
			mark, inner := q[0], q[1:len(q)-1]
			for i := 0; i < len(inner); i++ {
				if inner[i] == mark {
					if i+1 == len(inner) || inner[i+1] != mark {
						t.Fatalf("%q ends early in %s", s, q)
					}
					i++
				}
			}
		}
	})
}

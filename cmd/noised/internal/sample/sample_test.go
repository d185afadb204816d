package sample

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const insteval = "../../../../testdata/insteval.parquet"

func TestDepartmentsSplitWithoutLoss(t *testing.T) {
	all, err := Read(t.Context(), insteval)
	if err != nil {
		t.Fatal(err)
	}
	files, err := all.Files()
	if err != nil {
		t.Fatal(err)
	}
	byTenant := map[string]Ratings{}
	for _, r := range all {
		byTenant[r.Tenant()] = append(byTenant[r.Tenant()], r)
	}
	for tenant, body := range files {
		path := filepath.Join(t.TempDir(), "part.parquet")
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		part, err := Read(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		want := byTenant[tenant]
		for i := range want {
			want[i].Row = i
		}
		if diff := cmp.Diff(want, part); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", tenant, diff)
		}
	}
	names := all.Tenants()
	if len(all) != 73421 || len(files) != 14 || len(names) != 14 || names[0] != "dept_1" || names[1] != "dept_2" || names[13] != "dept_15" {
		t.Errorf("%d rows, %d files, tenants %v", len(all), len(files), names)
	}
}

func TestWithoutLeavesOneStudentOut(t *testing.T) {
	rows := Ratings{{Row: 0, Student: 1}, {Row: 1, Student: 2}, {Row: 2, Student: 1}}
	if diff := cmp.Diff(Ratings{{Row: 1, Student: 2}}, rows.Without(1)); diff != "" {
		t.Error(diff)
	}
	if len(rows) != 3 || rows[0].Student != 1 {
		t.Error("the sample itself was changed")
	}
}

func TestOtherFilesAreRefused(t *testing.T) {
	for name, path := range map[string]string{"missing": "nowhere.parquet", "not Parquet": "sample.go"} {
		if _, err := Read(t.Context(), path); err == nil {
			t.Errorf("a file that is %s was read", name)
		}
	}
}

package ledger

import (
	"fmt"
	"testing"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// BenchmarkLeaf is what commitments cost a charge, by the number of tenants.
func BenchmarkLeaf(b *testing.B) {
	for _, tenants := range []int{1, 14, 100} {
		b.Run(fmt.Sprintf("tenants=%d", tenants), func(b *testing.B) {
			t := &touched{}
			for i := range tenants {
				a := privacy.TenantAccount(fmt.Sprintf("dept_%d", i))
				t.accounts = append(t.accounts, &row{account: a, name: a.String()})
			}
			c := Charge{ID: privacy.NewID("chg"), Dataset: "visits", Key: "key"}
			for b.Loop() {
				detail, err := detailOf(c)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := t.leaf(c, c.Cost, detail, translog.NewNonce()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package receipt_test

import (
	"testing"

	"github.com/noised/noised/privacy/translog"
	"github.com/noised/noised/privacy/translog/receipt"
)

// TestATenantThatDidNotPay: the charge was for a and b, and a's account alone was debited.
func TestATenantThatDidNotPay(t *testing.T) {
	tree := translog.NewParties(translog.Nonce{1}, [][]byte{[]byte(`["dataset:visits"]`), []byte(`["tenant:a"]`)})
	var shown []receipt.Opened
	for i, part := range []string{"debit:dataset:visits", "debit:tenant:a"} {
		nonce, path := tree.Open(i)
		o := receipt.Open(part, []string{`["dataset:visits"]`, `["tenant:a"]`}[i], nonce)
		at := int64(i)
		o.Place, o.Path = &at, path
		shown = append(shown, o)
	}
	data, key := sampleOf(t, 9, `"parties":2,"root":"`+tree.Root()+`"`, shown...)
	if c, err := receipt.Verify(data, key); err == nil {
		t.Errorf("it proves %s debited for %s", c.Debited, c.For)
	}
}

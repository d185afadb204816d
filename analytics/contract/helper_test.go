package contract_test

import (
	"testing"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/privacy"
)

func mustParse(t testing.TB, doc string) *contract.Contract {
	t.Helper()
	c, err := contractparse.Parse([]byte(doc))
	if err != nil {
		t.Fatalf("%v\n%+v", err, privacy.AsError(err).Problems)
	}
	return c
}

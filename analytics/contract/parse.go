package contract

import (
	"github.com/noised/noised/privacy"
)

// Parse reads a contract. Its errors have CodeContractInvalid and list every
// problem of the document with its line.
func Parse(doc []byte) (*Contract, error) {
	return nil, privacy.Errorf(privacy.CodeContractInvalid, "not yet")
}

package main

import (
	"github.com/noised/noised/api/rest"
	"github.com/noised/noised/privacy/policy"
	"github.com/spf13/cobra"
)

func (a *app) policyCommand() *cobra.Command {
	return group("policy", "Check, test, explain and set the policies that decide who may ask what")
}

// policySchema returns the schema of this program's operations.
func policySchema() (*policy.Schema, error) {
	operations, err := rest.Operations()
	if err != nil {
		return nil, err
	}
	return policy.NewSchema(operations)
}

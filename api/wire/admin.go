package wire

import (
	"bytes"
	"context"
)

// CreateTenant creates a tenant; region may be empty.
func (a *API) CreateTenant(ctx context.Context, name, region string) (Tenant, error) {
	return decode[Tenant](a.client.CreateTenant(ctx, &CreateTenantParams{}, TenantRequest{Name: name, Region: Optional(region)}))
}

// Tenants lists every tenant.
func (a *API) Tenants(ctx context.Context) (TenantList, error) {
	return decode[TenantList](a.client.ListTenants(ctx))
}

// SetSuspended suspends a tenant or lifts its suspension.
func (a *API) SetSuspended(ctx context.Context, tenant string, suspended bool) (Tenant, error) {
	return decode[Tenant](a.client.UpdateTenant(ctx, tenant, TenantUpdate{Suspended: &suspended}))
}

// SetRegion says where a tenant's rows belong; empty for nowhere.
func (a *API) SetRegion(ctx context.Context, tenant, region string) (Tenant, error) {
	return decode[Tenant](a.client.UpdateTenant(ctx, tenant, TenantUpdate{Region: &region}))
}

// DeleteTenant deletes a tenant; its accounts stay.
func (a *API) DeleteTenant(ctx context.Context, tenant string) error {
	return done(a.client.DeleteTenant(ctx, tenant))
}

// DeleteDataset deletes a dataset for good; its accounts stay, and its name with them.
func (a *API) DeleteDataset(ctx context.Context, dataset string) error {
	return done(a.client.DeleteDataset(ctx, dataset))
}

// CreateKey creates a key as the operator.
func (a *API) CreateKey(ctx context.Context, k KeyRequest) (NewKey, error) {
	return decode[NewKey](a.client.CreateKey(ctx, &CreateKeyParams{}, k))
}

// Keys lists every key as the operator.
func (a *API) Keys(ctx context.Context) (KeyList, error) {
	return decode[KeyList](a.client.ListKeys(ctx))
}

// RevokeKey revokes a key as the operator.
func (a *API) RevokeKey(ctx context.Context, id string) error {
	return done(a.client.RevokeKey(ctx, id))
}

// CreateTenantKey creates a key as the admin of its tenant.
func (a *API) CreateTenantKey(ctx context.Context, tenant string, k TenantKeyRequest) (NewKey, error) {
	return decode[NewKey](a.client.CreateTenantKey(ctx, tenant, &CreateTenantKeyParams{}, k))
}

// TenantKeys lists the keys of a tenant as its admin.
func (a *API) TenantKeys(ctx context.Context, tenant string) (KeyList, error) {
	return decode[KeyList](a.client.ListTenantKeys(ctx, tenant))
}

// RevokeTenantKey revokes a key of a tenant as its admin.
func (a *API) RevokeTenantKey(ctx context.Context, tenant, id string) error {
	return done(a.client.RevokeTenantKey(ctx, tenant, id))
}

// PutPolicies puts a set of policies in force: the text of each file by its name.
func (a *API) PutPolicies(ctx context.Context, files map[string]string) (PolicyAccepted, error) {
	return decode[PolicyAccepted](a.client.PutPolicies(ctx, PolicySet{Files: files}))
}

// Policies shows a version of the policies, that in force for 0.
func (a *API) Policies(ctx context.Context, version int64) (PolicyText, error) {
	return decode[PolicyText](a.client.GetPolicies(ctx, &GetPoliciesParams{Version: Optional(version)}))
}

// PolicyVersions lists the versions of the policies.
func (a *API) PolicyVersions(ctx context.Context) (PolicyVersionList, error) {
	return decode[PolicyVersionList](a.client.ListPolicyVersions(ctx))
}

// RotateKey replaces a key as the operator; an empty overlap leaves it to the
// server.
func (a *API) RotateKey(ctx context.Context, id, overlap string) (NewKey, error) {
	return decode[NewKey](a.client.RotateKey(ctx, id, &RotateKeyParams{}, KeyRotation{Overlap: Optional(overlap)}))
}

// RotateTenantKey replaces a key of a tenant as its admin.
func (a *API) RotateTenantKey(ctx context.Context, tenant, id, overlap string) (NewKey, error) {
	return decode[NewKey](a.client.RotateTenantKey(ctx, tenant, id, &RotateTenantKeyParams{}, KeyRotation{Overlap: Optional(overlap)}))
}

// RevokePrincipal refuses a principal for good, as the operator.
func (a *API) RevokePrincipal(ctx context.Context, principal string) error {
	return done(a.client.RevokePrincipal(ctx, principal, &RevokePrincipalParams{}))
}

// ApplyContract creates a dataset or a new version of it from a contract in
// YAML; JSON is YAML.
func (a *API) ApplyContract(ctx context.Context, contract []byte) (DatasetVersion, error) {
	return made[DatasetVersion](a.client.CreateDatasetWithBody(ctx, &CreateDatasetParams{}, TypeYAML, bytes.NewReader(contract)))
}

// AcceptContract accepts a version of a dataset's contract for a tenant.
func (a *API) AcceptContract(ctx context.Context, dataset, tenant string, version int) (Membership, error) {
	return made[Membership](a.client.PutMember(ctx, dataset, tenant, MemberRequest{Version: version}))
}

// LeaveDataset ends a tenant's membership.
func (a *API) LeaveDataset(ctx context.Context, dataset, tenant string) error {
	return done(a.client.DeleteMember(ctx, dataset, tenant))
}

// TenantBudget shows a tenant's budget.
func (a *API) TenantBudget(ctx context.Context, tenant string) (TenantBudget, error) {
	return decode[TenantBudget](a.client.GetTenantBudget(ctx, tenant))
}

// SetTenantBudget sets a tenant's budget.
func (a *API) SetTenantBudget(ctx context.Context, tenant string, b TenantBudgetRequest) (TenantBudget, error) {
	return made[TenantBudget](a.client.PutTenantBudget(ctx, tenant, b))
}

// Charges lists what was charged to a tenant, newest first.
func (a *API) Charges(ctx context.Context, tenant, cursor string, limit int32) (ChargeList, error) {
	return decode[ChargeList](a.client.ListCharges(ctx, tenant, &ListChargesParams{Cursor: Optional(cursor), Limit: Optional(limit)}))
}

// DatasetBudget shows the budget of a dataset's persons.
func (a *API) DatasetBudget(ctx context.Context, dataset string) (DatasetBudget, error) {
	return decode[DatasetBudget](a.client.GetDatasetBudget(ctx, dataset))
}

// SetDatasetBudget sets the budget of a dataset's persons.
func (a *API) SetDatasetBudget(ctx context.Context, dataset string, b DatasetBudgetRequest) (DatasetBudget, error) {
	return made[DatasetBudget](a.client.PutDatasetBudget(ctx, dataset, b))
}

// Ready reports, as an error, why the server cannot answer.
func (a *API) Ready(ctx context.Context) error {
	return done(a.client.GetReadiness(ctx))
}

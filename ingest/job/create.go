package job

import (
	"context"
	"database/sql"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/ingest/spool"
	"github.com/noised/noised/ingest/upload"
	"github.com/noised/noised/privacy"
)

// maxLoadID is the length in bytes of the longest load_id.
const maxLoadID = 128

// Create stores the upload on disk and records a pending load for it. When it
// returns nil both are durable. A load_id that the tenant has used for the
// dataset before returns that load, with Existing set, if the upload and its
// parameters are the same, and CodeIdempotencyMismatch if they are not.
//
// Only contributors of a tenant that accepted the contract version in force
// may load its tables, and only the operator may load public ones: others get
// CodeForbidden (or CodeSuspended, CodeUnknownDataset), before any of the body
// is read.
func (s *Service) Create(ctx context.Context, r Request, body io.Reader) (Load, error) {
	j, err := s.admit(ctx, r)
	if err != nil {
		return Load{}, err
	}
	limits, err := s.limits(ctx, j.Tenant)
	if err != nil {
		return Load{}, err
	}
	f, done, err := s.receive(ctx, j, limits, r.Length, body)
	if err != nil {
		return Load{}, err
	}
	defer done()
	if j.sha256, err = s.digest(ctx, nil, j, f.SHA256); err != nil {
		s.abandon(ctx, j, f)
		return Load{}, err
	}
	j.Bytes = f.Bytes
	var earlier *record
	// From here the caller's hanging up changes nothing: the upload is here.
	err = s.o.DB.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *sql.Tx) error {
		earlier = nil
		if err := s.o.Catalog.ExistsIn(ctx, tx, j.Dataset); err != nil { // it may have been deleted since
			return err
		}
		found, err := sentBefore(ctx, tx, j)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			earlier = &found[0]
			return sameLoad(*earlier, j, f.SHA256)
		}
		if room, err := s.room(ctx, tx, j, limits); err != nil {
			return err
		} else if j.Bytes > room {
			return limits.Exceeded(quota.StoredBytes)
		}
		return insert(ctx, tx, j, r.By)
	})
	if err != nil || earlier != nil {
		s.abandon(ctx, j, f)
		if err != nil {
			return Load{}, err
		}
		earlier.Existing = true
		return earlier.Load, s.openIgnored(ctx, earlier)
	}
	f.Release()
	s.nudge()
	return j.Load, nil
}

// receive stores an upload as far as there is room for it. What it returns besides
// is to be called when the upload is on record or gone.
func (s *Service) receive(ctx context.Context, j record, limits quota.Limits, length int64, body io.Reader) (*spool.File, func(), error) {
	room, err := s.room(ctx, s.o.DB, j, limits)
	if err != nil {
		return nil, nil, err
	}
	if length > room && room < s.o.MaxUpload {
		return nil, nil, limits.Exceeded(quota.StoredBytes)
	}
	seal, err := s.sealing(ctx, j)
	if err != nil {
		return nil, nil, err
	}
	m := &metered{body: body, s: s, tenant: j.Tenant, room: room, limits: limits}
	f, err := spool.Receive(ctx, s.spoolDir(), j.ID, m, s.o.MaxUpload, seal)
	if err != nil {
		m.done()
		s.shred(ctx, uploadScope(j), rejectsScope(j))
		return nil, nil, err
	}
	return f, m.done, nil
}

// abandon gives up an upload that is on no record.
func (s *Service) abandon(ctx context.Context, j record, f *spool.File) {
	f.Discard()
	s.shred(ctx, uploadScope(j), rejectsScope(j))
}

// sentBefore returns the load of the tenant and the dataset that has the load's
// load_id, if there is one.
func sentBefore(ctx context.Context, q querier, j record) ([]record, error) {
	return find(ctx, q, `tenant = ? AND tenant_since = ? AND dataset = ? AND load_id = ?`, j.Tenant, j.tenantSince, j.Dataset, j.LoadID)
}

// sameLoad compares a load with one of the same load_id, which may have been recorded
// before there was a keyring: then it has the plain digest.
func sameLoad(earlier, j record, sha256 string) error {
	if (earlier.sha256 == j.sha256 || earlier.sha256 == sha256) && earlier.Table == j.Table && earlier.Write == j.Write && earlier.Format == j.Format && earlier.encoding == j.encoding &&
		earlier.maxBad == j.maxBad && earlier.DryRun == j.DryRun {
		return nil
	}
	if earlier.sha256 == "" {
		return privacy.Errorf(privacy.CodeIdempotencyMismatch, "load_id %q was used before people were erased, and nothing is known of that file any more: use another", j.LoadID)
	}
	return privacy.Errorf(privacy.CodeIdempotencyMismatch, "load_id %q was used before, with another file or other parameters", j.LoadID)
}

// admit checks a request and returns the load that it would become.
func (s *Service) admit(ctx context.Context, r Request) (record, error) {
	j := record{Load: Load{
		ID: privacy.NewID("load"), LoadID: r.LoadID, DryRun: r.DryRun, IgnoredColumns: []string{}, Tenant: r.Tenant, Dataset: r.Dataset, Table: r.Table,
		State: StatePending, Write: r.Write, Format: r.Format, CreatedAt: s.o.Now().UTC(),
	}, encoding: r.Encoding, by: r.By.ID}
	if err := mayAsk(r); err != nil {
		return record{}, err
	}
	if err := j.parameters(r); err != nil {
		return record{}, err
	}
	if _, err := s.mayLoad(ctx, j); err != nil {
		return record{}, err
	}
	since, err := s.tenantSince(ctx, r.Tenant)
	j.tenantSince = since
	return j, err
}

// mayAsk compares the role with the tenant: contributors load for their own,
// and the operator for nobody.
func mayAsk(r Request) error {
	if r.Tenant == catalog.Public && r.By.Is(privacy.RoleOperator) || r.Tenant != catalog.Public && r.By.Is(privacy.RoleContributor) && r.By.Owns(r.Tenant) {
		return nil
	}
	return privacy.Errorf(privacy.CodeForbidden, "only contributors of the tenant may load its data")
}

func (j *record) parameters(r Request) error {
	switch upload.Format(r.Format) {
	case upload.FormatCSV, upload.FormatParquet, upload.FormatNDJSON, upload.FormatArrow:
	default:
		return privacy.Errorf(privacy.CodeUnsupportedMediaType, "a load is CSV, Parquet, NDJSON or an Arrow IPC stream")
	}
	switch upload.Encoding(r.Encoding) {
	case upload.EncodingNone, upload.EncodingGzip, upload.EncodingZstd:
	default:
		return privacy.Errorf(privacy.CodeUnsupportedMediaType, "a load is sent as it is, or compressed with gzip or zstd")
	}
	switch r.Write {
	case "":
		j.Write = WriteAppend
	case WriteAppend, WriteReplace:
	default:
		return privacy.Errorf(privacy.CodeInvalidRequest, "write is append or replace")
	}
	if r.MaxBadRecords != nil {
		if j.maxBad = *r.MaxBadRecords; j.maxBad < 0 {
			return privacy.Errorf(privacy.CodeInvalidRequest, "max_bad_records must not be negative")
		}
	}
	if len(r.LoadID) > maxLoadID || !utf8.ValidString(r.LoadID) {
		return privacy.Errorf(privacy.CodeInvalidRequest, "load_id has at most %d bytes of UTF-8", maxLoadID)
	}
	for _, c := range r.LoadID {
		if unicode.IsControl(c) {
			return privacy.Errorf(privacy.CodeInvalidRequest, "load_id must not hold control characters")
		}
	}
	if j.LoadID == "" {
		j.LoadID = j.ID
	}
	return nil
}

// mayLoad returns the contract under which a load may run now.
func (s *Service) mayLoad(ctx context.Context, j record) (*contract.Contract, error) {
	d, err := s.o.Catalog.Dataset(ctx, j.Dataset)
	if err != nil {
		return nil, err
	}
	if err := s.o.Containment.Check(ctx, touches(j)); err != nil {
		return nil, err
	}
	if j.Tenant != catalog.Public {
		m, ok := d.Member(j.Tenant)
		switch {
		case !ok:
			return nil, privacy.Errorf(privacy.CodeForbidden, "the tenant is not a member of dataset %q: accept its contract first", d.Name)
		case !s.o.Regions.Serve(m.Region):
			return nil, residency.Refusal(j.Tenant)
		case m.Version != d.Contract.Version:
			return nil, privacy.Errorf(privacy.CodeForbidden, "the tenant accepted version %d of dataset %q, and version %d is in force: accept that first", m.Version, d.Name, d.Contract.Version)
		}
	}
	return d.Contract, tableIs(d.Contract, j)
}

// tableIs checks the table that a load names: public ones are the operator's to
// load, and all others a tenant's.
func tableIs(c *contract.Contract, j record) error {
	table, ok := c.Table(j.Table)
	switch {
	case j.Tenant == catalog.Public && (!ok || !table.Public):
		return privacy.Errorf(privacy.CodeForbidden, "the operator loads public tables only")
	case c.Tables == nil && !ok:
		return privacy.Errorf(privacy.CodeInvalidRequest, "dataset %q has one table: leave out the table's name", c.Dataset)
	case !ok:
		var names []string
		for _, t := range c.Tables {
			names = append(names, t.Name)
		}
		return privacy.Errorf(privacy.CodeInvalidRequest, "dataset %q has several tables: name one of %s", c.Dataset, strings.Join(names, ", "))
	case j.Tenant != catalog.Public && table.Public:
		return privacy.Errorf(privacy.CodeForbidden, "table %q is public: the operator loads it", table.Name)
	}
	return nil
}

// tenantSince tells tenants apart that have had the same name.
func (s *Service) tenantSince(ctx context.Context, tenant string) (int64, error) {
	if tenant == catalog.Public {
		return 0, nil
	}
	t, err := s.o.Catalog.Tenant(ctx, tenant)
	return t.CreatedAt.UnixMicro(), err
}

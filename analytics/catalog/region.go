package catalog

import (
	"context"
	"database/sql"

	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// SetRegion says where a tenant's rows belong. A tenant that has rows anywhere
// keeps its region: CodeConflict. One that has none yet (no region, that is) may
// get the first after it has loaded, from a server that serves it: its files are
// on that server's disk.
func (c *Catalog) SetRegion(ctx context.Context, name, region string, by privacy.Principal, here residency.Regions) error {
	region, err := residency.Check(region)
	if err != nil {
		return err
	}
	return c.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, err := tenantIn(ctx, tx, name)
		if err != nil || t.Region == region {
			return err
		}
		stays, err := hasRows(ctx, tx, t)
		if err != nil {
			return err
		}
		if stays && t.Region != "" {
			return privacy.Errorf(privacy.CodeConflict, "tenant %q has data in its region: files, uploads or rejected rows. They do not move", name).
				Suggest("delete the tenant and create it anew in the other region, and load there")
		}
		if stays && !here.Serve(region) {
			return privacy.Errorf(privacy.CodeConflict, "tenant %q has data on this server, which does not serve that region", name)
		}
		if _, err := exec(ctx, tx, "setting a region", `UPDATE tenants SET region = ? WHERE name = ?`, region, name); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, "setting a region", `UPDATE segments SET region = ?1 WHERE region = '' AND substr(path, 1, length(?2)) = ?2`,
			region, "tenants/"+name+"/"); err != nil {
			return err
		}
		return c.log(ctx, tx, translog.KindTenant, act{Act: "region", Tenant: name, Region: region, By: by.ID})
	})
}

// hasRows reports whether rows of a tenant lie anywhere: in files, those among
// them that only wait for their removal, in uploads that wait, or in lists of
// rejected rows. Segments that were merged into others have these beside them.
func hasRows(ctx context.Context, tx *sql.Tx, t Tenant) (has bool, err error) {
	since := t.CreatedAt.UnixMicro()
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (
			SELECT 1 FROM generations g JOIN generation_segments gs ON gs.generation = g.id WHERE g.tenant = ?1 AND g.at >= ?2)
		OR EXISTS (SELECT 1 FROM loads WHERE tenant = ?1 AND tenant_since = ?2 AND (state IN ('pending', 'running') OR rows_rejected > 0))`,
		t.Name, since).Scan(&has)
	if err != nil {
		return false, privacy.Internal(err, "looking for a tenant's data")
	}
	return has, nil
}

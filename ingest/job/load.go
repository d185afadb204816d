package job

import (
	"context"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/upload"
	"github.com/noised/noised/privacy"
)

// largestPlain is how many times as large as the largest upload one may be once it is
// decompressed.
const largestPlain = 8

// loadSpec is the order to turn a load's upload into a segment. It notes in the
// load which segments decide what becomes of its rows.
func (s *Service) loadSpec(ctx context.Context, j *record, c *contract.Contract, dir string) (spec build.Spec, err error) {
	if spec, j.basis, err = s.orders.Load(ctx, j.into(), j.Write == WriteReplace, c, dir); err != nil {
		return build.Spec{}, err
	}
	spec.Input, spec.Format, spec.Encoding = s.spoolPath(j.ID), upload.Format(j.Format), upload.Encoding(j.encoding)
	spec.MaxBadRecords, spec.MaxBytes = j.maxBad, largestPlain*s.o.MaxUpload
	spec.Sealed, err = s.sealed(ctx, *j)
	return spec, err
}

var errBasisChanged = privacy.Errorf(privacy.CodeUnavailable, "the rows that this load goes on from were replaced while it ran; send the file again")

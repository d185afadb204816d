package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"os"
	"strings"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/spool"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/keyring"
)

// What a load leaves beside segments has keys of its own: its upload and its rejected
// rows one each, and what its record has of them (the digest, columns that are not in
// the contract) one of the tenant's.
const (
	uploadKey  = "upload:"
	rejectsKey = "rejects:"
	recordsKey = "loads"
)

func uploadScope(j record) keyring.Scope {
	return keyring.Scope{Tenant: j.Tenant, Name: uploadKey + j.ID}
}

func rejectsScope(j record) keyring.Scope {
	return keyring.Scope{Tenant: j.Tenant, Name: rejectsKey + j.ID}
}

func recordScope(j record) keyring.Scope {
	return keyring.Scope{Tenant: j.Tenant, Name: recordsKey, Row: j.ID}
}

// sealing makes the keys of a load that is arriving, in one transaction, and returns
// what seals its upload; nil without a keyring.
func (s *Service) sealing(ctx context.Context, j record) (spool.Seal, error) {
	if !s.o.Keys.On() {
		return nil, nil
	}
	k := keyring.FileKey{Scope: uploadScope(j)}
	err := s.o.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if k.Key, err = s.o.Keys.Key(ctx, tx, k.Scope); err != nil || j.Tenant == catalog.Public {
			return err
		}
		_, err = s.o.Keys.Key(ctx, tx, rejectsScope(j))
		return err
	})
	return func(w io.Writer) (io.WriteCloser, error) { return k.Seal(w) }, err
}

// sealed gives a worker the keys of the upload that it reads and of the reject file
// that it writes; nil without a keyring.
func (s *Service) sealed(ctx context.Context, j record) (*build.Sealed, error) {
	if !s.o.Keys.On() {
		return nil, nil
	}
	out := &build.Sealed{Upload: keyring.FileKey{Scope: uploadScope(j)}, Rejects: keyring.FileKey{Scope: rejectsScope(j)}}
	for _, k := range []*keyring.FileKey{&out.Upload, &out.Rejects} {
		var err error
		if k.Key, err = s.o.Keys.Key(ctx, nil, k.Scope); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// digest is what the record of a load keeps of its upload's SHA-256, by which it
// tells whether a file is sent again: a keyed one where there is a keyring, since
// whoever has a file could tell by a plain one that it was loaded.
func (s *Service) digest(ctx context.Context, in keyring.Reader, j record, sha256 string) (string, error) {
	keyed, ok, err := s.o.Keys.Digest(ctx, in, keyring.Scope{Tenant: j.Tenant, Name: recordsKey, Row: "sha256"}, sha256)
	if err != nil || ok {
		return keyed, err
	}
	return sha256, nil
}

// sealIgnored notes how the columns that a load ignored are stored: they are names,
// but of a file and not of a contract.
func (s *Service) sealIgnored(ctx context.Context, j *record) error {
	j.ignored = "[]"
	if len(j.IgnoredColumns) == 0 {
		return nil
	}
	text, err := json.Marshal(j.IgnoredColumns)
	if err != nil {
		return privacy.Internal(err, "recording a load")
	}
	j.ignored, err = s.o.Keys.SealTextIn(ctx, nil, recordScope(*j), string(text))
	return err
}

// openIgnored reads them from a record as it is stored.
func (s *Service) openIgnored(ctx context.Context, j *record) error {
	text, err := s.o.Keys.OpenTextIn(ctx, nil, recordScope(*j), j.ignored)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), &j.IgnoredColumns); err != nil {
		return privacy.Internal(err, "reading loads")
	}
	return nil
}

// dropUpload removes the upload of a load that needs it no more, and forgets its key,
// and that of rejected rows if there are none.
func (s *Service) dropUpload(ctx context.Context, j record) {
	s.removeFile(s.spoolPath(j.ID))
	gone := []keyring.Scope{uploadScope(j)}
	if _, err := os.Stat(s.rejectsPath(j.Tenant, j.ID)); os.IsNotExist(err) {
		gone = append(gone, rejectsScope(j))
	}
	s.shred(ctx, gone...)
}

// shred forgets keys of a load. One that stays is found by sweepUploadKeys.
func (s *Service) shred(ctx context.Context, scopes ...keyring.Scope) {
	if !s.o.Keys.On() {
		return
	}
	matches := make([]keyring.Match, len(scopes))
	for i, scope := range scopes {
		matches[i] = keyring.OfScope(scope)
	}
	err := s.o.DB.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *sql.Tx) error { return s.o.Keys.Shred(ctx, tx, matches...) })
	if err != nil {
		s.o.Log.Warn("keys of a load will be forgotten later", "cause", err)
	}
}

// orphanedFor is how long the key of an upload stays that is on no record: longer
// than any request takes.
const orphanedFor = 24 * time.Hour

// sweepUploadKeys forgets the keys of uploads that are gone, and of rejected rows of
// loads that never were.
func (s *Service) sweepUploadKeys(ctx context.Context) error {
	if !s.o.Keys.On() {
		return nil
	}
	before := s.o.Now().Add(-orphanedFor)
	uploads, err := s.o.Keys.Names(ctx, uploadKey, before)
	if err != nil {
		return err
	}
	for _, scope := range uploads {
		id := strings.TrimPrefix(scope.Name, uploadKey)
		if _, err := os.Stat(s.spoolPath(id)); !os.IsNotExist(err) {
			continue
		}
		j := record{Load: Load{ID: id, Tenant: scope.Tenant}}
		gone := []keyring.Scope{uploadScope(j)}
		if found, err := find(ctx, s.o.DB, `id = ?`, id); err != nil {
			return err
		} else if len(found) == 0 {
			gone = append(gone, rejectsScope(j))
		} else if !found[0].State.Finished() {
			continue // of a server of another region
		}
		s.shred(ctx, gone...)
	}
	return nil
}

// intact reports whether a file is as large as an upload of so many bytes, plain or
// sealed.
func intact(info os.FileInfo, bytes int64) bool {
	return info.Size() == bytes || info.Size() == keyring.FileSize(bytes)
}

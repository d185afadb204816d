package loads

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/problem"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
)

// CreateLoad streams a file to the load service, which stores it and starts the
// job. The body is never held in memory.
func (h Handlers) CreateLoad(c *echo.Context) error {
	r := c.Request()
	req, err := loadRequest(c)
	if err != nil {
		return err
	}
	if r.ContentLength > h.MaxUpload {
		return &http.MaxBytesError{Limit: h.MaxUpload}
	}
	body := &uploadBody{
		r:    http.MaxBytesReader(c.Response(), r.Body, h.MaxUpload),
		conn: http.NewResponseController(c.Response()), idle: h.Idle, grace: h.Grace,
	}
	load, err := h.Loads.Create(r.Context(), req, body)
	if err != nil {
		if body.err != nil { // the service knows only that it could not read
			return body.err
		}
		return err
	}
	c.Response().Header().Set("Location", "/v1/loads/"+load.ID)
	return c.JSON(http.StatusAccepted, loadOf(load))
}

// formatOf returns what the load service calls the media type of an upload.
func formatOf(contentType string) string {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	return map[string]string{
		wire.TypeCSV: "csv", wire.TypeParquet: "parquet", wire.TypeNDJSON: "ndjson", wire.TypeArrow: "arrow",
	}[mediaType]
}

// loadRequest reads what an upload says beside its body. The validator has
// checked every parameter. The operator has no tenant, and neither have the
// public tables that it loads.
func loadRequest(c *echo.Context) (job.Request, error) {
	by := operation.Principal(c.Request().Context())
	q, h := c.QueryParams(), c.Request().Header
	if t := q.Get("tenant"); t != "" {
		if err := operation.CheckOwn(by, t); err != nil {
			return job.Request{}, err
		}
	}
	req := job.Request{
		Dataset: c.Param("dataset"), Tenant: by.Tenant, By: by, Table: q.Get("table"),
		LoadID: q.Get("load_id"), Write: job.Write(q.Get("write")),
		Format: formatOf(h.Get("Content-Type")), Encoding: strings.ToLower(h.Get("Content-Encoding")),
	}
	req.Length = c.Request().ContentLength
	if req.Write == "" {
		req.Write = job.WriteAppend
	}
	if req.Encoding == "identity" {
		req.Encoding = ""
	}
	if key := h.Get(wire.HeaderIdempotencyKey); req.LoadID == "" && key != "" {
		req.LoadID = loadIDOf(by.ID, key)
	}
	var err error
	if text := q.Get("max_bad_records"); text != "" {
		n, fault := strconv.ParseInt(text, 10, 64)
		req.MaxBadRecords, err = &n, fault
	}
	if text := q.Get("dry_run"); text != "" && err == nil {
		req.DryRun, err = strconv.ParseBool(text)
	}
	if err != nil {
		return job.Request{}, privacy.Errorf(privacy.CodeInvalidRequest, "a query parameter cannot be read").Because(err)
	}
	return req, nil
}

// loadIDOf names a load after an Idempotency-Key, which belongs to a principal
// while a load_id belongs to the whole tenant.
func loadIDOf(principal, key string) string {
	sum := sha256.Sum256([]byte(principal + "\x00" + key))
	return "key-" + hex.EncodeToString(sum[:16])
}

// uploadBody reads a file for as long as bytes keep coming. It remembers why
// reading failed, which the service that reads from it cannot tell.
type uploadBody struct {
	r      io.Reader
	conn   *http.ResponseController
	idle   time.Duration
	grace  time.Duration
	expiry time.Time
	err    error
}

// Read implements io.Reader.
func (b *uploadBody) Read(p []byte) (int, error) {
	if now := time.Now(); b.expiry.Sub(now) < b.idle/2 {
		b.expire(now.Add(b.idle))
	}
	n, err := b.r.Read(p)
	switch {
	case err == io.EOF:
		b.expire(time.Time{}) // what is left to do is the server's, and may take its time
	case err != nil:
		b.err = &problem.BodyError{Cause: err}
	}
	return n, err
}

// expire sets the connection's deadlines, which are on the machine's clock. A
// server without a connection beneath, as in tests, has nothing to time out.
func (b *uploadBody) expire(at time.Time) {
	b.expiry = at
	_ = b.conn.SetReadDeadline(at)
	if !at.IsZero() {
		at = at.Add(b.grace)
	}
	_ = b.conn.SetWriteDeadline(at)
}

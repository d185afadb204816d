package rest

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/api/idempotency"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// minRandomKey is the length of an Idempotency-Key that alone seals an answer,
// since its caller has no secret that lasts: a token is another one tomorrow.
const minRandomKey = 22

// replay answers a POST whose Idempotency-Key was used before with the answer
// that it got then. Uploads know their key themselves (it stands in for
// load_id), so that their bodies need not be read twice; queries know it too,
// which makes a spend exactly-once even when the server dies in the middle: a
// caller may then ask again at once, and the charge that is there is redeemed.
func (s *server) replay(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		r := c.Request()
		cl := callOf(r.Context())
		key := r.Header.Get(wire.HeaderIdempotencyKey)
		if key == "" || r.Method != http.MethodPost || cl.op == nil || cl.op.upload {
			return next(c)
		}
		if !cl.lasting && len(key) < minRandomKey {
			return privacy.Errorf(privacy.CodeInvalidRequest,
				"an Idempotency-Key beside a token or a certificate has at least %d characters, drawn at random: answers are sealed with it", minRandomKey)
		}
		attempt, stored, err := s.answers.Begin(r.Context(), idempotency.Request{
			Principal: cl.principal.ID, Secret: cl.secret, Key: key,
			Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Body: cl.body,
			Repeatable: cl.op.id == "query" || cl.op.id == "explain",
		})
		if err != nil {
			return err
		}
		if stored != nil {
			if inForm(stored.Header["Content-Type"], cl.media) && s.stillPermitted(stored) {
				return writeStored(c.Response(), stored)
			}
			return next(c) // another form of the same release, or other policies: free, and decided anew
		}
		return s.record(c, attempt, next)
	}
}

// stillPermitted reports whether a stored answer was permitted by the policies in
// force, and is of no dataset that may be suspended. Answers that are no releases do
// not say.
func (s *server) stillPermitted(a *idempotency.Answer) bool {
	version := a.Header[wire.HeaderPolicy]
	return version == "" || version == strconv.FormatInt(s.Policies.InForce(), 10) && !s.Containment.DatasetsSuspended()
}

// inForm reports whether a stored answer has the media type that is asked for.
func inForm(contentType, media string) bool {
	mediaType, _, _ := bytes.Cut([]byte(contentType), []byte(";"))
	return media == "" || string(mediaType) == media
}

// record runs the request and keeps its answer before the first byte of it
// leaves. An answer that is not a success had no effect and is not kept.
func (s *server) record(c *echo.Context, attempt *idempotency.Attempt, next echo.HandlerFunc) (err error) {
	ctx := c.Request().Context()
	outer := c.Response()
	rec := newRecorder()
	finished := false
	defer func() {
		c.SetResponse(outer)
		if finished {
			return
		}
		if fault := attempt.Abandon(ctx); fault != nil {
			s.log.Error("an Idempotency-Key could not be freed", "request", callOf(ctx).id, "cause", fault.Error())
		}
	}()
	c.SetResponse(echo.NewResponse(rec, s.log))
	if err := next(c); err != nil {
		return err
	}
	finished = true
	answer := rec.whole()
	if err := attempt.Finish(ctx, *answer); err != nil {
		// The effect has happened and the caller must hear of it; what is lost is
		// that a repeated request gets the same answer.
		s.log.Error("an answer could not be kept for its Idempotency-Key", "request", callOf(ctx).id, "cause", privacy.AsError(err).Error())
	}
	return writeStored(outer, answer)
}

func writeStored(w http.ResponseWriter, a *idempotency.Answer) error {
	for _, name := range slices.Sorted(maps.Keys(a.Header)) {
		w.Header().Set(name, a.Header[name])
	}
	w.WriteHeader(a.Status)
	_, err := w.Write(a.Body)
	return err
}

// recorder holds an answer back.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}, status: http.StatusOK} }

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) { r.status = status }

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// reset forgets what was written.
func (r *recorder) reset() { *r = *newRecorder() }

// whole returns what was written.
func (r *recorder) whole() *idempotency.Answer {
	a := &idempotency.Answer{Status: r.status, Header: map[string]string{}, Body: r.body.Bytes()}
	for name := range r.header {
		a.Header[name] = r.header.Get(name)
	}
	return a
}

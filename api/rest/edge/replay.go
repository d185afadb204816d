package edge

import (
	"bytes"
	"net/http"
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
func (e *Edge) replay(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		r := c.Request()
		v := visitOf(r.Context())
		key := r.Header.Get(wire.HeaderIdempotencyKey)
		if key == "" || r.Method != http.MethodPost || v.Operation == nil || v.Operation.Upload {
			return next(c)
		}
		if !v.lasting && len(key) < minRandomKey {
			return privacy.Errorf(privacy.CodeInvalidRequest,
				"an Idempotency-Key beside a token or a certificate has at least %d characters, drawn at random: answers are sealed with it", minRandomKey)
		}
		attempt, stored, err := e.answers.Begin(r.Context(), idempotency.Request{
			Principal: v.Principal.ID, Secret: v.secret, Key: key,
			Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Body: v.Body,
			Repeatable: v.Operation.ID == "query" || v.Operation.ID == "explain",
		})
		if err != nil {
			return err
		}
		if stored != nil {
			if inForm(stored.Header["Content-Type"], v.Media) && e.stillPermitted(stored) {
				return stored.Write(c.Response())
			}
			return next(c) // another form of the same release, or other policies: free, and decided anew
		}
		return e.record(c, attempt, next)
	}
}

// stillPermitted reports whether a stored answer was permitted by the policies in
// force, and is of no dataset that may be suspended. Answers that are no releases do
// not say.
func (e *Edge) stillPermitted(a *idempotency.Answer) bool {
	version := a.Header[wire.HeaderPolicy]
	return version == "" || version == strconv.FormatInt(e.Policies.InForce(), 10) && !e.Containment.DatasetsSuspended()
}

// inForm reports whether a stored answer has the media type that is asked for.
func inForm(contentType, media string) bool {
	mediaType, _, _ := bytes.Cut([]byte(contentType), []byte(";"))
	return media == "" || string(mediaType) == media
}

// record runs the request and keeps its answer before the first byte of it
// leaves. An answer that is not a success had no effect and is not kept.
func (e *Edge) record(c *echo.Context, attempt *idempotency.Attempt, next echo.HandlerFunc) (err error) {
	ctx := c.Request().Context()
	outer := c.Response()
	rec := idempotency.NewRecorder()
	finished := false
	defer func() {
		c.SetResponse(outer)
		if finished {
			return
		}
		if fault := attempt.Abandon(ctx); fault != nil {
			e.log.Error("an Idempotency-Key could not be freed", "request", visitOf(ctx).ID, "cause", fault.Error())
		}
	}()
	c.SetResponse(echo.NewResponse(rec, e.log))
	if err := next(c); err != nil {
		return err
	}
	finished = true
	answer := rec.Answer()
	if err := attempt.Finish(ctx, *answer); err != nil {
		// The effect has happened and the caller must hear of it; what is lost is
		// that a repeated request gets the same answer.
		e.log.Error("an answer could not be kept for its Idempotency-Key", "request", visitOf(ctx).ID, "cause", privacy.AsError(err).Error())
	}
	return answer.Write(outer)
}

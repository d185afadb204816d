package analysis

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/showing"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// resultResponse is a release in the form that was asked for. It is written out
// before anything is sent, so that no answer breaks off half-way.
type resultResponse struct {
	release release.Release
	cached  bool
	media   string
	body    []byte
}

func newResult(a *showing.Answer, media string, intervals bool) (resultResponse, error) {
	write := map[string]func(io.Writer, bool) error{
		wire.TypeArrow: a.Table.WriteArrow, wire.TypeCSV: a.Table.WriteCSV, wire.TypeJSON: a.Table.WriteJSON,
	}[media]
	var body bytes.Buffer
	if err := write(&body, intervals); err != nil {
		return resultResponse{}, privacy.Internal(err, "write result")
	}
	return resultResponse{release: a.Release, cached: a.Cached, media: media, body: body.Bytes()}, nil
}

func (r resultResponse) send(w http.ResponseWriter) error {
	h := w.Header()
	h.Set(wire.HeaderRelease, r.release.ID)
	h.Set(wire.HeaderEpsilon, strconv.FormatFloat(r.release.Epsilon, 'g', -1, 64))
	h.Set(wire.HeaderDelta, strconv.FormatFloat(r.release.Delta, 'g', -1, 64))
	h.Set(wire.HeaderCached, strconv.FormatBool(r.cached))
	h.Set(wire.HeaderPolicy, strconv.FormatInt(r.release.Policy, 10))
	contentType := r.media
	if r.media == wire.TypeCSV {
		contentType += "; charset=utf-8"
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(r.body)))
	_, err := w.Write(r.body)
	return err
}

// VisitQueryResponse implements QueryResponseObject.
func (r resultResponse) VisitQueryResponse(w http.ResponseWriter) error { return r.send(w) }

// VisitQueryByURLResponse implements QueryByURLResponseObject.
func (r resultResponse) VisitQueryByURLResponse(w http.ResponseWriter) error { return r.send(w) }

// VisitGetReleaseResponse implements GetReleaseResponseObject.
func (r resultResponse) VisitGetReleaseResponse(w http.ResponseWriter) error { return r.send(w) }

// newInfo returns the description of a release in the form of a result, so that
// both carry the same headers.
func newInfo(a *showing.Answer) (resultResponse, error) {
	body, err := json.Marshal(releaseOf(a.Release))
	if err != nil {
		return resultResponse{}, privacy.Internal(err, "write release")
	}
	return resultResponse{release: a.Release, cached: a.Cached, media: wire.TypeReleaseInfo, body: body}, nil
}

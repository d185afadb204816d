package validation

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/privacy"
)

// Negotiate settles the media types of the body and of the answer before anything
// is done for a request. It returns that of the answer.
func Negotiate(op *operation.Operation, h http.Header) (media string, err error) {
	if len(op.Produces) > 0 {
		var ok bool
		if media, ok = choose(strings.Join(h.Values("Accept"), ","), op.Produces); !ok {
			return "", privacy.Errorf(privacy.CodeNotAcceptable, "the answer comes as %s", strings.Join(op.Produces, ", "))
		}
	}
	if len(op.Consumes) > 0 {
		return media, checkBodyType(op, h)
	}
	return media, nil
}

// checkBodyType refuses a body of a type, or in an encoding, that the operation
// does not take.
func checkBodyType(op *operation.Operation, h http.Header) error {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || !slices.Contains(op.Consumes, media) {
		return privacy.Errorf(privacy.CodeUnsupportedMediaType, "send the body as %s", strings.Join(op.Consumes, ", "))
	}
	encoding := strings.ToLower(h.Get("Content-Encoding"))
	if encoded := encoding != "" && encoding != "identity"; encoded && !op.Upload {
		return privacy.Errorf(privacy.CodeUnsupportedMediaType, "send the body without Content-Encoding")
	} else if encoded && encoding != "gzip" && encoding != "zstd" {
		return privacy.Errorf(privacy.CodeUnsupportedMediaType, "the Content-Encoding of a file may be gzip or zstd")
	}
	return nil
}

// mediaRange is one element of an Accept header.
type mediaRange struct {
	pattern string // type/subtype, type/* or */*
	quality float64
}

// choose returns the offered media type that an Accept header (RFC 9110, 12.5.1)
// prefers; the first offer when there is no header. Between equal qualities a
// type that the header names goes before one that only a wildcard covers, and
// then the one that is named first.
func choose(accept string, offers []string) (string, bool) {
	if strings.TrimSpace(accept) == "" {
		return offers[0], true
	}
	ranges := parseAccept(accept)
	type score struct {
		quality     float64
		specificity int
		position    int
	}
	best, found := score{}, ""
	for _, offer := range offers {
		mine := score{specificity: -1}
		for i, r := range ranges {
			if sp := specificity(r.pattern, offer); sp > mine.specificity {
				mine = score{r.quality, sp, i}
			}
		}
		if mine.specificity < 0 || mine.quality <= 0 {
			continue
		}
		better := mine.quality > best.quality ||
			mine.quality == best.quality && (mine.specificity > best.specificity ||
				mine.specificity == best.specificity && mine.position < best.position)
		if found == "" || better {
			best, found = mine, offer
		}
	}
	return found, found != ""
}

// parseAccept reads what it can and leaves out elements that make no sense.
func parseAccept(accept string) []mediaRange {
	var out []mediaRange
	for _, element := range strings.Split(accept, ",") {
		pattern, params, err := mime.ParseMediaType(element)
		if err != nil {
			continue
		}
		r := mediaRange{pattern: pattern, quality: 1}
		if q, ok := params["q"]; ok {
			if r.quality, err = strconv.ParseFloat(q, 64); err != nil || !(r.quality >= 0 && r.quality <= 1) {
				continue
			}
		}
		out = append(out, r)
	}
	return out
}

// specificity says how closely a range names a media type, −1 when it does not.
func specificity(pattern, mediaType string) int {
	family, _, _ := strings.Cut(mediaType, "/")
	switch pattern {
	case mediaType:
		return 2
	case family + "/*":
		return 1
	case "*/*", "*":
		return 0
	}
	return -1
}

package keyring

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/noised/noised/privacy"
)

// textPrefix begins a sealed value in a column of text. No SQL, no JSON and no name
// begins so.
const textPrefix = "\x01noised:"

// SealedText reports whether a text is sealed.
func SealedText(text string) bool { return strings.HasPrefix(text, textPrefix) }

// SealTextIn is SealIn for a column of text. in may be nil.
func (r *Ring) SealTextIn(ctx context.Context, in Reader, s Scope, text string) (string, error) {
	if !r.On() {
		return text, nil
	}
	sealed, err := r.SealIn(ctx, in, s, []byte(text))
	return textPrefix + base64.RawStdEncoding.EncodeToString(sealed), err
}

// OpenTextIn is OpenIn for a column of text.
func (r *Ring) OpenTextIn(ctx context.Context, in Reader, s Scope, sealed string) (string, error) {
	body, is := strings.CutPrefix(sealed, textPrefix)
	if !is {
		return sealed, nil
	}
	raw, err := base64.RawStdEncoding.DecodeString(body)
	if err != nil || !Sealed(raw) {
		return "", privacy.Internal(errors.New("it was changed"), "opening a sealed text")
	}
	text, err := r.OpenIn(ctx, in, s, raw)
	return string(text), err
}

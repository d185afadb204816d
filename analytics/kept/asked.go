package kept

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/noised/noised/privacy/ledger"
)

// Asked returns the text of the question that a charge of a key keeps, and the tenant
// of who asked it: for whoever compares questions with one another. The arguments of
// a template stand behind it as conditions, or all that it is asked with would look
// the same.
func (b *Book) Asked(ctx context.Context, key string, kept []byte) (text, tenant string, err error) {
	if kept == nil {
		return "", "", nil
	}
	was, err := b.Open(ctx, ledger.Charge{Key: key, Payload: kept})
	if err != nil {
		return "", "", err
	}
	r := was.Request
	if r.Resolved == nil {
		return r.SQL, was.Tenant, nil
	}
	var out strings.Builder
	out.WriteString(r.Resolved.SQL)
	for _, name := range slices.Sorted(maps.Keys(r.Parameters)) {
		out.WriteString("\nAND " + name + " = " + literal(r.Parameters[name]))
	}
	return out.String(), was.Tenant, nil
}

// literal writes a JSON value as a text in quotes.
func literal(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(bytes.TrimSpace(raw)) // a number or a truth value
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

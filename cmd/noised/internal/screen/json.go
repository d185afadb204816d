package screen

import (
	"encoding/json"
	"io"
)

// WriteJSON writes a document as every command shows one: indented, and with nothing
// escaped that need not be.
func WriteJSON(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

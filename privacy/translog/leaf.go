package translog

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/noised/noised/privacy"
)

// The kinds of leaf.
const (
	KindCharge     = "charge"     // accounts were debited
	KindBudget     = "budget"     // an account was opened or its cap changed
	KindTenant     = "tenant"     // a tenant was created or deleted
	KindKey        = "key"        // an API key was created, replaced or revoked
	KindPrincipal  = "principal"  // a principal was revoked
	KindContract   = "contract"   // a dataset's contract got a version, or the dataset was deleted
	KindMember     = "member"     // a tenant accepted a contract or left a dataset
	KindGeneration = "generation" // a tenant's data got a new state
	KindJoin       = "join"       // a principal was shown a release that others paid for, and its cap was debited
	KindRelease    = "release"    // a result was stored to leave
	KindPolicy     = "policy"     // a version of the policies was put in force
	KindSuspension = "suspension" // something was suspended, or is no longer
	KindTemplate   = "template"   // a query that may be asked by name got a version, or was withdrawn
	KindKeyring    = "keyring"    // the keys that data at rest is encrypted with were wrapped by another
	KindProposal   = "proposal"   // a change that needs approvals was proposed, signed, ended or made
	KindErasure    = "erasure"    // people were removed from a tenant's data
	KindRestore    = "restore"    // a store that went back was accepted: what came after this entry once is forgotten
)

func kinds() []string {
	return []string{KindCharge, KindBudget, KindTenant, KindKey, KindPrincipal, KindContract, KindMember, KindGeneration, KindJoin, KindKeyring, KindRelease, KindPolicy, KindProposal, KindSuspension, KindTemplate, KindErasure, KindRestore}
}

// Leaf is one entry of the log.
type Leaf struct {
	Kind string    // one of the Kind constants
	At   time.Time // recorded to the microsecond, in UTC
	Body any       // marshalled by encoding/json; an object of strings, booleans and whole numbers

	salt string // hides the leaf's hash from those who are not shown the leaf; none in the first logs
}

// newSalt returns what makes the hash of a leaf tell nothing. Hashes of leaves
// stand in the proofs of their neighbours, and some leaves could be guessed.
func newSalt() string {
	n := NewNonce()
	return hex.EncodeToString(n[:])
}

// canonical returns the bytes that are hashed and stored: one JSON object
// {"at", "body", "kind", "salt"} without white space, keys in byte order, numbers
// whole. Anyone who re-encodes a leaf by these rules gets the same bytes.
func (l Leaf) canonical() ([]byte, error) {
	if !slices.Contains(kinds(), l.Kind) {
		return nil, privacy.Internal(fmt.Errorf("unknown leaf kind %q", l.Kind), "transparency log")
	}
	raw, ok := l.Body.(json.RawMessage)
	var err error
	if !ok {
		raw, err = encode(l.Body)
	}
	if err != nil {
		return nil, privacy.Internal(err, "marshalling a log leaf")
	}
	at := l.At.UTC().Truncate(time.Microsecond)
	data := append(make([]byte, 0, len(raw)+176), `{"at":"`...)
	data = append(at.AppendFormat(data, time.RFC3339Nano), `","body":`...)
	data = append(append(data, raw...), `,"kind":"`...)
	data = append(append(data, l.Kind...), '"')
	if l.salt != "" {
		data = append(append(append(data, `,"salt":"`...), l.salt...), '"')
	}
	data = append(data, '}')
	if isCanonical(raw) { // and so the whole is
		return data, nil
	}
	return l.sorted(at)
}

// sorted decodes the body to plain maps and encodes it again, which sorts the
// keys of structs that encoding/json leaves in the order of their fields.
func (l Leaf) sorted(at time.Time) ([]byte, error) {
	raw, err := json.Marshal(l.Body)
	if err != nil {
		return nil, privacy.Internal(err, "marshalling a log leaf")
	}
	var body any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&body); err != nil {
		return nil, privacy.Internal(err, "marshalling a log leaf")
	}
	if err := wholeNumbers(body); err != nil {
		return nil, privacy.Internal(err, "marshalling a log leaf")
	}
	whole := map[string]any{"kind": l.Kind, "at": at, "body": body}
	if l.salt != "" {
		whole["salt"] = l.salt
	}
	data, err := encode(whole)
	if err != nil {
		return nil, privacy.Internal(err, "marshalling a log leaf")
	}
	return data, nil
}

func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// wholeNumbers refuses numbers with a fraction or an exponent. Floats print
// differently in different languages, and a real number in a leaf is a value
// that does not belong there; write it as a string if it must be.
func wholeNumbers(v any) error {
	switch v := v.(type) {
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return fmt.Errorf("%s is not a whole number", v)
		}
	case []any:
		for _, e := range v {
			if err := wholeNumbers(e); err != nil {
				return err
			}
		}
	case map[string]any:
		for k, e := range v {
			if err := wholeNumbers(e); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
		}
	}
	return nil
}

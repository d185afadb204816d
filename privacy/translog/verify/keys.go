package verify

import "context"

// key notes the leaf of a key that signs the log; others of its kind are of callers.
func (v *run) key(l *reading) {
	var leaf struct {
		Act      string `json:"act"`
		Verifier string `json:"verifier"`
	}
	if v.decode(l, &leaf) && leaf.Act == "sign-log" {
		v.keys[l.idx] = leaf.Verifier
	}
}

// compareKeys holds the keys that a server may sign with against the leaves: one that
// no leaf knows signs a state that nobody can tell from the log's own.
func (v *run) compareKeys(ctx context.Context) error {
	rows, err := v.r.QueryContext(ctx, `SELECT leaf, verifier FROM log_keys`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var leaf int64
		var verifier string
		if err := rows.Scan(&leaf, &verifier); err != nil {
			return err
		}
		if v.keys[leaf] != verifier {
			v.problem(leaf, "the store has a key that signs the log, and leaf %d does not say so", leaf)
		}
		delete(v.keys, leaf)
	}
	for leaf := range v.keys {
		v.problem(leaf, "leaf %d has a key that signs the log, and the store has none", leaf)
	}
	return rows.Err()
}

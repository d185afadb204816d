package ledger

import (
	"context"
	"database/sql"
	"slices"

	"github.com/noised/noised/privacy"
)

// existing holds the charges that answer requests, those that one transaction
// found and those that it makes.
type existing struct {
	byKey     map[string]*stored // pending or released
	byRequest map[requestKey]*stored
}

type requestKey struct{ principal, key string }

// read looks for the charges that some requests may find.
func (e *existing) read(ctx context.Context, q reader, requests []Request) error {
	keys, err := liveKeys(ctx, q, requests)
	if err != nil {
		return err
	}
	for _, k := range keys {
		c, found, err := byKey(ctx, q, k)
		if err != nil {
			return err
		}
		if found {
			e.byKey[k] = &c
		}
	}
	for _, r := range requests {
		if r.RequestKey == "" {
			continue
		}
		c, found, err := byRequest(ctx, q, r.Principal, r.RequestKey)
		if err != nil {
			return err
		}
		if found {
			e.byRequest[requestKey{r.Principal, r.RequestKey}] = &c
		}
	}
	return nil
}

// find returns the charge that already answers a request, and makes the request
// key find it from now on.
func (p *posting) find(r Request) (Charge, bool) {
	if r.RequestKey != "" {
		if s, ok := p.existing.byRequest[requestKey{r.Principal, r.RequestKey}]; ok {
			c := s.Charge
			c.Existing = true
			return c, true
		}
	}
	s, ok := p.existing.byKey[r.Key]
	if !ok {
		return Charge{}, false
	}
	c := *s
	c.Existing = true
	if r.RequestKey != "" {
		c.Payload = r.Payload
	}
	p.bind(r, c)
	return c.Charge, true
}

// bind makes a principal's request key find a charge, with the payload that this
// request brought.
func (p *posting) bind(r Request, c stored) {
	if r.RequestKey == "" {
		return
	}
	p.existing.byRequest[requestKey{r.Principal, r.RequestKey}] = &c
	p.requests.Add(r.Principal, r.RequestKey, c.seq, r.Payload)
}

// liveKeys returns those of the requests' keys that have a pending or released
// charge.
func liveKeys(ctx context.Context, q reader, requests []Request) (live []string, err error) {
	for some := range slices.Chunk(requests, maxParameters) {
		args := make([]any, parameters(len(some)))
		for i, r := range some {
			args[i] = r.Key
		}
		rows, err := q.QueryContext(ctx, `SELECT key FROM charges WHERE state <> 'abandoned' AND key IN (`+placeholders(len(args))+`)`, args...)
		if err == nil {
			live, err = appendNames(rows, live)
		}
		if err != nil {
			return nil, privacy.Internal(err, "looking for charges")
		}
	}
	return live, nil
}

func appendNames(rows *sql.Rows, to []string) ([]string, error) {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		to = append(to, name)
	}
	return to, rows.Err()
}

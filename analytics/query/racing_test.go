package query_test

import (
	"context"
	"errors"
	"testing"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/privacy"
)

// parserFunc lets a test act between the look-up of an Idempotency-Key and the
// charge.
type parserFunc func(ctx context.Context, sql string) (*plan.Select, error)

func (f parserFunc) Parse(ctx context.Context, sql string) (*plan.Select, error) { return f(ctx, sql) }

func (f parserFunc) ParseTemplate(context.Context, string, map[string]plan.Expr) (*plan.Select, error) {
	return nil, errors.New("no template is asked here")
}

// Two requests race under one Idempotency-Key: the cheap one is charged while
// the dear one is being planned. Nothing but the cheap one is paid for.
func TestRacingIdempotencyKeyPaysForItsOwnQuestionOnly(t *testing.T) {
	h := newHouse(t)
	key := func(epsilon float64) func(*question.Request) {
		return func(r *question.Request) { r.IdempotencyKey, r.Epsilon = "racing", &epsilon }
	}
	h.engine.before = func(engine.Input) error { return errors.New("cut off") } // the cheap charge stays pending
	o, parser, raced := h.options, h.options.Parser, false
	o.Parser = parserFunc(func(ctx context.Context, sql string) (*plan.Select, error) {
		if !raced {
			raced = true
			_, _ = h.ask(byWard, key(0.01))
			h.engine.before = nil
		}
		return parser.Parse(ctx, sql)
	})
	h.open(o)
	if _, err := h.ask(byWard, key(1)); privacy.CodeOf(err) != privacy.CodeIdempotencyMismatch {
		t.Errorf("the dear question on the cheap charge: %v, want idempotency-mismatch", err)
	}
}

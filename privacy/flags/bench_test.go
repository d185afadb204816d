package flags_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/noised/noised/privacy/flags"
)

// BenchmarkOn measures what one flag of one tenant costs a query, which asks two of
// each tenant that it touches.
func BenchmarkOn(b *testing.B) {
	for _, rules := range []int{1, 10, 1000} {
		text := "flags:\n  joint-queries:\n    default: on\n    rules:\n"
		for i := range rules {
			text += fmt.Sprintf("    - {tenant: t%d, dataset: other, value: off}\n", i)
		}
		path := filepath.Join(b.TempDir(), "flags.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		s, err := flags.Open(context.Background(), path, slog.New(slog.NewTextHandler(io.Discard, nil)))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(rules, " rules"), func(b *testing.B) {
			for b.Loop() {
				if !s.On(context.Background(), flags.JointQueries, flags.Scope{Tenant: "t5", Dataset: "visits", Principal: "key_1"}) {
					b.Fatal("off")
				}
			}
		})
	}
}

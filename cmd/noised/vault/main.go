// Command vault runs the suite that tries to change the record of what was spent and
// to read what is at rest, and writes what it saw: how many tamperings were made and
// caught, how many damaged files were loaded and how often the server died of one,
// how many planted tokens were found in clear, what the log costs a charge and
// encryption a scan, and whether a backup restores.
//
// The tests are those of package suite and of the log's verifier, with the build tag
// vault.
package main

import (
	"os"

	"github.com/noised/noised/cmd/noised/internal/verdict"
)

func main() {
	os.Exit(verdict.Suite{
		Name: "vault",
		Parts: []verdict.Part{
			{Package: "./cmd/noised/vault/suite", Tests: "."},
			{Package: "./privacy/translog/verify", Tests: "."},
		},
		Goals: []verdict.Goal{
			{Name: "tamperings", Says: "at least 1000", Met: verdict.AtLeast(1000)},
			{Name: "caught", Says: "all of them", Met: verdict.As("tamperings")},
			{Name: "corpus", Says: "at least 200", Met: verdict.AtLeast(200)},
			{Name: "server_deaths", Says: "0", Met: verdict.Is(0)},
			{Name: "canaries_found", Says: "0", Met: verdict.Is(0)},
			{Name: "log_ms", Says: "under 1", Met: verdict.Under(1)},
			{Name: "encrypted_scan_ratio", Says: "at most 1.15", Met: verdict.AtMost(1.15)},
			{Name: "restore_ok", Says: "true", Met: verdict.Is(1)},
			{Name: "verify_charges", Says: "at least 100000", Met: verdict.AtLeast(100000)},
			{Name: "verify_seconds", Says: "under 10", Met: verdict.Under(10)},
			{Name: "canaries_after_erasure", Says: "0", Met: verdict.Is(0)},
			{Name: "canaries_after_deletion", Says: "0", Met: verdict.Is(0)},
			{Name: "latency_ratio", Says: "at most 2", Met: verdict.AtMost(2)},
		},
	}.Main())
}

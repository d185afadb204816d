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
			verdict.AtLeast("tamperings", 1000),
			verdict.AllOf("caught", "tamperings"),
			verdict.AtLeast("corpus", 200),
			verdict.Is("server_deaths", 0),
			verdict.Is("canaries_found", 0),
			verdict.Under("log_ms", 1),
			verdict.AtMost("encrypted_scan_ratio", 1.15),
			verdict.IsTrue("restore_ok"),
			verdict.AtLeast("verify_charges", 100000),
			verdict.Under("verify_seconds", 10),
			verdict.Is("canaries_after_erasure", 0),
			verdict.Is("canaries_after_deletion", 0),
			verdict.AtMost("latency_ratio", 2),
		},
	}.Main())
}

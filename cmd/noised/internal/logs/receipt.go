package logs

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/logkey"
	"github.com/noised/noised/cmd/noised/internal/namedfile"
	"github.com/noised/noised/cmd/noised/internal/screen"
	"github.com/noised/noised/privacy/translog"
	"github.com/noised/noised/privacy/translog/receipt"
)

// maxReceipt bounds what is read as a receipt.
const maxReceipt = 16 << 20

// ReceiptCommand is noised receipt.
func ReceiptCommand(a *command.App) *cobra.Command {
	return command.Group("receipt", "Check receipts of releases, without a server", receiptVerifyCommand(a))
}

func receiptVerifyCommand(a *command.App) *cobra.Command {
	var given string
	c := &cobra.Command{
		Use:   "verify FILE --verifier KEY",
		Short: "Check a receipt with the public half of the log's key",
		Long: `Check a receipt, and say what it proves. It needs the public half of the log's
key, which the operator's noised log key shows, as it is or in a file; no server,
and no key of one's own. The exit code is 1 if anything in it does not hold.`,
		Example: "  noised receipt verify rel.receipt --verifier log.pub",
		Args:    command.ExactArgs("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			verifier, err := logkey.ReadVerifier(given)
			if err != nil {
				return err
			}
			key, err := translog.ParseVerifier(verifier)
			if err != nil {
				return err
			}
			data, err := namedfile.Read(args[0], maxReceipt)
			if err != nil {
				return fmt.Errorf("cannot read the receipt: %w", err)
			}
			claims, err := receipt.Verify(data, key)
			if err != nil {
				return fmt.Errorf("%s: THE RECEIPT DOES NOT VERIFY: %w", args[0], err)
			}
			return a.Print(claims, func(w io.Writer) { showClaims(w, claims) })
		},
	}
	c.Flags().StringVar(&given, "verifier", "", "public half of the log's key, or a file with it")
	return command.Need(c, "verifier")
}

// showClaims says what a receipt proves.
func showClaims(w io.Writer, c receipt.Claims) {
	fmt.Fprintf(w, "verified   on the log %s of %d entries, root %s\n", c.Log, c.Size, c.Root)
	fmt.Fprintf(w, "release    %s", c.Release)
	if c.Dataset != "" {
		fmt.Fprintf(w, " of %s, %s", c.Dataset, screen.ShowTime(c.ReleasedAt))
	}
	fmt.Fprintf(w, "\ncharge     %s", c.Charge)
	if c.Cost != nil {
		mu2, delta := c.Cost.Real()
		fmt.Fprintf(w, ", %s: mu² %g and delta %g of each account", screen.ShowTime(c.ChargedAt), mu2, delta)
	}
	fmt.Fprintln(w)
	for _, line := range []struct{ name, text string }{
		{"accounts", strings.Join(c.Debited, " ")}, {"for", compactJSON(c.For)}, {"purpose", c.Purpose}, {"result", compactJSON(c.Result)}, {"not shown", strings.Join(c.Withheld, " ")},
	} {
		if line.text != "" {
			fmt.Fprintf(w, "%-10s %s\n", line.name, line.text)
		}
	}
}

func compactJSON(text json.RawMessage) string { return string(text) }

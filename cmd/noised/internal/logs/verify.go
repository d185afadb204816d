package logs

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/cmd/noised/internal/atrest"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/cmd/noised/internal/logkey"
	"github.com/noised/noised/cmd/noised/internal/namedfile"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/witness"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/translog"
	"github.com/noised/noised/privacy/translog/verify"
)

// maxCheckpoint bounds what is read as a signed state.
const maxCheckpoint = 2 * logkey.MaxFile

// verifyFlags are those of noised log verify.
type verifyFlags struct {
	logKeyFlags
	checkpoints, verifiers []string
	save, keyset, mark     string
}

func logVerifyCommand(a *command.App) *cobra.Command {
	var f verifyFlags
	c := remote.Command(a, &cobra.Command{
		Use:   "verify [--data-dir DIR] [--checkpoint FILE]… [--verifier KEY]",
		Short: "Replay the log, and hold it against the ledger and against earlier states",
		Long: `With --data-dir, replay the whole log of a data directory: hash every leaf anew,
recompute what each account has spent from the leaves, and compare with the
ledger. A server may be running. Without, ask a server for its log's state, and
that it continues the states that were kept; this needs no key. Give --data-dir
or --url, not both.

Each --checkpoint is a state that was kept before (noised log checkpoint). Only
such a one tells a log that was rewritten as a whole, or rolled back. --verifier
is the public half of the log's key, or a file with it; name the earlier ones
too if the log had several. The exit code is 1 if anything differs.`,
		Example: `  noised log verify --data-dir /var/lib/noised --checkpoint kept.txt
  noised log verify --verifier log.pub --checkpoint kept.txt --save now.txt`,
		Args: command.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.dataDir == "" {
				return verifyServer(cmd.Context(), a, f)
			}
			if f.save != "" {
				return command.Usagef("--save keeps the state of a server's log: leave out --data-dir")
			}
			if a.URL != "" {
				return command.Usagef("--url and --data-dir are two ways to verify: a directory is read without a server. Leave out one of them")
			}
			return witness.With(cmd.Context(), f.dataDir, f.mark, func(l *witness.Files) error { return verifyDirectory(cmd.Context(), a, l, f) })
		},
	})
	f.register(c)
	c.Flags().StringArrayVar(&f.checkpoints, "checkpoint", nil, "file with a state that was kept before; may be repeated")
	c.Flags().StringArrayVar(&f.verifiers, "verifier", nil, "public half of the log's key, or a file with it; may be repeated (default: that of the data directory's log key)")
	c.Flags().StringVar(&f.keyset, "keyset", "", "file with the keys of what is encrypted (default: the data directory's name with .keyset, if there is one)")
	c.Flags().StringVar(&f.mark, "high-water-file", "", "file with the mark of the data directory, as one more state of before")
	c.Flags().StringVar(&f.save, "save", "", "file to keep the state of a server's log in, once it is verified")
	return c
}

// keys reads the public halves of the log's keys.
func (f verifyFlags) keys() (verifiers []string, err error) {
	for _, given := range f.verifiers {
		v, err := logkey.ReadVerifier(given)
		if err != nil {
			return nil, err
		}
		verifiers = append(verifiers, v)
	}
	return verifiers, nil
}

// earlier reads the states that were kept, which one of some keys has signed.
func (f verifyFlags) earlier(verifiers []string) ([]translog.Checkpoint, error) {
	var out []translog.Checkpoint
	for _, path := range f.checkpoints {
		signed, err := namedfile.Read(path, maxCheckpoint)
		if err != nil {
			return nil, fmt.Errorf("cannot read a checkpoint: %w", err)
		}
		c, err := logkey.SignedBy(signed, verifiers)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out = append(out, c)
	}
	return out, nil
}

// verified is what noised log verify says.
type verified struct {
	Size        int64     `json:"size"`
	Root        string    `json:"root"`
	Charges     int64     `json:"charges,omitempty"`
	Accounts    int64     `json:"accounts,omitempty"`
	Releases    int64     `json:"releases,omitempty"`
	Sealed      int64     `json:"sealed,omitempty"`
	Checkpoints int       `json:"checkpoints"`
	Problems    []problem `json:"problems"`
	More        int64     `json:"more,omitempty"`
}

type problem struct {
	Leaf *int64 `json:"leaf,omitempty"`
	What string `json:"what"`
}

// statesOf reads the states that were kept of a data directory's log, the mark's
// among them.
func (f verifyFlags) statesOf(ctx context.Context, l *witness.Files) ([]translog.Checkpoint, error) {
	if len(f.verifiers) == 0 && len(f.checkpoints) > 0 {
		key, err := logkey.Read(ctx, logkey.Path(f.logKey, f.dataDir), l.DB)
		if err != nil {
			return nil, fmt.Errorf("name the log's verifier with --verifier: %w", err)
		}
		f.verifiers = []string{key.Verifier()}
	}
	verifiers, err := f.keys()
	if err != nil {
		return nil, err
	}
	earlier, err := f.earlier(verifiers)
	if err != nil {
		return nil, err
	}
	store, err := l.DB.Identity(ctx)
	if err != nil {
		return nil, err
	}
	if l.File != nil {
		mark, err := l.File.Read(ctx)
		if err != nil {
			return nil, datadir.Shown(err)
		}
		earlier = append(earlier, translog.Checkpoint{Origin: translog.LogName(mark.Store), Size: mark.Size, Root: mark.Root})
	}
	for _, c := range earlier {
		if c.Origin != translog.LogName(store) {
			return nil, fmt.Errorf("a checkpoint or mark is one of the log %s, and this one is %s", c.Origin, translog.LogName(store))
		}
	}
	return earlier, nil
}

// verifyDirectory replays the log of a data directory.
func verifyDirectory(ctx context.Context, a *command.App, l *witness.Files, f verifyFlags) error {
	earlier, err := f.statesOf(ctx, l)
	if err != nil {
		return err
	}
	open, err := openReleases(ctx, l.DB, f)
	if err != nil {
		return err
	}
	var r verify.Report
	err = l.DB.View(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		r, err = verify.Run(ctx, tx, verify.Options{Earlier: earlier, Open: open})
		return err
	})
	if err != nil {
		return fmt.Errorf("the log cannot be read: %w", internalOf(err))
	}
	doc := documentOfReport(r, len(earlier))
	return judge(a, doc, func(w io.Writer) {
		fmt.Fprintf(w, "log        %d entries, root %s\ncharges    %d\naccounts   %d\nreleases   %d\n", r.Size, r.Root, r.Charges, r.Accounts, r.Releases)
		if r.Sealed > 0 {
			fmt.Fprintf(w, "sealed     the results of %d releases are encrypted and were not compared: name the keyset with --keyset\n", r.Sealed)
		}
	})
}

// openReleases returns what opens sealed releases; nil where there is no keyset.
func openReleases(ctx context.Context, db *controldb.DB, f verifyFlags) (func(context.Context, string, []byte, string) ([]byte, string, error), error) {
	file, err := atrest.OpenKeyset(f.keyset, f.dataDir)
	if err != nil || file == nil {
		return nil, err
	}
	return release.New(db).WithKeys(keyring.New(db, file, time.Now)).Unseal, nil
}

func documentOfReport(r verify.Report, earlier int) verified {
	doc := verified{
		Size: r.Size, Root: r.Root.String(), Charges: r.Charges, Accounts: r.Accounts, Releases: r.Releases, Sealed: r.Sealed,
		Checkpoints: earlier, Problems: []problem{}, More: r.More,
	}
	for _, p := range r.Problems {
		shown := problem{What: p.What}
		if p.Leaf >= 0 {
			shown.Leaf = &p.Leaf
		}
		doc.Problems = append(doc.Problems, shown)
	}
	return doc
}

// noEarlier says what a log that agrees with itself does not show.
const noEarlier = `A log that was rewritten as a whole, or rolled back, agrees with itself too: only a state that was kept
elsewhere tells. Keep one with noised log checkpoint > FILE, and name it with --checkpoint FILE from then on.`

// judge prints what was found, and fails if anything differs.
func judge(a *command.App, doc verified, head func(io.Writer)) error {
	err := a.Print(doc, func(w io.Writer) {
		head(w)
		switch {
		case len(doc.Problems) > 0:
		case doc.Checkpoints == 0:
			fmt.Fprintln(w, "verified: nothing differs within the log of now; no earlier state was named")
			fmt.Fprintln(a.Stderr, noEarlier)
		default:
			fmt.Fprintf(w, "verified: nothing differs, and %d earlier states are continued\n", doc.Checkpoints)
		}
	})
	if err != nil || len(doc.Problems) == 0 {
		return err
	}
	for _, p := range doc.Problems {
		fmt.Fprintf(a.Stderr, "noised: %s\n", p.What)
	}
	return fmt.Errorf("THE LOG DOES NOT VERIFY: %d things differ", int64(len(doc.Problems))+doc.More)
}

func internalOf(err error) error {
	if e := privacy.AsError(err); e.Cause != nil {
		return e.Cause
	}
	return err
}

package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/logkey"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/privacy/translog"
)

// verifyServer asks a server for its log's state, and for proofs that it continues
// those that were kept.
func verifyServer(ctx context.Context, a *command.App, f verifyFlags) error {
	if len(f.verifiers) == 0 {
		return command.Usagef("missing flag --verifier: what the log's signatures are checked with is not the server's to say")
	}
	verifiers, err := f.keys()
	if err != nil {
		return err
	}
	earlier, err := f.earlier(verifiers)
	if err != nil {
		return err
	}
	c, err := remote.Keyless(a)
	if err != nil {
		return err
	}
	signed, err := c.Checkpoint(ctx)
	if err != nil {
		return err
	}
	now, err := logkey.SignedBy(signed, verifiers)
	if err != nil {
		return fmt.Errorf("the server's checkpoint: %w", err)
	}
	doc := verified{Size: now.Size, Root: now.Root.String(), Checkpoints: len(earlier), Problems: []problem{}}
	for _, old := range earlier {
		proof, err := proofBetween(ctx, c, old, now)
		if err != nil {
			return fmt.Errorf("whether the log continues a checkpoint is not known: %w", err)
		}
		if err := continues(old, now, proof); err != nil {
			doc.Problems = append(doc.Problems, problem{What: err.Error()})
		}
	}
	if err := judge(a, doc, func(w io.Writer) { fmt.Fprintf(w, "log        %d entries, root %s\n", now.Size, now.Root) }); err != nil {
		return err
	}
	if f.save == "" {
		return nil
	}
	return os.WriteFile(f.save, signed, 0o600)
}

// proofBetween asks for the proof that one state of a log is the continuation of
// another; none where nothing has to be proved, or nothing could.
func proofBetween(ctx context.Context, c *wire.API, old, now translog.Checkpoint) ([]string, error) {
	if old.Origin != now.Origin || old.Size == 0 || old.Size >= now.Size {
		return nil, nil
	}
	p, err := c.Consistency(ctx, old.Size, now.Size)
	return p.Proof, err
}

// continues checks that one state of a log is the continuation of another.
func continues(old, now translog.Checkpoint, texts []string) error {
	switch {
	case old.Origin != now.Origin:
		return fmt.Errorf("a checkpoint is one of the log %s, and this one is %s", old.Origin, now.Origin)
	case old.Size > now.Size:
		return fmt.Errorf("the log has %d entries, and had %d: it was rolled back", now.Size, old.Size)
	case old.Size == now.Size && old.Root != now.Root:
		return fmt.Errorf("the log has two pasts: its %d entries are not those of the checkpoint", old.Size)
	case old.Size == now.Size || old.Size == 0:
		return nil
	}
	var proof tlog.TreeProof
	for _, text := range texts {
		h, err := tlog.ParseHash(text)
		if err != nil {
			return errors.New("the server's proof is not one")
		}
		proof = append(proof, h)
	}
	if err := tlog.CheckTree(proof, now.Size, now.Root, old.Size, old.Root); err != nil {
		return fmt.Errorf("the log has two pasts: it does not continue the checkpoint of %d entries", old.Size)
	}
	return nil
}

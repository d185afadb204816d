package highwater

import (
	"context"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/translog"
)

// Head returns the mark that a control store would have now.
func Head(ctx context.Context, db *controldb.DB) (Mark, error) {
	id, err := db.Identity(ctx)
	if err != nil {
		return Mark{}, err
	}
	size, root, err := translog.Head(ctx, db.ReadOnly())
	return Mark{Store: id, Size: size, Root: root}, err
}

// Check returns nil if the store that holds a log is the one of the mark and has
// come at least as far, along the same way; else CodeConflict.
func Check(ctx context.Context, log translog.Reader, store string, m Mark) error {
	if m.Store != store {
		return privacy.Errorf(privacy.CodeConflict, "the high-water mark belongs to another control store: it says %s, and this one is %s", m.Store, store)
	}
	size, err := translog.Size(ctx, log)
	if err != nil {
		return err
	}
	if size < m.Size {
		return rolledBack(size, m)
	}
	root, err := translog.RootAt(ctx, log, m.Size)
	if err != nil {
		return err
	}
	if root != m.Root {
		return privacy.Errorf(privacy.CodeConflict, "the control store's log is not the one that the high-water mark saw: "+
			"its first %d entries differ. It is an older copy that was used since, or a copy that is in use elsewhere; what the other one spent is missing here", m.Size)
	}
	return nil
}

func rolledBack(size int64, m Mark) error {
	return privacy.Errorf(privacy.CodeConflict, "the control store is older than its high-water mark: "+
		"its log has %d entries, and had %d. It is a restored copy, and has forgotten what was spent since", size, m.Size)
}

// Accept makes the store as it is now the one to go on with, whatever the mark
// says, and returns the new mark. What a store that went back has forgotten is
// spent again from then on; only an operator can take that decision.
func Accept(ctx context.Context, f *File, db *controldb.DB) (Mark, error) {
	var m Mark
	err := f.replace(ctx, func() (_ Mark, err error) {
		m, err = Head(ctx, db)
		return m, err
	})
	if err != nil {
		return Mark{}, privacy.Internal(err, "writing the high-water mark")
	}
	return m, nil
}

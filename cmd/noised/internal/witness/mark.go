package witness

import (
	"fmt"

	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/cmd/noised/internal/screen"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/highwater"
)

// Document is a mark as --format json shows it.
type Document struct {
	Store string `json:"store"`
	Size  int64  `json:"size"`
	Root  string `json:"root"`
}

// DocumentOf returns a mark as it is shown.
func DocumentOf(m highwater.Mark) *Document {
	return &Document{Store: m.Store, Size: m.Size, Root: m.Root.String()}
}

// Line says it in one line; also of none.
func (d *Document) Line() string {
	if d == nil {
		return "none"
	}
	return fmt.Sprintf("%d entries, root %s", d.Size, d.Root)
}

// Advised says why a control store and its mark do not go together, and what to
// do.
func Advised(err error, dataDir, mark string) error {
	e := privacy.AsError(err)
	accept := fmt.Sprintf("noised ledger accept --data-dir %s --high-water-file %s", screen.Quote(dataDir), screen.Quote(mark))
	switch e.Code {
	case privacy.CodeNotFound:
		return fmt.Errorf("%s. If this data directory is new, or the file was lost and the directory is certainly no older copy, write it with: %s", e.Message, accept)
	case privacy.CodeConflict:
		return fmt.Errorf("%s. Put the newest control store back, or the mark that belongs to it. "+
			"Only if that is lost for good, and the tenants agree that what it had spent is spent again: %s", e.Message, accept)
	default:
		return datadir.StoreError(mark, err)
	}
}

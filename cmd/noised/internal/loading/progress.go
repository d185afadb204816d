package loading

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// Progress shows how a load goes: a bar on a terminal, a line per event
// elsewhere.
type Progress struct {
	out   io.Writer
	name  string
	size  int64
	width int                      // of the terminal; 0 when out is none
	bar   *progressbar.ProgressBar // on a terminal
	waits bool                     // the bytes have left; the bar shows the load's state
	last  wire.LoadState
}

// NewProgress returns the display of one load of so many bytes; 0 where that is unknown.
func NewProgress(out io.Writer, name string, size int64) *Progress {
	p := &Progress{out: out, name: name, size: size}
	p.width, _ = screen.Terminal(out)
	return p
}

// show begins a bar of so many bytes, or a spinner where the length is negative.
func (p *Progress) show(length int64) {
	p.Done()
	p.bar = progressbar.NewOptions64(length,
		progressbar.OptionSetWriter(p.out),
		progressbar.OptionSetDescription(p.name),
		progressbar.OptionShowBytes(!p.waits),
		progressbar.OptionSetWidth(min(40, max(10, p.width/4))),
		progressbar.OptionThrottle(60*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
}

// start announces the upload.
func (p *Progress) start() {
	switch {
	case p.width > 0 && p.size > 0:
		p.show(p.size)
	case p.width > 0:
		p.show(-1)
	case p.size > 0:
		fmt.Fprintf(p.out, "%s: uploading %s bytes\n", p.name, screen.Thousands(p.size))
	default:
		fmt.Fprintf(p.out, "%s: uploading\n", p.name)
	}
}

// sent counts bytes that have left.
func (p *Progress) sent(n int64) {
	if p.bar != nil {
		_ = p.bar.Set64(n) // a bar that cannot be drawn is no reason to fail a load
	}
}

// state shows what the load does now.
func (p *Progress) state(l wire.Load) {
	if p.width > 0 {
		if !p.waits {
			p.waits = true
			p.show(-1)
		}
		p.bar.Describe(fmt.Sprintf("%s: %s, %s rows", p.name, l.State, screen.Thousands(l.RowsRead)))
		return
	}
	if l.State != p.last {
		fmt.Fprintf(p.out, "%s: %s %s\n", p.name, l.ID, l.State)
	}
	p.last = l.State
}

// Quiet shows a state on a terminal only: a line per event would be noise where
// many loads are waited for.
func (p *Progress) Quiet(l wire.Load) {
	if p.width > 0 {
		p.state(l)
	}
}

// Done clears the bar. A bar that is not finished would go on drawing itself
// over whatever is printed next.
func (p *Progress) Done() {
	if p.bar != nil {
		_ = p.bar.Finish()
		p.bar = nil
	}
}

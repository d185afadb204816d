package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/noised/noised/api/wire"
)

// progress shows how a load goes: a bar on a terminal, a line per event
// elsewhere.
type progress struct {
	out   io.Writer
	name  string
	size  int64
	width int                      // of the terminal; 0 when out is none
	bar   *progressbar.ProgressBar // on a terminal
	waits bool                     // the bytes have left; the bar shows the load's state
	last  wire.LoadState
}

func newProgress(out io.Writer, name string, size int64) *progress {
	p := &progress{out: out, name: name, size: size}
	p.width, _ = terminal(out)
	return p
}

// show begins a bar of so many bytes, or a spinner where the length is negative.
func (p *progress) show(length int64) {
	p.done()
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
func (p *progress) start() {
	switch {
	case p.width > 0 && p.size > 0:
		p.show(p.size)
	case p.width > 0:
		p.show(-1)
	case p.size > 0:
		fmt.Fprintf(p.out, "%s: uploading %s bytes\n", p.name, thousands(p.size))
	default:
		fmt.Fprintf(p.out, "%s: uploading\n", p.name)
	}
}

// sent counts bytes that have left.
func (p *progress) sent(n int64) {
	if p.bar != nil {
		_ = p.bar.Set64(n) // a bar that cannot be drawn is no reason to fail a load
	}
}

// state shows what the load does now.
func (p *progress) state(l wire.Load) {
	if p.width > 0 {
		if !p.waits {
			p.waits = true
			p.show(-1)
		}
		p.bar.Describe(fmt.Sprintf("%s: %s, %s rows", p.name, l.State, thousands(l.RowsRead)))
		return
	}
	if l.State != p.last {
		fmt.Fprintf(p.out, "%s: %s %s\n", p.name, l.ID, l.State)
	}
	p.last = l.State
}

// quiet shows a state on a terminal only: a line per event would be noise where
// many loads are waited for.
func (p *progress) quiet(l wire.Load) {
	if p.width > 0 {
		p.state(l)
	}
}

// done clears the bar. A bar that is not finished would go on drawing itself
// over whatever is printed next.
func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Finish()
		p.bar = nil
	}
}

// linesToArray copies JSON lines as one JSON array.
func linesToArray(w io.Writer, r io.Reader) error {
	rows := []json.RawMessage{}
	for in := json.NewDecoder(r); ; {
		var row json.RawMessage
		err := in.Decode(&row)
		if errors.Is(err, io.EOF) {
			return writeJSON(w, rows)
		}
		if err != nil {
			return fmt.Errorf("the server's answer is not understood: %w", err)
		}
		rows = append(rows, row)
	}
}

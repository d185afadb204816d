package remote

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Page are the flags of commands that list in pages.
type Page struct {
	Cursor string
	Limit  int32
}

// Register declares the flags.
func (p *Page) Register(c *cobra.Command) {
	c.Flags().StringVar(&p.Cursor, "cursor", "", "where the page before ended")
	c.Flags().Int32Var(&p.Limit, "limit", 0, "entries in a page (default 100)")
}

// More says how to get the next page.
func (p *Page) More(w io.Writer, next *string) {
	if next != nil {
		fmt.Fprintf(w, "there is more: add --cursor %s\n", *next)
	}
}

package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/noised/noised/cmd/noised/internal/namedfile"
)

// maxDocument bounds a document that is read whole: more than any server takes.
const maxDocument = 4 << 20

// ReadFile reads a whole small file, or standard input for "-".
func (a *App) ReadFile(path string) (text []byte, err error) {
	if path == "-" {
		text, err = namedfile.ReadAll(a.Stdin, maxDocument)
	} else {
		text, err = namedfile.Read(path, maxDocument)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the file: %w", err)
	}
	return text, nil
}

// Confirm asks on a terminal; elsewhere, --yes must say it.
func (a *App) Confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	in, isFile := a.Stdin.(*os.File)
	if !isFile || !term.IsTerminal(int(in.Fd())) {
		return Usagef("nobody is there to ask: add --yes to confirm")
	}
	fmt.Fprintf(a.Stderr, "%s Type yes: ", question)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was written")
	}
	return nil
}

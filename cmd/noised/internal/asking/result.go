package asking

import (
	"fmt"
	"io"

	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// resultForm is how a result is asked for and shown.
type resultForm struct {
	media string
	table bool
}

func formOf(a *command.App) (resultForm, error) {
	format := a.Format
	if format == "" {
		format = "csv"
		if _, ok := screen.Terminal(a.Stdout); ok {
			format = "table"
		}
	}
	switch format {
	case "table", "text":
		return resultForm{media: wire.TypeArrow, table: true}, nil
	case "arrow":
		if _, ok := screen.Terminal(a.Stdout); ok {
			return resultForm{}, command.Usagef("--format arrow is binary: redirect it to a file")
		}
		return resultForm{media: wire.TypeArrow}, nil
	case "csv":
		return resultForm{media: wire.TypeCSV}, nil
	case "json":
		return resultForm{media: wire.TypeJSON}, nil
	}
	return resultForm{}, command.Usagef("--format %s is not known: use table, arrow, csv or json", a.Format)
}

// showResult writes a result in its form. What it cost goes to standard error,
// so that a pipe gets the rows alone.
func showResult(a *command.App, form resultForm, r *wire.Result) error {
	defer r.Body.Close()
	if !form.table {
		_, err := io.Copy(a.Stdout, r.Body)
		if err == nil {
			fmt.Fprintln(a.Stderr, PriceLine(r))
		}
		return err
	}
	t, err := result.ReadArrow(r.Body)
	if err != nil {
		return fmt.Errorf("the server's answer is not understood: %w", err)
	}
	AnswerGrid(t).Write(a.Stdout)
	fmt.Fprintln(a.Stderr, PriceLine(r)+"; ± covers the noise with 95 % confidence")
	return nil
}

// PriceLine says which release an answer is and what it cost.
func PriceLine(r *wire.Result) string {
	loss := fmt.Sprintf("ε %s, δ %s", screen.Short(r.Epsilon), screen.Short(r.Delta))
	if r.Cached {
		return fmt.Sprintf("%s, given again at no charge (it cost %s)", r.Release, loss)
	}
	return fmt.Sprintf("%s, charged %s", r.Release, loss)
}

package agreement

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// TemplateCommand is noised template.
func TemplateCommand(a *command.App) *cobra.Command {
	var dataset string
	all := []*cobra.Command{
		command.Need(putTemplateCommand(a, &dataset), "dataset", "file"), command.Need(listTemplatesCommand(a, &dataset), "dataset"),
		command.Need(showTemplateCommand(a, &dataset), "dataset"), command.Need(withdrawTemplateCommand(a, &dataset), "dataset"),
	}
	for _, c := range all {
		c.Flags().StringVar(&dataset, "dataset", "", "dataset")
	}
	return command.Group("template", "Say which queries may be asked by name, and look at them", all...)
}

func putTemplateCommand(a *command.App, dataset *string) *cobra.Command {
	var path string
	put := remote.Command(a, &cobra.Command{
		Use:   "put NAME --dataset D -f FILE",
		Short: "Let a query be asked by name (operator)",
		Long: `Let a query be asked by name. The file is JSON:

  {"sql": "SELECT COUNT(*) AS n FROM visits WHERE minutes > $least",
   "parameters": {"least": {"type": "integer", "range": [0, 60]}}, "epsilon": 0.5}

Where the contract says queries: templates, nothing else may be asked, and a new or
changed template waits for those who must agree.`,
		Args: command.ExactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := a.ReadFile(path)
			if err != nil {
				return err
			}
			d := json.NewDecoder(bytes.NewReader(text))
			d.DisallowUnknownFields()
			var t wire.TemplateRequest
			if err := d.Decode(&t); err != nil {
				return fmt.Errorf("%s is not a template: %w", path, err)
			}
			c, err := remote.Connect(a)
			if err != nil {
				return err
			}
			v, err := c.PutTemplate(cmd.Context(), *dataset, args[0], t)
			if err != nil {
				return Waits(a, &remote.QueryError{SQL: t.SQL, Err: err})
			}
			return a.Print(v, func(w io.Writer) { fmt.Fprintf(w, "%s/%s version %d may be asked\n", v.Dataset, v.Name, v.Version) })
		},
	})
	put.Flags().StringVarP(&path, "file", "f", "", "template in JSON; - reads standard input")
	return put
}

func listTemplatesCommand(a *command.App, dataset *string) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "list --dataset D",
		Short: "List the queries that may be asked by name",
		Args:  command.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return remote.Call(a, func(c *wire.API) (wire.TemplateList, error) { return c.Templates(cmd.Context(), *dataset) }, writeTemplates)
		},
	})
}

func writeTemplates(w io.Writer, l wire.TemplateList) {
	g := &screen.Grid{Header: []string{"template", "version", "ε", "parameters"}, Right: map[int]bool{1: true, 2: true}}
	for _, t := range l.Items {
		g.Add(t.Dataset+"/"+t.Name, fmt.Sprint(t.Version), screen.Short(t.Epsilon), strings.Join(slices.Sorted(maps.Keys(t.Parameters)), ", "))
	}
	g.Write(w)
}

func showTemplateCommand(a *command.App, dataset *string) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "show NAME --dataset D",
		Short: "Show a query and its parameters",
		Args:  command.ExactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Call(a, func(c *wire.API) (wire.Template, error) { return c.Template(cmd.Context(), *dataset, args[0]) }, writeTemplate)
		},
	})
}

func writeTemplate(w io.Writer, t wire.Template) {
	fmt.Fprintf(w, "%s/%s, version %d, ε at most %s\n%s\n", t.Dataset, t.Name, t.Version, screen.Short(t.Epsilon), t.SQL)
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		text, err := json.Marshal(t.Parameters[name])
		if err != nil {
			continue
		}
		fmt.Fprintf(w, "$%s %s\n", name, text)
	}
}

func withdrawTemplateCommand(a *command.App, dataset *string) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "withdraw NAME --dataset D",
		Short: "Let a query be asked no more, at once (operator)",
		Args:  command.ExactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Do(a, func(c *wire.API) error { return c.WithdrawTemplate(cmd.Context(), *dataset, args[0]) },
				map[string]string{"withdrawn": args[0]}, *dataset+"/"+args[0]+" is withdrawn")
		},
	})
}

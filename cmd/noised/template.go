package main

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
)

func (a *app) templateCommand() *cobra.Command {
	var dataset, path string
	put := a.client(&cobra.Command{
		Use:   "put NAME --dataset D -f FILE",
		Short: "Let a query be asked by name (operator)",
		Long: `Let a query be asked by name. The file is JSON:

  {"sql": "SELECT COUNT(*) AS n FROM visits WHERE minutes > $least",
   "parameters": {"least": {"type": "integer", "range": [0, 60]}}, "epsilon": 0.5}

Where the contract says queries: templates, nothing else may be asked, and a new or
changed template waits for those who must agree.`,
		Args: exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := a.readFile(path)
			if err != nil {
				return err
			}
			d := json.NewDecoder(bytes.NewReader(text))
			d.DisallowUnknownFields()
			var t wire.TemplateRequest
			if err := d.Decode(&t); err != nil {
				return fmt.Errorf("%s is not a template: %w", path, err)
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			v, err := c.PutTemplate(cmd.Context(), dataset, args[0], t)
			if err != nil {
				return a.waits(&queryError{sql: t.SQL, err: err})
			}
			return a.print(v, func(w io.Writer) { fmt.Fprintf(w, "%s/%s version %d may be asked\n", v.Dataset, v.Name, v.Version) })
		},
	})
	put.Flags().StringVarP(&path, "file", "f", "", "template in JSON; - reads standard input")
	list := a.client(&cobra.Command{
		Use:   "list --dataset D",
		Short: "List the queries that may be asked by name",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			l, err := c.Templates(cmd.Context(), dataset)
			if err != nil {
				return err
			}
			return a.print(l, func(w io.Writer) {
				g := &grid{header: []string{"template", "version", "ε", "parameters"}, right: map[int]bool{1: true, 2: true}}
				for _, t := range l.Items {
					g.add(t.Dataset+"/"+t.Name, fmt.Sprint(t.Version), short(t.Epsilon), strings.Join(slices.Sorted(maps.Keys(t.Parameters)), ", "))
				}
				g.write(w)
			})
		},
	})
	all := []*cobra.Command{need(put, "dataset", "file"), need(list, "dataset"), need(a.showTemplateCommand(&dataset), "dataset"), need(a.withdrawTemplateCommand(&dataset), "dataset")}
	for _, c := range all {
		c.Flags().StringVar(&dataset, "dataset", "", "dataset")
	}
	return group("template", "Say which queries may be asked by name, and look at them", all...)
}

func (a *app) showTemplateCommand(dataset *string) *cobra.Command {
	return a.client(&cobra.Command{
		Use:   "show NAME --dataset D",
		Short: "Show a query and its parameters",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			t, err := c.Template(cmd.Context(), *dataset, args[0])
			if err != nil {
				return err
			}
			return a.print(t, func(w io.Writer) {
				fmt.Fprintf(w, "%s/%s, version %d, ε at most %s\n%s\n", t.Dataset, t.Name, t.Version, short(t.Epsilon), t.SQL)
				for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
					text, err := json.Marshal(t.Parameters[name])
					if err != nil {
						continue
					}
					fmt.Fprintf(w, "$%s %s\n", name, text)
				}
			})
		},
	})
}

func (a *app) withdrawTemplateCommand(dataset *string) *cobra.Command {
	return a.client(&cobra.Command{
		Use:   "withdraw NAME --dataset D",
		Short: "Let a query be asked no more, at once (operator)",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if err := c.WithdrawTemplate(cmd.Context(), *dataset, args[0]); err != nil {
				return err
			}
			return a.print(map[string]string{"withdrawn": args[0]}, func(w io.Writer) { fmt.Fprintf(w, "%s/%s is withdrawn\n", *dataset, args[0]) })
		},
	})
}

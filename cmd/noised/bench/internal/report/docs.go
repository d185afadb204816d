package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Render replaces the generated parts of a Markdown page, between the markers
// <!-- bench:NAME --> and <!-- /bench:NAME -->, and writes the plots of the
// curves into the directory beside the page that has its name.
func (r *Report) Render(page string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	plots := strings.TrimSuffix(page, filepath.Ext(page))
	if err := os.MkdirAll(plots, 0o755); err != nil {
		return err
	}
	for name, part := range map[string]string{
		"machine": r.machineText(), "goals": r.goalTable(), "others": r.otherTable(), "curves": r.curveText(filepath.Base(plots)),
	} {
		if text, err = replace(text, name, part); err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
	}
	for _, c := range r.Curves {
		if err := os.WriteFile(filepath.Join(plots, c.Name+".svg"), c.SVG(), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(page, text, 0o644)
}

func replace(text []byte, name, part string) ([]byte, error) {
	first, last := "<!-- bench:"+name+" -->\n", "<!-- /bench:"+name+" -->"
	before, rest, found := bytes.Cut(text, []byte(first))
	_, after, closed := bytes.Cut(rest, []byte(last))
	if !found || !closed {
		return nil, fmt.Errorf("the markers of %s are missing", name)
	}
	return bytes.Join([][]byte{before, []byte(first + part + last), after}, nil), nil
}

func (r *Report) machineText() string {
	m := r.Machine
	text := fmt.Sprintf("Measured on %s: %s, %d cores, %d GB of memory, %s, %s, DuckDB %s, at commit `%s`.\n",
		m.At.Format("2006-01-02"), m.CPU, m.Cores, (m.MemoryMB+512)>>10, m.System, m.Go, m.DuckDB, m.Commit)
	if r.Quick {
		text += "These are small sizes (`-quick`), at which no goal is judged: fixed costs of a query weigh more than in the full run.\n"
	}
	return text
}

func (r *Report) goalTable() string {
	var b strings.Builder
	b.WriteString("| name | what | baseline | ours | plain | ratio (from – to) | goal | | strategy |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, f := range r.Figures {
		if f.Goal == "" {
			continue
		}
		if f.Missing != "" {
			fmt.Fprintf(&b, "| `%s` | %s | %s | | | missing: %s | %s | | |\n", f.Name, f.What, f.Against, f.Missing, f.Goal)
			continue
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s | %s | %s |\n", f.Name, f.What, f.Against,
			quantity(f.Value, f.Unit), quantity(f.Baseline, f.Unit), f.ratioText(), f.Goal, f.verdict(), f.Strategy)
	}
	return b.String()
}

func (r *Report) otherTable() string {
	var b strings.Builder
	b.WriteString("| name | value | baseline | ratio (from – to) | strategy | |\n|---|---|---|---|---|---|\n")
	for _, f := range r.Figures {
		switch {
		case f.Goal != "":
		case f.Missing != "":
			fmt.Fprintf(&b, "| `%s` | | | missing | | %s |\n", f.Name, f.Missing)
		default:
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", f.Name, quantity(f.Value, f.Unit), quantity(f.Baseline, f.Unit), f.ratioText(), f.Strategy, f.Note)
		}
	}
	return b.String()
}

func (r *Report) curveText(dir string) string {
	var b strings.Builder
	for _, c := range r.Curves {
		fmt.Fprintf(&b, "![%s](%s/%s.svg)\n\n| %s | %s | ours | baseline | %s | strategy |\n|---|---|---|---|---|---|\n", c.Title, dir, c.Name, c.XLabel, "series", c.YLabel)
		for _, s := range c.Series {
			for _, p := range s.Points {
				fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", number(p.X), s.Name, quantity(p.Figure.Value, p.Figure.Unit), quantity(p.Figure.Baseline, p.Figure.Unit), p.Figure.ratioText(), p.Figure.Strategy)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func quantity(v float64, unit string) string { return strings.TrimSpace(number(v) + " " + unit) }

func (f Figure) ratioText() string {
	if f.Ratios == nil || f.Ratios.Runs == 1 {
		return number(f.Ratio)
	}
	return fmt.Sprintf("%s (%s – %s)", number(f.Ratio), number(f.Ratios.Min), number(f.Ratios.Max))
}

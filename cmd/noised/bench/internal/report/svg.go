package report

import (
	"bytes"
	"fmt"
	"html"
	"math"
)

// The size of a plot and of the margins around its axes, in pixels.
const (
	width, height            = 640, 320
	left, right, top, bottom = 56, 150, 34, 46
)

var colours = []string{"#2563eb", "#d97706", "#059669", "#7c3aed"}

// SVG draws the curve: ratios from 0 up, over a logarithmic x, with a bar from
// the smallest to the largest ratio at each point.
func (c Curve) SVG() []byte {
	a := c.axes()
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/><text x="%d" y="20" font-size="14">%s</text>`+"\n", width, height, left, html.EscapeString(c.Title))
	for y := 0.0; y <= a.top+a.step/2; y += a.step {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%.3g</text>`+"\n", left, a.y(y), width-right, left-6, a.y(y)+4, y)
	}
	for _, x := range c.xs() {
		fmt.Fprintf(&b, `<path d="M%.1f %dv5" stroke="#888"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", a.x(x), height-bottom, a.x(x), height-bottom+18, short(x))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (left+width-right)/2, height-8, html.EscapeString(c.XLabel))
	fmt.Fprintf(&b, `<text transform="translate(14 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (top+height-bottom)/2, html.EscapeString(c.YLabel))
	for i, s := range c.Series {
		a.line(&b, s, colours[i%len(colours)])
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", width-right+12, top+12+18*i, colours[i%len(colours)], html.EscapeString(s.Name))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func (a axes) line(b *bytes.Buffer, s Series, colour string) {
	fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, colour)
	for _, p := range s.Points {
		fmt.Fprintf(b, "%.1f,%.1f ", a.x(p.X), a.y(p.Figure.Ratio))
	}
	b.WriteString(`"/>` + "\n")
	for _, p := range s.Points {
		if r := p.Figure.Ratios; r != nil {
			fmt.Fprintf(b, `<path d="M%.1f %.1fV%.1f" stroke="%s"/>`, a.x(p.X), a.y(r.Min), a.y(min(r.Max, a.top)), colour)
		}
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>`+"\n", a.x(p.X), a.y(p.Figure.Ratio), colour)
	}
}

// axes say where a point lies.
type axes struct{ first, last, top, step float64 }

func (c Curve) axes() axes {
	a := axes{first: math.Inf(1), last: math.Inf(-1)}
	for _, s := range c.Series {
		for _, p := range s.Points {
			a.first, a.last = min(a.first, math.Log10(p.X)), max(a.last, math.Log10(p.X))
			a.top = max(a.top, p.Figure.Ratio)
		}
	}
	if a.last-a.first < 0.1 {
		a.first, a.last = a.first-1, a.last+1
	}
	a.step = math.Pow(10, math.Floor(math.Log10(max(a.top, 1e-6)/2)))
	for a.top/a.step > 6 {
		a.step *= 2
	}
	a.top = a.step * math.Ceil(a.top*1.05/a.step)
	return a
}

func (a axes) x(v float64) float64 {
	return left + 14 + (math.Log10(v)-a.first)/(a.last-a.first)*(width-left-right-28)
}

func (a axes) y(v float64) float64 { return height - bottom - v/a.top*(height-top-bottom) }

// xs are the different places on the horizontal axis.
func (c Curve) xs() []float64 {
	var out []float64
	seen := map[float64]bool{}
	for _, s := range c.Series {
		for _, p := range s.Points {
			if !seen[p.X] {
				seen[p.X] = true
				out = append(out, p.X)
			}
		}
	}
	return out
}

// short writes a large number with a letter.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.3g M", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%.3g k", v/1e3)
	}
	return fmt.Sprintf("%.3g", v)
}

package screen

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Short prints a number with at most four digits.
func Short(f float64) string { return strconv.FormatFloat(f, 'g', 4, 64) }

// Quote writes a path for a shell.
func Quote(path string) string {
	if path != "" && strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// Thousands prints 73421 as 73,421.
func Thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Wrap breaks a line at spaces so that its parts fit a width; a width of zero or
// less leaves it whole.
func Wrap(line string, width int) []string {
	var parts []string
	for width > 0 && DisplayWidth(line) > width {
		at, w := -1, 0
		for i, r := range line {
			if w > width && at > 0 {
				break
			}
			if r == ' ' && strings.TrimSpace(line[:i]) != "" {
				at = i
			}
			w += DisplayWidth(string(r))
		}
		if at < 0 {
			break
		}
		parts = append(parts, strings.TrimRight(line[:at], " "))
		line = strings.TrimLeft(line[at:], " ")
	}
	return append(parts, line)
}

// printable replaces what would steer a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// DisplayWidth is the number of columns that a text takes on a terminal.
func DisplayWidth(s string) int { return uniseg.StringWidth(s) }

// OneLine shortens a text for a table.
func OneLine(s string, width int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return string(r)
}

// ShowTime prints a time in the zone of whoever reads it.
func ShowTime(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

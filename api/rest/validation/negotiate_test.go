package validation

import (
	"testing"

	"github.com/noised/noised/api/wire"
)

func TestAcceptChoosesTheForm(t *testing.T) {
	offers := []string{wire.TypeArrow, wire.TypeCSV, wire.TypeJSON}
	for _, c := range []struct{ accept, want string }{
		{"", wire.TypeArrow},
		{"*/*", wire.TypeArrow},
		{"application/*", wire.TypeArrow},
		{"text/csv", wire.TypeCSV},
		{"text/*", wire.TypeCSV},
		{"TEXT/CSV; charset=utf-8", wire.TypeCSV},
		{"application/json", wire.TypeJSON},
		{"application/json, text/plain, */*", wire.TypeJSON},
		{"text/csv;q=0.5, application/json", wire.TypeJSON},
		{"text/csv, application/json", wire.TypeCSV},
		{"application/json, text/csv", wire.TypeJSON},
		{"*/*, application/vnd.apache.arrow.stream;q=0", wire.TypeCSV},
		{"text/html, */*;q=0.1", wire.TypeArrow},
		{"text/html", ""},
		{"application/json;q=0", ""},
		{"nonsense", ""},
		{"text/csv;q=2, application/json;q=0.1", wire.TypeJSON},
		{"text/csv;q=NaN", ""},
		{",,text/csv,", wire.TypeCSV},
	} {
		if got, ok := choose(c.accept, offers); got != c.want || ok != (c.want != "") {
			t.Errorf("Accept %q chooses %q, want %q", c.accept, got, c.want)
		}
	}
}

func FuzzChoose(f *testing.F) {
	f.Add("text/csv;q=0.5, */*")
	f.Add("application/json; q=, ;")
	offers := []string{wire.TypeArrow, wire.TypeCSV}
	f.Fuzz(func(t *testing.T, accept string) {
		if got, ok := choose(accept, offers); ok != (got == offers[0] || got == offers[1]) {
			t.Errorf("Accept %q chooses %q, %v", accept, got, ok)
		}
	})
}

package residency

import (
	"slices"
	"strings"

	"github.com/noised/noised/privacy"
)

// Regions are those that a server serves. The zero value serves all.
type Regions struct {
	names []string // sorted; nil: all
}

// maxRegions bounds what a server can be told.
const maxRegions = 1000

// all stands for every region in a list, and so names none.
const all = "all"

// Of returns the regions of a list of names; all for an empty list and for the word
// "all" alone. A name that is not one is CodeInvalidRequest: a server that was told
// nonsense must not start.
func Of(list []string) (Regions, error) {
	if len(list) == 1 && list[0] == all {
		return Regions{}, nil
	}
	if len(list) > maxRegions {
		return Regions{}, privacy.Errorf(privacy.CodeInvalidRequest, "a server serves at most %d regions, or all", maxRegions)
	}
	var names []string
	for _, text := range list {
		name, ok := Name(text)
		if !ok {
			return Regions{}, notAName(text)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return Regions{slices.Compact(names)}, nil
}

// All reports whether every tenant is served, whatever its region.
func (r Regions) All() bool { return r.names == nil }

// Serve reports whether tenants of a region are served.
func (r Regions) Serve(region string) bool {
	if r.All() {
		return true
	}
	name, ok := Name(region)
	if !ok {
		return false
	}
	_, found := slices.BinarySearch(r.names, name)
	return found
}

// String lists the names, for people.
func (r Regions) String() string {
	if r.All() {
		return all
	}
	return strings.Join(r.names, ", ")
}

// Name returns the form in which a region is compared: lower case, without
// spaces around it, and with one '-' for spaces within. It is false where that is no
// name (privacy.NameRule), or the word for all of them.
func Name(region string) (string, bool) {
	name := strings.ToLower(strings.Join(strings.FieldsFunc(region, func(r rune) bool { return r == ' ' }), "-"))
	return name, privacy.ValidName(name) && name != all
}

// Check returns the form in which the region of a tenant is kept; empty for none.
func Check(region string) (string, error) {
	if region == "" {
		return "", nil
	}
	name, ok := Name(region)
	if !ok {
		return "", notAName(region)
	}
	return name, nil
}

func notAName(text string) error {
	return privacy.Errorf(privacy.CodeInvalidRequest, "region %.100q is not a name: use %s, and not the word %q", strings.ToValidUTF8(text, "?"), privacy.NameRule, all)
}

package flags

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// The flags.
const (
	JointQueries   = "joint-queries"   // one query over several tenants
	PersonScope    = "person-scope"    // queries of datasets that take a person in two tenants for one
	SharedReleases = "shared-releases" // being shown the stored answer that another principal paid for
)

// Names lists the flags.
func Names() []string { return []string{JointQueries, PersonScope, SharedReleases} }

// Limits on a file.
const (
	maxBytes = 256 << 10
	maxRules = 1000
)

// Scope is what a flag is evaluated for.
type Scope struct{ Tenant, Dataset, Principal string }

// set are the flags of one file, by name.
type set map[string]definition

// definition is one flag.
type definition struct {
	Default string `yaml:"default"`
	Rules   []rule `yaml:"rules"`
}

// rule decides where everything that it names is as it says.
type rule struct {
	Tenant    string `yaml:"tenant"`
	Dataset   string `yaml:"dataset"`
	Principal string `yaml:"principal"`
	Value     string `yaml:"value"`
}

func (r rule) matches(s Scope) bool {
	return (r.Tenant == "" || r.Tenant == s.Tenant) && (r.Dataset == "" || r.Dataset == s.Dataset) && (r.Principal == "" || r.Principal == s.Principal)
}

const (
	on  = "on"
	off = "off"
)

// value returns whether a flag is on, and by which rule, counted from 1; 0 for the
// default.
func (s set) value(flag string, scope Scope) (isOn bool, by int) {
	d := s[flag]
	for i, r := range d.Rules {
		if r.matches(scope) {
			return r.Value == on, i + 1
		}
	}
	return d.Default != off, 0
}

// parse reads the text of a file. What is not known is an error: a rule that is
// misspelt would switch nothing off.
func parse(text []byte) (set, error) {
	if len(text) > maxBytes {
		return nil, fmt.Errorf("the file has more than %d bytes", maxBytes)
	}
	var doc struct {
		Flags set `yaml:"flags"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file is empty: write flags: {} for none")
		}
		return nil, err
	}
	if err := dec.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file has more than one document")
	}
	for name, d := range doc.Flags {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("there is no flag %q; the flags are %s", name, strings.Join(Names(), ", "))
		}
		if err := d.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return doc.Flags, nil
}

func (d definition) check() error {
	if d.Default != "" && d.Default != on && d.Default != off {
		return errors.New("default is on or off")
	}
	if len(d.Rules) > maxRules {
		return fmt.Errorf("more than %d rules", maxRules)
	}
	for i, r := range d.Rules {
		if r.Value != on && r.Value != off {
			return fmt.Errorf("rule %d: value is on or off", i+1)
		}
		if r == (rule{Value: r.Value}) {
			return fmt.Errorf("rule %d names neither a tenant nor a dataset nor a principal: write it as default", i+1)
		}
	}
	return nil
}

// readFile reads a file that nobody else may write: whoever writes it decides what
// reaches across tenants.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if perm := info.Mode().Perm(); perm&0o022 != 0 {
		return nil, fmt.Errorf("others may write it (mode %#o). Run: chmod go-w %s", perm, path)
	}
	return io.ReadAll(io.LimitReader(f, maxBytes+1))
}

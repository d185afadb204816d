package build

import "slices"

// Reads are the files that the task reads and does not write. It can open no
// others: the worker shuts itself off from them.
func (s Spec) Reads() []string {
	paths := slices.Concat(s.Earlier, s.Segments)
	if s.Parent != nil {
		paths = append(paths, s.Parent.Segments...)
	}
	if s.Encryption.Extension != "" {
		paths = append(paths, s.Encryption.Extension)
	}
	if s.Input != "" {
		paths = append(paths, s.Input)
	}
	return paths
}

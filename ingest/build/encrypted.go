package build

import "slices"

// SegmentsRead are the segments that the task reads.
func (s Spec) SegmentsRead() []string {
	paths := slices.Concat(s.Earlier, s.Segments)
	if s.Parent != nil {
		paths = append(paths, s.Parent.Segments...)
	}
	return paths
}

//go:build !linux

package sandbox

// Supported says what Enter could put in force here: nothing.
func Supported() Report { return Report{} }

// Enter fails where a sandbox is required, and does nothing else.
func Enter(o Options) (Report, error) { return Report{}, o.require(Report{}) }

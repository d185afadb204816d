package asking

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// accuracyFlags say how accurate an answer must be, instead of what it may cost.
type accuracyFlags struct {
	relative, absolute, confidence float64
	expectedN                      int64
	likeRelease                    string
}

func (f *accuracyFlags) register(fs *pflag.FlagSet) {
	fs.Float64Var(&f.relative, "relative", 0, "instead of --epsilon: the least that makes ± at most this part of the value, as in 0.05; with --expected-n or --like-release")
	fs.Float64Var(&f.absolute, "absolute", 0, "instead of --epsilon: the least that makes ± at most this, in the unit of the column")
	fs.Float64Var(&f.confidence, "confidence", 0, "of --relative and --absolute (default 0.95)")
	fs.Int64Var(&f.expectedN, "expected-n", 0, "rows of a group, as you expect them")
	fs.StringVar(&f.likeRelease, "like-release", "", "an earlier answer of yours that tells the size of the values, as rel_…")
}

// wanted returns the accuracy that the flags ask for, nil for none.
func (f *accuracyFlags) wanted(fs *pflag.FlagSet) (*wire.WantedAccuracy, error) {
	relative, absolute := fs.Changed("relative"), fs.Changed("absolute")
	switch {
	case relative && absolute:
		return nil, command.Usagef("give --relative or --absolute, not both")
	case (relative || absolute) && fs.Changed("epsilon"):
		return nil, command.Usagef("--relative and --absolute find the ε themselves: leave out --epsilon")
	case relative || absolute:
	case fs.Changed("confidence"), fs.Changed("expected-n"), fs.Changed("like-release"):
		return nil, command.Usagef("--confidence, --expected-n and --like-release belong to --relative or --absolute")
	default:
		return nil, nil
	}
	w := &wire.WantedAccuracy{Release: remote.Optional(f.likeRelease)}
	if relative {
		w.Relative = &f.relative
	} else {
		w.Absolute = &f.absolute
	}
	if fs.Changed("confidence") {
		w.Confidence = &f.confidence
	}
	if fs.Changed("expected-n") {
		w.ExpectedN = &f.expectedN
	}
	return w, nil
}

// describeAccuracy says in words what accuracy a price was found for.
func describeAccuracy(a wire.WantedAccuracy) string {
	var b strings.Builder
	if a.Relative != nil {
		fmt.Fprintf(&b, "± %s %% of the value", screen.Short(100**a.Relative))
	} else {
		fmt.Fprintf(&b, "± %s", screen.Short(remote.Value(a.Absolute)))
	}
	if a.Confidence != nil {
		fmt.Fprintf(&b, " with %s %% confidence", screen.Short(100**a.Confidence))
	}
	if a.ExpectedN != nil {
		fmt.Fprintf(&b, " at %d rows", *a.ExpectedN)
	}
	if a.Release != nil {
		fmt.Fprintf(&b, " at values as in %s", *a.Release)
	}
	return b.String()
}

package sandbox

import (
	"errors"
	"testing"
)

func TestWhatIsRequiredIsRefusedWhereItIsMissing(t *testing.T) {
	for _, r := range []Report{{}, {Files: 7}, {Calls: true}} {
		if err := (Options{Require: true}).require(r); !errors.Is(err, ErrIncomplete) {
			t.Errorf("%+v: %v", r, err)
		}
		if err := (Options{}).require(r); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if err := (Options{Require: true}).require(Report{Files: 1, Calls: true}); err != nil {
		t.Error(err)
	}
}

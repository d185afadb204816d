package hold

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestOneHasTheHold(t *testing.T) {
	dir := t.TempDir()
	release, err := Take(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := Try(dir); ok || err != nil {
		t.Errorf("a second one got it: %v, %v", ok, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Take(ctx, dir); !errors.Is(err, ErrHeld) {
		t.Errorf("waiting for it ended with %v", err)
	}
	waiting := make(chan error, 1)
	go func() {
		release, err := Take(context.Background(), dir)
		if err == nil {
			release()
		}
		waiting <- err
	}()
	release()
	if err := <-waiting; err != nil {
		t.Error(err)
	}
	if release, ok, err := Try(dir); !ok || err != nil {
		t.Errorf("nobody has it: %v, %v", ok, err)
	} else {
		release()
	}
}

func TestAMissingDirectory(t *testing.T) {
	if _, err := Take(t.Context(), t.TempDir()+"/missing"); err == nil {
		t.Error("there is nothing to hold")
	}
}

package spool

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"os"
	"sync"
)

// An upload passes through a few blocks, so that the next one arrives while one
// is written and hashed.
const (
	blockSize = 256 << 10
	blocks    = 4
)

// writeBackEvery is the number of bytes after which the system is asked to begin
// to write to the disk. What is on its way already, the sync at the end of an
// upload need not wait for.
const writeBackEvery = 8 << 20

// sink writes and hashes blocks, in a goroutine of its own.
type sink struct {
	f      *os.File
	w      io.WriteCloser // into f, as it is stored
	hash   hash.Hash
	filled chan []byte
	free   chan []byte
	made   int           // blocks
	failed chan struct{} // closed when err is set
	err    error
	done   sync.WaitGroup
}

func newSink(f *os.File, w io.WriteCloser) *sink {
	s := &sink{f: f, w: w, hash: sha256.New(), filled: make(chan []byte, blocks), free: make(chan []byte, blocks), failed: make(chan struct{})}
	s.done.Go(s.run)
	return s
}

func (s *sink) run() {
	var written, begun int64
	for block := range s.filled {
		if s.err == nil {
			if _, s.err = s.w.Write(block); s.err != nil {
				close(s.failed)
			} else {
				_, _ = s.hash.Write(block) // never fails
			}
		}
		if written += int64(len(block)); s.err == nil && written-begun >= writeBackEvery {
			beginWriteBack(s.f, begun, written-begun)
			begun = written
		}
		s.free <- block[:blockSize]
	}
}

// errStopped ends the reading of a body that cannot be written.
var errStopped = errors.New("writing failed")

// take reads a body to its end and returns its length.
func (s *sink) take(ctx context.Context, body io.Reader) (n int64, err error) {
	for {
		block, read := s.empty(), 0
		for read < len(block) && err == nil {
			if err = ctx.Err(); err == nil {
				var more int
				more, err = body.Read(block[read:])
				read += more
			}
		}
		n += int64(read)
		s.filled <- block[:read] // there is room for all blocks
		select {
		case <-s.failed:
			return n, errStopped
		default:
		}
		if errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}

// empty returns a block to fill.
func (s *sink) empty() []byte {
	select {
	case block := <-s.free:
		return block
	default:
	}
	if s.made < blocks {
		s.made++
		return make([]byte, blockSize)
	}
	return <-s.free
}

// close waits until everything is written, and returns why something was not.
func (s *sink) close() error {
	close(s.filled)
	s.done.Wait()
	if s.err == nil {
		s.err = s.w.Close()
	}
	return s.err
}

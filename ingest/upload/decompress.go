package upload

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/privacy"
)

// A compressed upload may become this many times larger, beyond a first
// allowance that small files of zeros need. Real tables reach ratios of 5 to
// 50, gzip can express 1,000 and zstd far more.
const (
	maxRatio       = 250
	ratioAllowance = 64 << 20
)

// Largest is the most bytes that a file of a size may hold once it is decompressed,
// by its encoding or within its format, where the server accepts no more than most.
func Largest(size, most int64) int64 {
	if size > (most-ratioAllowance)/maxRatio {
		return most
	}
	return min(most, ratioAllowance+maxRatio*size)
}

// zstdWindow bounds the memory of the zstd decoder.
const zstdWindow = 64 << 20

// Plain returns the path of the plain file: the upload itself when it is
// neither compressed nor sealed.
func (u *Upload) Plain(ctx context.Context) (string, error) {
	if u.Encoding == EncodingNone && u.Open == nil {
		return u.Path, nil
	}
	in, err := os.Open(u.Path)
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil {
		return "", err
	}
	sealed, err := u.unsealed(&contextReader{ctx: ctx, r: in})
	if err != nil {
		return "", err
	}
	plain, err := newPlainReader(u.Encoding, sealed)
	if err != nil {
		return "", errors.Join(sealed.err, u.notCompressed(ctx, err))
	}
	defer plain.close()
	limit := info.Size()
	if u.Encoding != EncodingNone {
		limit = min(u.MaxBytes, ratioAllowance+maxRatio*limit)
	}
	out, err := u.create("plain")
	if err != nil {
		return "", err
	}
	w := &diskWriter{w: out}
	n, err := io.CopyBuffer(w, io.LimitReader(plain, limit+1), make([]byte, copyBuffer))
	closing := out.Close()
	switch {
	case w.err != nil:
		return "", w.err
	case sealed.err != nil:
		return "", sealed.err
	case err != nil:
		return "", u.notCompressed(ctx, err)
	case n > limit:
		return "", privacy.Errorf(privacy.CodeTooLarge, "the file decompresses to more than %d bytes, the most that this server accepts for an upload of %d bytes", limit, info.Size())
	}
	return out.path, closing
}

// copyBuffer is how much is decrypted or decompressed at a time.
const copyBuffer = 1 << 20

// unsealed reads what was sent. It keeps why decrypting failed: that is no fault of
// the sender's.
func (u *Upload) unsealed(in io.Reader) (*diskReader, error) {
	if u.Open == nil {
		return &diskReader{r: in}, nil
	}
	r, err := u.Open(in)
	return &diskReader{r: r, keep: true}, err
}

func (u *Upload) notCompressed(ctx context.Context, err error) error {
	if known := duck.Environment(ctx, u.Dir, err); known != nil {
		return known
	}
	return rejected("the file is not valid %s: check Content-Encoding, and that the upload is complete", u.Encoding)
}

// plainReader decompresses.
type plainReader struct {
	io.Reader
	close func()
}

func newPlainReader(e Encoding, r io.Reader) (*plainReader, error) {
	switch e {
	case EncodingNone:
		return &plainReader{Reader: r, close: func() {}}, nil
	case EncodingGzip:
		z, err := gzip.NewReader(bufio.NewReaderSize(r, 1<<18))
		if err != nil {
			return nil, err
		}
		return &plainReader{Reader: z, close: func() { _ = z.Close() }}, nil
	case EncodingZstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, err
		}
		return &plainReader{Reader: z, close: z.Close}, nil
	default:
		return nil, errors.New("unknown encoding")
	}
}

// diskWriter remembers that it was writing, and not reading, that failed.
type diskWriter struct {
	w   io.Writer
	err error
}

func (w *diskWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		w.err = err
	}
	return n, err
}

// diskReader remembers that it was reading, and not what was read, that failed.
type diskReader struct {
	r    io.Reader
	keep bool
	err  error
}

func (r *diskReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && r.keep && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

package idempotency

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
)

// Write gives the answer.
func (a *Answer) Write(w http.ResponseWriter) error {
	for _, name := range slices.Sorted(maps.Keys(a.Header)) {
		w.Header().Set(name, a.Header[name])
	}
	w.WriteHeader(a.Status)
	_, err := w.Write(a.Body)
	return err
}

// Recorder holds an answer back that a handler writes.
type Recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// NewRecorder returns one in which nothing was written.
func NewRecorder() *Recorder { return &Recorder{header: http.Header{}, status: http.StatusOK} }

// Header implements http.ResponseWriter.
func (r *Recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *Recorder) WriteHeader(status int) { r.status = status }

// Write implements http.ResponseWriter.
func (r *Recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// Reset forgets what was written.
func (r *Recorder) Reset() { *r = *NewRecorder() }

// Answer returns what was written.
func (r *Recorder) Answer() *Answer {
	a := &Answer{Status: r.status, Header: map[string]string{}, Body: r.body.Bytes()}
	for name := range r.header {
		a.Header[name] = r.header.Get(name)
	}
	return a
}

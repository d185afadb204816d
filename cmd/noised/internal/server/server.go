// Package server is the server: every part, wired. The packages below it know nothing of
// settings, files or each other's construction; commands and tests start and stop it.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/noised/noised/cmd/noised/internal/certificate"
	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/cmd/noised/internal/settings"
	"github.com/noised/noised/ingest/child"
)

// Main is the server: every part, wired. Run starts it and returns once it
// answers; Close stops it. Tests start one on port 0.
type Main struct {
	Config settings.Config
	Log    *slog.Logger
	// WorkerCommand starts the child process of a load; this program's own
	// worker command when empty.
	WorkerCommand []string

	parts    *parts
	registry *prometheus.Registry
	own      *certificate.Pair // nil: without TLS
	watcher  *certificate.Watcher
	api      *http.Server
	metrics  *http.Server
	addr     net.Addr
	scrape   net.Addr
	stop     context.CancelFunc // ends the background work
	work     sync.WaitGroup
	failed   chan error
	stopping atomic.Bool
}

// Run opens the data directory and starts to serve. When it fails, nothing is
// left open.
func (m *Main) Run(ctx context.Context) (err error) {
	if err := m.Config.Check(); err != nil {
		return err
	}
	if err := datadir.Check(m.Config.DataDir); err != nil {
		return err
	}
	if m.Config.DataDir, err = filepath.Abs(m.Config.DataDir); err != nil {
		return err
	}
	if m.Log == nil {
		m.Log = slog.New(slog.DiscardHandler)
	}
	m.failed = make(chan error, 4)
	m.registry = prometheus.NewRegistry()
	if m.Config.UsageMetrics { // allocated bytes and processor time count rows
		m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	if m.Config.ResponseSlot == 0 {
		m.Log.Warn("response slots are off: how long an answer takes may tell about rows; --response-slot 100ms turns them on")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close())
		}
	}()
	if m.parts, err = m.open(ctx); err != nil {
		return err
	}
	if m.Config.TLSCert != "" {
		if err := m.openCertificates(); err != nil {
			return err
		}
	}
	m.startBackground()
	if m.Config.MetricsListen != "" {
		if err := m.startMetrics(); err != nil {
			return err
		}
	}
	return m.startAPI()
}

func (m *Main) startAPI() error {
	var secure *tls.Config
	if m.own != nil {
		secure = m.own.Config(m.parts.authority != nil)
	}
	listener, err := net.Listen("tcp", m.Config.Listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", m.Config.Listen, err)
	}
	m.addr = listener.Addr()
	m.api = &http.Server{
		Handler:           m.parts.handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(m.Log.Handler(), slog.LevelDebug),
		TLSConfig:         secure,
	}
	m.goDo("server", func() error {
		if m.own != nil {
			return m.api.ServeTLS(listener, "", "")
		}
		return m.api.Serve(listener)
	})
	return nil
}

// startMetrics serves /metrics on a listener of its own, so that who may scrape
// is decided apart from who may ask.
func (m *Main) startMetrics() error {
	listener, err := net.Listen("tcp", m.Config.MetricsListen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s for metrics: %w", m.Config.MetricsListen, err)
	}
	m.scrape = listener.Addr()
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	m.metrics = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	m.goDo("metrics", func() error { return m.metrics.Serve(listener) })
	return nil
}

// URL returns where the server answers.
func (m *Main) URL() string {
	scheme := "http"
	if m.Config.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + m.addr.String()
}

// MetricsURL returns where metrics are served, empty when they are not.
func (m *Main) MetricsURL() string {
	if m.scrape == nil {
		return ""
	}
	return "http://" + m.scrape.String() + "/metrics"
}

// Wait returns when ctx ends, or with the error that stopped a part of the
// server.
func (m *Main) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-m.failed:
		return err
	}
}

// Close stops taking requests, lets those in flight and the charges behind
// them finish within the configured time, then stops the rest. What is cut off
// is finished by the next start: charges are redeemable and loads are jobs.
func (m *Main) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), m.Config.ShutdownTimeout)
	defer cancel()
	m.stopping.Store(true)
	var errs []error
	for _, s := range []*http.Server{m.api, m.metrics} {
		if s == nil {
			continue
		}
		if err := s.Shutdown(ctx); err != nil {
			errs = append(errs, s.Close())
			m.Log.Warn("requests were cut off at shutdown")
		}
	}
	if m.parts != nil && m.parts.queries != nil {
		if err := m.parts.queries.Close(ctx); err != nil {
			m.Log.Warn("pending charges are left to the next start")
		}
	}
	if m.stop != nil {
		m.stop()
	}
	m.work.Wait()
	if m.parts != nil {
		errs = append(errs, m.parts.close())
	}
	return errors.Join(errs...)
}

// workers is what runs load workers, as they are configured.
func (m *Main) workers() (*child.Runner, error) {
	command := m.WorkerCommand
	if len(command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("cannot find the program's own file: %w", err)
		}
		command = []string{self, "worker"}
	}
	c := m.Config
	return child.New(child.Options{Command: command, MemoryMB: c.LoadMemoryMB, Timeout: c.LoadTimeout, RequireSandbox: c.RequireSandbox, Log: m.Log})
}

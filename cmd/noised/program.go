package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/noised/noised/ingest/child"
)

// recoverEvery is how often pending charges that lost their process are looked
// for. One that is cut off waits at most this long after its lease has ended.
const recoverEvery = 30 * time.Second

// Main is the server: every part, wired. Run starts it and returns once it
// answers; Close stops it. Tests start one on port 0.
type Main struct {
	Config Config
	Log    *slog.Logger
	// WorkerCommand starts the child process of a load; this program's own
	// worker command when empty.
	WorkerCommand []string

	parts    *parts
	registry *prometheus.Registry
	own      *keyPair // nil: without TLS
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
	if err := m.Config.check(); err != nil {
		return err
	}
	if err := checkDataDir(m.Config.DataDir); err != nil {
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
		m.own = &keyPair{certFile: m.Config.TLSCert, keyFile: m.Config.TLSKey}
		if err := m.own.load(); err != nil {
			return err
		}
		m.warnOfAge()
	}
	m.startBackground()
	if m.Config.MetricsListen != "" {
		if err := m.startMetrics(); err != nil {
			return err
		}
	}
	return m.startAPI()
}

// startBackground runs load jobs, reads policies again on SIGHUP, and finishes charges that a crash left.
func (m *Main) startBackground() {
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	m.goDo("uses of keys", func() error {
		m.parts.keys.RecordUses(ctx, func(err error) { m.Log.Warn("the last uses of keys could not be written; trying again", "error", err) })
		return nil
	})
	if m.parts.tokens != nil {
		m.goDo("issuers", func() error { m.parts.tokens.Run(ctx); return nil })
	}
	if m.own != nil {
		m.goDo("certificates", func() error { m.watchFiles(ctx); return nil })
	}
	m.goDo("copies from before upgrades", func() error { return m.sweepCopies(ctx) })
	m.goDo("files that went", func() error { m.parts.letGo(ctx); return nil })
	m.goDo("load jobs", func() error { return m.parts.jobs.Run(ctx) })
	m.goDo("suspensions", func() error {
		m.parts.containment.Watch(ctx, func(err error) {
			m.Log.Warn("suspensions of other servers cannot be seen; nothing is stored meanwhile", "error", err)
		})
		return nil
	})
	m.goDo("alerts", func() error { return m.parts.anomalies.Run(ctx) })
	if m.parts.webhook != nil {
		m.goDo("webhook", func() error { return m.parts.webhook.Run(ctx) })
	}
	m.goDo("audit", func() error { return m.parts.audit.Run(ctx) })
	m.goDo("policies", func() error {
		told := make(chan os.Signal, 1)
		if m.Config.PolicyDir != "" { // elsewhere the signal ends the program, as ever
			signal.Notify(told, syscall.SIGHUP)
			defer signal.Stop(told)
		}
		m.parts.policies.Watch(ctx, told)
		return nil
	})
	if m.parts.flags != nil {
		m.goDo("flags", func() error { m.parts.flags.Watch(ctx); return nil })
	}
	m.goDo("recovery", func() error {
		tick := time.NewTicker(recoverEvery)
		defer tick.Stop()
		for {
			if err := m.parts.queries.Recover(ctx); err != nil && ctx.Err() == nil {
				m.Log.Error("finishing pending charges failed; trying again", "error", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})
}

// goDo runs a part of the server. Its failure stops the server.
func (m *Main) goDo(what string, f func() error) {
	m.work.Add(1)
	go func() {
		defer m.work.Done()
		err := f()
		if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, http.ErrServerClosed) {
			return
		}
		select {
		case m.failed <- fmt.Errorf("%s: %w", what, err):
		default: // the first failures are reported
		}
	}()
}

func (m *Main) startAPI() error {
	var secure *tls.Config
	if m.own != nil {
		secure = newTLS(m.own, m.parts.authority != nil)
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

func (m *Main) controlPath() string { return filepath.Join(m.Config.DataDir, controlFile) }

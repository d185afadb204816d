package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/analytics/kept"
	"github.com/noised/noised/api/rest"
	"github.com/noised/noised/api/webhook"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy/anomaly"
	"github.com/noised/noised/privacy/controldb"
)

func (a *app) alertsCommand() *cobra.Command {
	var page pageFlags
	list := a.client(&cobra.Command{
		Use:   "alerts",
		Short: "List principals that behaved unlike themselves, newest first",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			l, err := c.Alerts(cmd.Context(), page.cursor, page.limit)
			if err != nil {
				return err
			}
			return a.print(l, func(w io.Writer) {
				alertGrid(l.Items).write(w)
				page.more(a.stderr, l.Next)
			})
		},
	})
	page.register(list)
	return list
}

func alertGrid(alerts []wire.Alert) *grid {
	g := &grid{header: []string{"at", "signal", "principal", "tenant", "observed", "limit", "state"}, right: map[int]bool{4: true, 5: true},
		narrow: narrow{drop: []int{3}, cut: []cut{{column: 2, least: 10, middle: true}}}}
	for _, v := range alerts {
		state := ""
		if v.Suspended {
			state = "suspended"
		}
		g.add(showTime(v.At), string(v.Signal), value(v.Principal), value(v.Tenant), fmt.Sprintf("%.4g", v.Observed), fmt.Sprintf("%.4g", v.Limit), state)
	}
	return g
}

// checkAlerts refuses settings of alerts that contradict each other.
func (c Config) checkAlerts() error {
	if _, err := c.suspendOn(); err != nil {
		return err
	}
	switch {
	case (c.AlertWebhook == "") != (c.AlertSecretFile == ""):
		return usagef("--alert-webhook and --alert-secret-file belong together: messages are signed")
	case c.AlertWebhook == "":
		return nil
	}
	if err := webhook.Check(c.AlertWebhook); err != nil {
		return fmt.Errorf("refusing --alert-webhook: %w", err)
	}
	return nil
}

// suspendOn returns the signals whose alerts suspend.
func (c Config) suspendOn() ([]anomaly.Signal, error) {
	var out []anomaly.Signal
	for name := range strings.FieldsFuncSeq(c.SuspendOnAlert, func(r rune) bool { return r == ',' || r == ' ' }) {
		s := anomaly.Signal(name)
		if !slices.Contains(anomaly.Signals(), s) || s == anomaly.Logins {
			return nil, usagef("--suspend-on-alert %q is not known: use foreign, spending, repeats and filters, with commas", name)
		}
		out = append(out, s)
	}
	return out, nil
}

// alerting builds what notices anomalies, and what tells of them elsewhere.
func (m *Main) alerting(p *parts, db *controldb.DB, asked *kept.Book) error {
	on, err := m.Config.suspendOn()
	if err != nil {
		return err
	}
	o := anomaly.Options{DB: db, Log: m.Log, Now: time.Now, SuspendOn: on, Question: asked.Asked}
	if m.Config.AlertWebhook != "" {
		secret, err := readSecret(m.Config.AlertSecretFile)
		if err != nil {
			return err
		}
		if p.webhook, err = webhook.New(webhook.Options{URL: m.Config.AlertWebhook, Secret: secret, Log: m.Log, Now: time.Now}); err != nil {
			return err
		}
		o.Send = func(a anomaly.Alert) { p.webhook.Send(rest.AlertOf(a)) }
	}
	p.anomalies = anomaly.New(o)
	return nil
}

// readSecret reads a file that nobody else may read.
func readSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the secret of alerts: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("refusing the secret %s: others may read it (mode %#o). Run: chmod 600 %s", path, info.Mode().Perm(), quote(path))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the secret of alerts: %w", err)
	}
	secret := []byte(strings.TrimSpace(string(text)))
	if len(secret) < webhook.MinSecret {
		return nil, errors.New("refusing the secret of alerts: it has fewer than 16 characters. Run: openssl rand -hex 32")
	}
	return secret, nil
}

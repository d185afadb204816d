package server

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/noised/noised/analytics/kept"
	"github.com/noised/noised/api/rest"
	"github.com/noised/noised/api/webhook"
	"github.com/noised/noised/cmd/noised/internal/screen"
	"github.com/noised/noised/privacy/anomaly"
	"github.com/noised/noised/privacy/controldb"
)

// alerting builds what notices anomalies, and what tells of them elsewhere.
func (m *Main) alerting(p *parts, db *controldb.DB, asked *kept.Book) error {
	on, err := m.Config.SuspendOn()
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
		return nil, fmt.Errorf("refusing the secret %s: others may read it (mode %#o). Run: chmod 600 %s", path, info.Mode().Perm(), screen.Quote(path))
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

package server

import (
	"bytes"
	"fmt"
	"time"

	"github.com/noised/noised/analytics/kept"
	"github.com/noised/noised/api/rest/oversight"
	"github.com/noised/noised/api/webhook"
	"github.com/noised/noised/cmd/noised/internal/namedfile"
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
		o.Send = func(a anomaly.Alert) { p.webhook.Send(oversight.AlertOf(a)) }
	}
	p.anomalies = anomaly.New(o)
	return nil
}

// maxSecret bounds what is read as the secret of alerts.
const maxSecret = 4 << 10

// readSecret reads what messages about alerts are signed with.
func readSecret(path string) ([]byte, error) {
	text, err := namedfile.ReadSecret(path, "secret of alerts", maxSecret)
	if err != nil {
		return nil, err
	}
	secret := bytes.TrimSpace(text)
	if len(secret) < webhook.MinSecret {
		return nil, fmt.Errorf("refusing the secret of alerts %s: it has fewer than %d characters. Run: openssl rand -hex 32 > %s",
			path, webhook.MinSecret, screen.Quote(path))
	}
	return secret, nil
}

package settings

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/analytics/residency"
	"github.com/noised/noised/api/authn/oidc"
	"github.com/noised/noised/api/webhook"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/anomaly"
	"github.com/noised/noised/privacy/pace"
)

// Check refuses settings that contradict each other or that would expose data.
func (c Config) Check() error {
	if c.DataDir == "" {
		return command.Usagef("missing --data-dir (or NOISED_DATA_DIR, or data_dir in the configuration file)")
	}
	if c.Region != "" && !privacy.ValidName(c.Region) {
		return command.Usagef("--region %q is not a name: use %s", c.Region, privacy.NameRule)
	}
	if err := c.checkRegions(); err != nil {
		return err
	}
	if err := c.Quotas().Check(); err != nil {
		return command.Usagef("quotas: %s; -1 is unlimited", privacy.AsError(err).Message)
	}
	if err := c.checkSizes(); err != nil {
		return err
	}
	if err := c.checkTimes(); err != nil {
		return err
	}
	if _, err := NewLogger(nil, c.LogLevel, c.LogFormat); err != nil {
		return err
	}
	if err := c.checkIdentity(); err != nil {
		return err
	}
	if err := c.checkAlerts(); err != nil {
		return err
	}
	return c.checkListen()
}

// checkSizes refuses sizes and numbers with which nothing would work.
func (c Config) checkSizes() error {
	if c.LoadConcurrency < 1 || c.LoadMemoryMB < 64 || c.MaxUpload < 1 {
		return command.Usagef("--load-concurrency must be at least 1, --load-memory-mb at least 64 and --max-upload at least 1")
	}
	if c.MaxRequests < 1 || !(c.RequestRate >= 1e-3 && c.RequestRate <= 1e6) || c.RequestBurst < 1 {
		return command.Usagef("--max-requests and --request-burst must be at least 1, --request-rate between 0.001 and 1e6")
	}
	if c.QueryMemoryMB != 0 && c.QueryMemoryMB < 64 || c.QueryThreads < 0 {
		return command.Usagef("--query-memory-mb must be at least 64 and --query-threads at least 1, or 0 for the default")
	}
	return nil
}

// checkTimes refuses times that were written without their unit.
func (c Config) checkTimes() error {
	for _, t := range []struct {
		flag string
		time.Duration
	}{
		{"--query-timeout", c.QueryTimeout}, {"--load-timeout", c.LoadTimeout}, {"--keep-replaced", c.KeepReplaced},
		{"--keep-refusals", c.KeepRefusals}, {"--shutdown-timeout", c.ShutdownTimeout},
	} {
		if t.Duration < 100*time.Millisecond {
			return command.Usagef("%s is %s and must be at least 100ms: write it with its unit, as in 30s or 2m", t.flag, t.Duration)
		}
	}
	if s := c.ResponseSlot; s != 0 && (s < pace.MinSlot || s > pace.MaxSlot) {
		return command.Usagef("--response-slot is %s and must be 0 or between %s and %s, with its unit", s, pace.MinSlot, pace.MaxSlot)
	}
	return nil
}

// checkListen refuses to serve readable beyond this machine.
func (c Config) checkListen() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return command.Usagef("--tls-cert and --tls-key belong together: give both or none")
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return command.Usagef("--listen %q is not HOST:PORT", c.Listen)
	}
	if c.TLSCert == "" && !c.Insecure && !loopback(host) {
		return fmt.Errorf("refusing to serve on %s without TLS: API keys and results would cross the network readable. "+
			"Give --tls-cert and --tls-key, listen on 127.0.0.1 behind a proxy that ends TLS, or say --insecure", c.Listen)
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// checkIdentity refuses settings that let in more than they say.
func (c Config) checkIdentity() error {
	switch {
	case c.ClientCA != "" && c.TLSCert == "":
		return fmt.Errorf("refusing --client-ca without TLS: only a connection of this server's own proves that a certificate is its sender's. Give --tls-cert and --tls-key")
	case c.ClientCA == "" && (c.ClientCRL != "" || c.ClientCAOperator):
		return command.Usagef("--client-crl and --client-ca-operator belong to --client-ca")
	case c.AuthFailures < 1:
		return command.Usagef("--auth-failures must be at least 1")
	}
	if err := oidc.Check(c.OIDC); err != nil {
		return fmt.Errorf("refusing to start: %w", err)
	}
	return nil
}

// Quotas returns what tenants may use for which nothing else is set.
func (c Config) Quotas() quota.Limits {
	return quota.Limits{
		quota.StoredBytes: c.QuotaStoredBytes, quota.LoadsWaiting: c.QuotaLoadsWaiting, quota.LoadsRunning: c.QuotaLoadsRunning,
		quota.Queries: c.QuotaQueries, quota.RequestsPerSecond: c.QuotaRequestsPerSecond,
	}
}

// ServedRegions returns the regions whose tenants' rows may be here: a list in the
// configuration file, one text with commas elsewhere.
func (c Config) ServedRegions() (residency.Regions, error) {
	var list []string
	for _, r := range c.Regions {
		list = append(list, strings.Split(r, ",")...)
	}
	return residency.Of(list)
}

// checkRegions refuses regions that are none, and a server that would not serve its
// own.
func (c Config) checkRegions() error {
	served, err := c.ServedRegions()
	if err != nil {
		return command.Usagef("--regions: %s", privacy.AsError(err).Message)
	}
	if c.Region != "" && !served.Serve(c.Region) {
		return command.Usagef("--region %s is not among --regions %s", c.Region, served)
	}
	return nil
}

// checkAlerts refuses settings of alerts that contradict each other.
func (c Config) checkAlerts() error {
	if _, err := c.SuspendOn(); err != nil {
		return err
	}
	switch {
	case (c.AlertWebhook == "") != (c.AlertSecretFile == ""):
		return command.Usagef("--alert-webhook and --alert-secret-file belong together: messages are signed")
	case c.AlertWebhook == "":
		return nil
	}
	if err := webhook.Check(c.AlertWebhook); err != nil {
		return fmt.Errorf("refusing --alert-webhook: %w", err)
	}
	return nil
}

// SuspendOn returns the signals whose alerts suspend.
func (c Config) SuspendOn() ([]anomaly.Signal, error) {
	var out []anomaly.Signal
	for name := range strings.FieldsFuncSeq(c.SuspendOnAlert, func(r rune) bool { return r == ',' || r == ' ' }) {
		s := anomaly.Signal(name)
		if !slices.Contains(anomaly.Signals(), s) || s == anomaly.Logins {
			return nil, command.Usagef("--suspend-on-alert %q is not known: use foreign, spending, repeats and filters, with commas", name)
		}
		out = append(out, s)
	}
	return out, nil
}

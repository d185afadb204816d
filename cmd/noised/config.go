package main

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/structs"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/noised/noised/api/authn/oidc"
	"github.com/noised/noised/ingest/child"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/audit"
	"github.com/noised/noised/privacy/pace"
)

// Config is everything that a server can be told. The same names are keys of
// the configuration file, environment variables (NOISED_ and upper case) and
// flags (with dashes), each overriding the one before.
type Config struct {
	DataDir       string `koanf:"data_dir"`
	HighWaterFile string `koanf:"high_water_file"`

	Keyset            string `koanf:"keyset"`
	CryptoExtension   string `koanf:"crypto_extension"`
	RequireEncryption bool   `koanf:"require_encryption"`

	LogKey        string   `koanf:"log_key"`
	PolicyDir     string   `koanf:"policy_dir"`
	FlagsFile     string   `koanf:"flags_file"`
	Region        string   `koanf:"region"`
	Regions       []string `koanf:"regions"`
	Listen        string   `koanf:"listen"`
	MetricsListen string   `koanf:"metrics_listen"`
	UsageMetrics  bool     `koanf:"usage_metrics"`
	TLSCert       string   `koanf:"tls_cert"`
	TLSKey        string   `koanf:"tls_key"`
	Insecure      bool     `koanf:"insecure"`

	ClientCA         string        `koanf:"client_ca"`
	ClientCRL        string        `koanf:"client_crl"`
	ClientCAOperator bool          `koanf:"client_ca_operator"`
	OIDC             []oidc.Config `koanf:"-"` // in the configuration file only
	AuthFailures     int           `koanf:"auth_failures"`

	MaxRequests  int     `koanf:"max_requests"`
	RequestRate  float64 `koanf:"request_rate"`
	RequestBurst int     `koanf:"request_burst"`

	QueryMemoryMB int           `koanf:"query_memory_mb"`
	QueryThreads  int           `koanf:"query_threads"`
	QueryTimeout  time.Duration `koanf:"query_timeout"`
	ResponseSlot  time.Duration `koanf:"response_slot"`

	QuotaStoredBytes       int64 `koanf:"quota_stored_bytes"`
	QuotaLoadsWaiting      int64 `koanf:"quota_loads_waiting"`
	QuotaLoadsRunning      int64 `koanf:"quota_loads_running"`
	QuotaQueries           int64 `koanf:"quota_queries"`
	QuotaRequestsPerSecond int64 `koanf:"quota_requests_per_second"`

	MaxUpload       int64         `koanf:"max_upload"`
	LoadMemoryMB    int           `koanf:"load_memory_mb"`
	LoadConcurrency int           `koanf:"load_concurrency"`
	LoadTimeout     time.Duration `koanf:"load_timeout"`
	RequireSandbox  bool          `koanf:"require_sandbox"`
	KeepReplaced    time.Duration `koanf:"keep_replaced"`
	KeepRefusals    time.Duration `koanf:"keep_refusals"`

	AlertWebhook    string `koanf:"alert_webhook"`
	AlertSecretFile string `koanf:"alert_secret_file"`
	SuspendOnAlert  string `koanf:"suspend_on_alert"`

	LogLevel        string        `koanf:"log_level"`
	LogFormat       string        `koanf:"log_format"`
	ShutdownTimeout time.Duration `koanf:"shutdown_timeout"`
}

// defaultConfig returns the settings of a server that is told nothing. Zero
// sizes leave the choice to the part that they are for.
func defaultConfig() Config {
	return Config{
		Listen:           "127.0.0.1:8080",
		Regions:          []string{"all"},
		MaxRequests:      256,
		RequestRate:      1000,
		RequestBurst:     2000,
		AuthFailures:     50,
		QueryTimeout:     time.Minute,
		QuotaStoredBytes: 1 << 40, QuotaLoadsWaiting: 1000, QuotaLoadsRunning: 16, QuotaQueries: 128, QuotaRequestsPerSecond: 5000,
		MaxUpload:       16 << 30,
		LoadMemoryMB:    child.DefaultMemoryMB,
		LoadConcurrency: 1,
		LoadTimeout:     child.DefaultTimeout,
		KeepReplaced:    time.Hour,
		KeepRefusals:    audit.DefaultKeep,
		LogLevel:        "info",
		LogFormat:       "text",
		ShutdownTimeout: 15 * time.Second,
	}
}

// configFlags declares one flag for every setting, with the defaults shown.
func configFlags(fs *pflag.FlagSet) {
	d := defaultConfig()
	fs.String("data-dir", "", "directory of the control store and the data")
	fs.String("high-water-file", "", "file outside it that tells when an older copy of it was restored (default: none)")
	fs.String("keyset", "", "file with the keys of what is encrypted, outside the data directory (default: its name with .keyset, if there is one)")
	fs.String("log-key", "", "file with the key that signs the log, outside the data directory (default: its name with .logkey, if there is one)")
	fs.String("crypto-extension", "", "file of DuckDB's extension httpfs, which encrypts data files (default: they are plain)")
	fs.Bool("require-encryption", false, "refuse to start unless everything at rest is encrypted")
	fs.String("policy-dir", "", "directory of policies (*.cedar), read again when they change (default: those set by noised policy put)")
	fs.String("flags-file", "", "file that switches features across tenants off, read again when it changes (default: all are on)")
	fs.String("region", "", "region of this server, as policies see it (default: none)")
	fs.String("regions", strings.Join(d.Regions, ","), "regions whose tenants' rows may be here, with commas between")
	fs.String("listen", d.Listen, "address to serve on; port 0 picks a free one")
	fs.String("metrics-listen", "", "address for /metrics (default: not served)")
	fs.Bool("usage-metrics", false, "let /metrics show memory, processor time and goroutines too, which depend on rows")
	fs.String("tls-cert", "", "file with the certificate chain (PEM)")
	fs.String("tls-key", "", "file with the private key (PEM)")
	fs.Bool("insecure", false, "serve without TLS beyond this machine")
	fs.String("client-ca", "", "file with the CA whose certificates authenticate services (PEM; needs TLS)")
	fs.String("client-crl", "", "file with the certificates that the CA has revoked (PEM or DER)")
	fs.Bool("client-ca-operator", false, "accept certificates of operators")
	fs.Int("auth-failures", d.AuthFailures, "failed authentications from one address before it has to wait")
	fs.Int("max-requests", d.MaxRequests, "requests that are answered at a time; more are turned away")
	fs.Float64("request-rate", d.RequestRate, "requests a second that one key may make")
	fs.Int("request-burst", d.RequestBurst, "requests that one key may make at once")
	fs.Int("query-memory-mb", d.QueryMemoryMB, "memory for one query engine (0: 1024)")
	fs.Int("query-threads", d.QueryThreads, "files that one query reads at a time (0: one per core)")
	fs.Duration("query-timeout", d.QueryTimeout, "longest time that a request waits for its answer")
	fs.Duration("response-slot", d.ResponseSlot, "answers of queries leave at multiples of this after their requests, 10ms to 10s (0: as soon as they are ready, which may tell about rows)")
	quotaFlags(fs, d)
	fs.Int64("max-upload", d.MaxUpload, "largest upload in bytes")
	fs.Int("load-memory-mb", d.LoadMemoryMB, "memory for one load")
	fs.Duration("load-timeout", d.LoadTimeout, "longest time that one load takes")
	fs.Bool("require-sandbox", false, "refuse to start where the processes that read uploads cannot be shut off from the rest of the machine")
	fs.Duration("keep-replaced", d.KeepReplaced, "how long files of replaced data stay for queries that began before")
	fs.Duration("keep-refusals", d.KeepRefusals, "how long requests that were refused stay on record")
	fs.String("alert-webhook", "", "where alerts are sent: https, or http on this machine (default: nowhere)")
	fs.String("alert-secret-file", "", "file with the secret that messages to it are signed with")
	fs.String("suspend-on-alert", "", "alerts that suspend their principal: foreign, spending, repeats, filters, with commas (default: none)")
	fs.Int("load-concurrency", d.LoadConcurrency, "loads that run at a time")
	fs.String("log-level", d.LogLevel, "debug, info, warn or error")
	fs.String("log-format", d.LogFormat, "text or json")
	fs.Duration("shutdown-timeout", d.ShutdownTimeout, "longest wait for requests in flight at the end")
}

// loadConfig merges defaults, the file, the environment and the flags.
func loadConfig(path string, environ func() []string, fs *pflag.FlagSet) (Config, error) {
	k := koanf.New(".")
	if err := k.Load(structs.Provider(defaultConfig(), "koanf"), nil); err != nil {
		return Config{}, err
	}
	known := k.Keys()
	if path != "" {
		if err := loadConfigFile(k, path, known); err != nil {
			return Config{}, err
		}
	}
	issuers, err := readIssuers(path, k.Get(oidcSetting))
	if err != nil {
		return Config{}, err
	}
	vars := env.Provider("", env.Opt{
		Prefix: "NOISED_",
		TransformFunc: func(name, value string) (string, any) {
			key := strings.ToLower(strings.TrimPrefix(name, "NOISED_"))
			if !slices.Contains(known, key) {
				return "", nil // NOISED_URL and others that are not the server's
			}
			return key, value
		},
		EnvironFunc: environ,
	})
	if err := k.Load(vars, nil); err != nil {
		return Config{}, err
	}
	set := map[string]any{}
	fs.Visit(func(f *pflag.Flag) {
		if key := strings.ReplaceAll(f.Name, "-", "_"); slices.Contains(known, key) {
			set[key] = f.Value.String()
		}
	})
	if err := k.Load(confmap.Provider(set, ""), nil); err != nil {
		return Config{}, err
	}
	var c Config
	if err := k.Unmarshal("", &c); err != nil {
		return Config{}, usagef("configuration: %s", strings.ReplaceAll(err.Error(), "\n", " "))
	}
	c.OIDC = issuers
	return c, c.check()
}

func loadConfigFile(k *koanf.Koanf, path string, known []string) error {
	f := koanf.New(".")
	if err := f.Load(file.Provider(path), yaml.Parser()); err != nil {
		return fmt.Errorf("cannot read the configuration file %s: %w", path, err)
	}
	for _, key := range f.Keys() {
		if !slices.Contains(known, key) && key != oidcSetting {
			return usagef("%s: unknown setting %q; known are %s", path, key, strings.Join(known, ", "))
		}
	}
	return k.Merge(f)
}

// check refuses settings that contradict each other or that would expose data.
func (c Config) check() error {
	if c.DataDir == "" {
		return usagef("missing --data-dir (or NOISED_DATA_DIR, or data_dir in the configuration file)")
	}
	if c.Region != "" && !privacy.ValidName(c.Region) {
		return usagef("--region %q is not a name: use %s", c.Region, privacy.NameRule)
	}
	if err := c.checkRegions(); err != nil {
		return err
	}
	if err := c.quotas().Check(); err != nil {
		return usagef("quotas: %s; -1 is unlimited", privacy.AsError(err).Message)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return usagef("--tls-cert and --tls-key belong together: give both or none")
	}
	if c.LoadConcurrency < 1 || c.LoadMemoryMB < 64 || c.MaxUpload < 1 {
		return usagef("--load-concurrency must be at least 1, --load-memory-mb at least 64 and --max-upload at least 1")
	}
	if c.MaxRequests < 1 || !(c.RequestRate >= 1e-3 && c.RequestRate <= 1e6) || c.RequestBurst < 1 {
		return usagef("--max-requests and --request-burst must be at least 1, --request-rate between 0.001 and 1e6")
	}
	if c.QueryMemoryMB != 0 && c.QueryMemoryMB < 64 || c.QueryThreads < 0 {
		return usagef("--query-memory-mb must be at least 64 and --query-threads at least 1, or 0 for the default")
	}
	for name, d := range map[string]time.Duration{"--query-timeout": c.QueryTimeout, "--load-timeout": c.LoadTimeout, "--keep-replaced": c.KeepReplaced, "--keep-refusals": c.KeepRefusals, "--shutdown-timeout": c.ShutdownTimeout} {
		if d < 100*time.Millisecond {
			return usagef("%s is %s and must be at least 100ms: write it with its unit, as in 30s or 2m", name, d)
		}
	}
	if s := c.ResponseSlot; s != 0 && (s < pace.MinSlot || s > pace.MaxSlot) {
		return usagef("--response-slot is %s and must be 0 or between %s and %s, with its unit", s, pace.MinSlot, pace.MaxSlot)
	}
	if _, err := newLogger(nil, c.LogLevel, c.LogFormat); err != nil {
		return err
	}
	if err := c.checkIdentity(); err != nil {
		return err
	}
	if err := c.checkAlerts(); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return usagef("--listen %q is not HOST:PORT", c.Listen)
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

// checkKeyFile refuses a private key that others may read.
func checkKeyFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("cannot read the TLS key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("refusing the TLS key %s: others may read it (mode %#o). Run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	return nil
}

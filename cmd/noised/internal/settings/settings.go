// Package settings is everything that a server can be told, by a file, the environment
// and flags, and refuses what contradicts itself or would expose data.
package settings

import (
	"time"

	"github.com/noised/noised/api/authn/oidc"
	"github.com/noised/noised/ingest/child"
	"github.com/noised/noised/privacy/audit"
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

// Default returns the settings of a server that is told nothing. Zero
// sizes leave the choice to the part that they are for.
func Default() Config {
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

package settings

import (
	"strings"

	"github.com/spf13/pflag"
)

// Flags declares one flag for every setting, with the defaults shown.
func Flags(fs *pflag.FlagSet) {
	d := Default()
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
	fs.Duration("query-timeout", d.QueryTimeout, "longest time that a query waits for its turn, and that it runs")
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

// quotaFlags declares the quotas of tenants for which none are set.
func quotaFlags(fs *pflag.FlagSet, d Config) {
	fs.Int64("quota-stored-bytes", d.QuotaStoredBytes, "bytes that one tenant may store, unless set for it (-1: unlimited)")
	fs.Int64("quota-loads-waiting", d.QuotaLoadsWaiting, "loads of one tenant that may wait (-1: unlimited)")
	fs.Int64("quota-loads-running", d.QuotaLoadsRunning, "loads of one tenant at a time (-1: unlimited)")
	fs.Int64("quota-queries", d.QuotaQueries, "queries of one tenant at a time (-1: unlimited)")
	fs.Int64("quota-requests-per-second", d.QuotaRequestsPerSecond, "requests a second of all principals of one tenant (-1: unlimited)")
}

package settings

import (
	"strings"
	"testing"
	"time"
)

func TestConfigurationsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		reason string
	}{
		"no directory":          {func(c *Config) { c.DataDir = "" }, "missing --data-dir"},
		"a name without TLS":    {func(c *Config) { c.Listen = "example.org:80" }, "without TLS"},
		"all addresses, no TLS": {func(c *Config) { c.Listen = ":80" }, "without TLS"},
		"half of TLS":           {func(c *Config) { c.TLSKey = "k" }, "belong together"},
		"no loads":              {func(c *Config) { c.LoadConcurrency = 0 }, "--load-concurrency"},
		"too little memory":     {func(c *Config) { c.QueryMemoryMB = 1 }, "--query-memory-mb"},
		"negative threads":      {func(c *Config) { c.QueryThreads = -1 }, "--query-threads"},
		"a time without a unit": {func(c *Config) { c.QueryTimeout = 30 }, "--query-timeout is 30ns and must be at least 100ms"},
		"loads without time":    {func(c *Config) { c.LoadTimeout = 0 }, "--load-timeout"},
		"a slot within jitter":  {func(c *Config) { c.ResponseSlot = time.Millisecond }, "--response-slot is 1ms and must be 0 or between 10ms and 10s"},
		"a slot without end":    {func(c *Config) { c.ResponseSlot = time.Minute }, "--response-slot"},
		"a slot before now":     {func(c *Config) { c.ResponseSlot = -time.Second }, "--response-slot"},
		"no time to end":        {func(c *Config) { c.ShutdownTimeout = -time.Second }, "--shutdown-timeout"},
		"no log level":          {func(c *Config) { c.LogLevel = "x" }, "--log-level"},
		"no log format":         {func(c *Config) { c.LogFormat = "x" }, "--log-format"},
	} {
		config := Default()
		config.DataDir = "d"
		c.change(&config)
		if err := config.Check(); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v, want %q", name, err, c.reason)
		}
	}
	open := Default()
	open.DataDir, open.Listen, open.Insecure = "d", "0.0.0.0:80", true
	if err := open.Check(); err != nil {
		t.Errorf("--insecure: %v", err)
	}
}

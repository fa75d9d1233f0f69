package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"

	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/cdshooks"
	"github.com/voxgene/voxgene/serve/dicomweb"
	"github.com/voxgene/voxgene/serve/fhir"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/studies"
)

// Config is the server's configuration file. Environment variables VOXGENE_LISTEN, VOXGENE_LIMITS_BODY and so on come before the
// file, and flags before both.
type Config struct {
	Listen       string        `mapstructure:"listen"`        // host:port
	Models       []string      `mapstructure:"models"`        // bundles, and folders of them
	DefaultModel string        `mapstructure:"default_model"` // for fronts whose paths name no model
	Aliases      []Alias       `mapstructure:"aliases"`
	Trust        []string      `mapstructure:"trust"`  // public keys; where there are any, every bundle is signed by one of them
	Reload       time.Duration `mapstructure:"reload"` // how often files are looked at again; 0 is never
	Limits       Limits        `mapstructure:"limits"`
	Log          Log           `mapstructure:"log"`
	TLS          auth.TLS      `mapstructure:"tls"`
	Auth         auth.Config   `mapstructure:"auth"`
	Audit        Audit         `mapstructure:"audit"`
	Results      Results       `mapstructure:"results"`

	Studies studies.Limits `mapstructure:"studies"`

	CDSHooks cdshooks.Config `mapstructure:"cdshooks"`
	DICOMweb dicomweb.Config `mapstructure:"dicomweb"`
	FHIR     fhir.Config     `mapstructure:"fhir"`

	// Privacy is clinical (identifiers are kept, encrypted, so that results can be written back) or research (patients are made anonymous as soon as
	// they arrive, and nothing is written back).
	Privacy string `mapstructure:"privacy"`
	// PrivacyKey is the file of the key that makes pseudonyms, as of voxgene deidentify.
	PrivacyKey string `mapstructure:"privacy_key"`

	// Writeback permits results to be written to other systems; none is the rule.
	Writeback results.Writeback `mapstructure:"writeback"`
}

// Results says where results are kept, so that they can be verified, answered again and retracted.
type Results struct {
	Path      string   `mapstructure:"path"`      // of the SQLite database; empty keeps none
	Verifiers []string `mapstructure:"verifiers"` // clients that may verify and retract over HTTP; none named is all who may ask the model
}

// Audit says where predictions are kept. Without a path and a connection string none are.
type Audit struct {
	Path     string        `mapstructure:"path"`     // of the SQLite database
	Postgres string        `mapstructure:"postgres"` // connection string of the PostgreSQL database; better in VOXGENE_AUDIT_POSTGRES
	Key      string        `mapstructure:"key"`      // key file of the PostgreSQL database; that of SQLite lies beside it
	Keep     time.Duration `mapstructure:"keep"`     // how long inputs and answers can be read; 0 is for ever
}

// open opens the audit; nil where there is to be none.
func (a Audit) open() (*audit.Log, error) {
	switch {
	case a.Postgres != "":
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		return audit.OpenPostgres(ctx, a.Postgres, a.Key)
	case a.Path != "":
		return audit.Open(a.Path)
	}
	return nil, nil
}

// Alias is another name for a model or one of its versions.
type Alias struct {
	Name    string `mapstructure:"name"`
	Model   string `mapstructure:"model"`
	Version string `mapstructure:"version"`
}

// The ways to treat what names a patient.
const (
	Clinical = "clinical"
	Research = "research"
)

// Limits bound requests.
type Limits struct {
	Body     int64         `mapstructure:"body"`     // bytes
	Patients int           `mapstructure:"patients"` // in one request
	Headers  time.Duration `mapstructure:"headers"`  // for headers to arrive
	Arrival  time.Duration `mapstructure:"arrival"`  // for a body to arrive
	Timeout  time.Duration `mapstructure:"timeout"`  // for an answer
	AtOnce   int           `mapstructure:"at_once"`  // requests that run at once
	Rate     int           `mapstructure:"rate"`     // requests a minute from one client; 0 is no bound
	Wait     time.Duration `mapstructure:"wait"`     // for a turn, before 429
	Drain    time.Duration `mapstructure:"drain"`    // how long a server that stops takes requests while /readyz says no; 0 is not at all
	Grace    time.Duration `mapstructure:"grace"`    // for requests under way when the server stops
}

// Log says what is logged, as JSON lines on standard error.
type Log struct {
	Level  string `mapstructure:"level"`  // debug, info, warn, error
	Access bool   `mapstructure:"access"` // a line a request, without its content
}

// settings are all keys with their defaults; viper finds environment variables only for keys that it knows.
func settings() map[string]any {
	files := studies.DefaultLimits()
	return map[string]any{
		"listen": "127.0.0.1:8080", "default_model": "", "privacy": Clinical, "privacy_key": "", "reload": "5s",
		"limits.body": 16 << 20, "limits.patients": 10_000, "limits.headers": "5s", "limits.arrival": "30s", "limits.timeout": "30s",
		"limits.at_once": 16 * runtime.GOMAXPROCS(0), "limits.wait": "1s", "limits.rate": 0, "limits.drain": "0s", "limits.grace": "20s",
		"log.level": "info", "log.access": true,
		"audit.path": "", "audit.postgres": "", "audit.key": "", "audit.keep": "0s",
		"studies.upload": files.Upload, "studies.unpacked": files.Unpacked, "studies.files": files.Files, "studies.running": files.Running, "studies.waiting": files.Waiting,
		"studies.wait": files.Wait, "studies.timeout": files.Timeout, "studies.stall": files.Stall, "studies.temp": "", "studies.keep_images": files.KeepImages, "studies.keep_bytes": files.KeepBytes,
		"results.path": "", "writeback.approved_by": "", "writeback.protocol": "", "writeback.expires": "",
		"cdshooks.url": "", "cdshooks.max_age": "4320h",
		"dicomweb.stow.path": "", "dicomweb.stow.spool": "", "dicomweb.stow.settle": dicomweb.DefaultStow().Settle, "dicomweb.stow.keep": dicomweb.DefaultStow().Keep,
		"tls.cert": "", "tls.key": "", "tls.client_ca": "",
		"auth.anonymous": "loopback", "auth.oidc.issuer": "", "auth.oidc.audience": "", "auth.oidc.scope": "",
	}
}

// ReadConfig returns the configuration in a file, or the defaults for an empty path, with environment variables laid over. Unknown
// keys are errors.
func ReadConfig(path string) (Config, error) {
	v := viper.New()
	for k, d := range settings() {
		v.SetDefault(k, d)
	}
	v.SetEnvPrefix("voxgene")
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	v.AutomaticEnv()
	if path != "" {
		v.SetConfigFile(path)
		if err := v.ReadInConfig(); err != nil {
			return Config{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	var c Config
	if err := v.UnmarshalExact(&c, viper.DecodeHook(mapstructure.ComposeDecodeHookFunc(
		mapstructure.StringToTimeDurationHookFunc(), mapstructure.StringToSliceHookFunc(","), day))); err != nil {
		if path == "" {
			path = "environment"
		}
		return Config{}, fmt.Errorf("%s: %s", path, strings.TrimSpace(err.Error()))
	}
	return c, nil
}

// day lets a date stand without quotation marks where a text is wanted: YAML takes it for a time.
func day(_, to reflect.Type, v any) (any, error) {
	if at, ok := v.(time.Time); ok && to.Kind() == reflect.String {
		return at.Format(time.DateOnly), nil
	}
	return v, nil
}

// Check returns everything that is wrong with the configuration.
func (c Config) Check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		fault("listen: %q is not host:port, such as 127.0.0.1:8080", c.Listen)
	}
	if len(c.Models) == 0 {
		fault("models: name a bundle, or a folder of bundles")
	}
	for i, a := range c.Aliases {
		if a.Name == "" || a.Model == "" {
			fault("aliases[%d]: an alias has a name and a model", i)
		}
	}
	for _, l := range []struct {
		name  string
		value int64
	}{{"body", c.Limits.Body}, {"patients", int64(c.Limits.Patients)}, {"headers", int64(c.Limits.Headers)}, {"arrival", int64(c.Limits.Arrival)},
		{"timeout", int64(c.Limits.Timeout)}, {"at_once", int64(c.Limits.AtOnce)}, {"grace", int64(c.Limits.Grace)}} {
		if l.value <= 0 {
			fault("limits.%s: want more than 0", l.name)
		}
	}
	if c.Audit.Keep < 0 {
		fault("audit.keep: want 0 or more")
	}
	if c.Audit.Path != "" && c.Audit.Postgres != "" {
		fault("audit: path is of SQLite and postgres of PostgreSQL; want one of them")
	}
	if (c.Audit.Postgres != "") != (c.Audit.Key != "") {
		fault("audit.key: names the key file of audit.postgres, and one goes with the other")
	}
	if c.Reload < 0 || c.Limits.Wait < 0 || c.Limits.Rate < 0 {
		fault("reload, limits.wait and limits.rate: want 0 or more")
	}
	switch c.Privacy {
	case Clinical, "":
		if c.PrivacyKey != "" {
			fault("privacy_key: goes with privacy: research")
		}
	case Research:
		if c.PrivacyKey == "" {
			fault("privacy_key: names the file of the key that makes pseudonyms; it is made where it is not there")
		}
	default:
		fault("privacy: %q is not clinical or research", c.Privacy)
	}
	if c.DICOMweb.Enabled() && c.Results.Path == "" {
		fault("dicomweb: results are written, and studies taken, only where they are kept; set results.path")
	}
	if len(c.FHIR.Systems) > 0 && c.Results.Path == "" {
		fault("fhir.systems: results are written only where they are kept; set results.path")
	}
	return errors.Join(append(faults, c.Studies.Check(), c.CheckSystems())...)
}

// CheckSystems returns everything that is wrong with the parts on other systems: those that commands on results need as well.
func (c Config) CheckSystems() error {
	var twice, research error
	if w := c.Writeback; c.Privacy == Research && (w.ApprovedBy+w.Protocol+w.Expires != "" || len(c.FHIR.Systems)+len(c.CDSHooks.Clients) > 0 || c.DICOMweb.Enabled()) {
		research = errors.New("privacy: research never writes back, and takes no studies that other systems send: leave out writeback, dicomweb, fhir.systems and cdshooks")
	}
	for i, f := range c.FHIR.Systems {
		for _, d := range c.DICOMweb.Systems {
			if f.Name == d.Name {
				twice = fmt.Errorf("fhir.systems[%d].name: dicomweb.systems has a %s too", i, f.Name)
			}
		}
	}
	return errors.Join(c.Writeback.Check(), c.DICOMweb.Check(), c.FHIR.Check(), twice, research)
}

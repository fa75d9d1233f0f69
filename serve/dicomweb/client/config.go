package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Config is how a DICOMweb server, or Orthanc's own interface, is reached. Secrets are in the environment or in files, not in the configuration.
type Config struct {
	URL          string        `mapstructure:"url"`           // base: https://pacs.example/dicom-web
	User         string        `mapstructure:"user"`          // basic authentication
	PasswordEnv  string        `mapstructure:"password_env"`  // environment variable that holds the password
	PasswordFile string        `mapstructure:"password_file"` // or the file that does
	TokenEnv     string        `mapstructure:"token_env"`     // environment variable with a bearer token
	TokenFile    string        `mapstructure:"token_file"`    // or the file, which is read again at each request
	CA           string        `mapstructure:"ca"`            // PEM file of authorities that are trusted in place of the system's
	Cert         string        `mapstructure:"cert"`          // PEM files of a certificate that is shown
	Key          string        `mapstructure:"key"`
	Timeout      time.Duration `mapstructure:"timeout"` // of one request; 0 is ten minutes
	Stall        time.Duration `mapstructure:"stall"`   // without a byte arriving; 0 is half a minute
	Limit        int64         `mapstructure:"limit"`   // bytes of one answer; 0 is 8 GiB
}

// Check returns everything that is wrong with a configuration; at is its place.
func (c Config) Check(at string) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(at+format, args...)) }
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		fault(".url: want https://host/path")
	case u.User != nil:
		fault(".url: a password has no place here; see user, password_env and password_file")
	case u.RawQuery != "" || u.Fragment != "":
		fault(".url: want a path without ? and #")
	}
	if c.PasswordEnv != "" && c.PasswordFile != "" || c.TokenEnv != "" && c.TokenFile != "" {
		fault(": a secret is in the environment or in a file, not in both")
	}
	if secret := c.PasswordEnv + c.PasswordFile; (c.User == "") != (secret == "") {
		fault(": user goes with password_env or password_file")
	}
	if c.User != "" && c.TokenEnv+c.TokenFile != "" {
		fault(": want a password or a token")
	}
	if (c.Cert == "") != (c.Key == "") {
		fault(": cert and key go together")
	}
	if c.Timeout < 0 || c.Stall < 0 || c.Limit < 0 {
		fault(": timeout, stall and limit: want 0 or more")
	}
	return errors.Join(faults...)
}

// Client speaks with one server. It is safe for concurrent use.
type Client struct {
	base   string
	http   *http.Client
	config Config
}

// New returns a client. Files of certificates are read now; those with secrets at each request, so that they can be renewed.
func New(c Config) (*Client, error) {
	if err := c.Check("dicomweb"); err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Minute
	}
	if c.Stall == 0 {
		c.Stall = 30 * time.Second
	}
	if c.Limit == 0 {
		c.Limit = 8 << 30
	}
	h, err := c.HTTP()
	if err != nil {
		return nil, err
	}
	return &Client{base: strings.TrimRight(c.URL, "/"), config: c, http: h}, nil
}

// HTTP returns what connects as the configuration says, with TLS 1.2 or more. It follows no redirect: credentials go nowhere else.
func (c Config) HTTP() (*http.Client, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, err
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificate in PEM", c.CA)
		}
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Cert, err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: settings, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: c.Timeout,
		MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
	}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

// authorise adds the credentials.
func (c *Client) authorise(r *http.Request) error { return c.config.Authorise(r) }

// Authorise adds the credentials to a request.
func (c Config) Authorise(r *http.Request) error {
	switch {
	case c.User != "":
		password, err := secret(c.PasswordEnv, c.PasswordFile)
		if err != nil {
			return err
		}
		r.SetBasicAuth(c.User, password)
	case c.TokenEnv+c.TokenFile != "":
		token, err := secret(c.TokenEnv, c.TokenFile)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return nil
}

// secret reads a secret from where the configuration says.
func secret(env, file string) (string, error) {
	if env != "" {
		if v := os.Getenv(env); v != "" {
			return v, nil
		}
		return "", fmt.Errorf("the environment has no %s", env)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	v := strings.TrimSpace(string(b))
	if v == "" {
		return "", fmt.Errorf("%s: is empty", file)
	}
	return v, nil
}

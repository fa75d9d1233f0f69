//go:build interoperability

package audit_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/voxgene/voxgene/serve/audit"
)

// cluster is a PostgreSQL server of this test's own, from Debian's package postgresql.
type cluster struct {
	bin, dir, url string
	port          int
}

// startCluster makes a cluster and starts it.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		t.Fatal("install the package postgresql")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{bin: found[len(found)-1], port: l.Addr().(*net.TCPAddr).Port}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c.url = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", c.port)
	// The server refuses to run as root, and its account reads none of root's folders.
	if c.dir, err = os.MkdirTemp("", "voxgene-postgres-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(c.dir) })
	if os.Geteuid() == 0 {
		if out, err := exec.Command("chown", "postgres", c.dir).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	c.run(t, "initdb", "-D", c.dir+"/data", "-A", "trust", "-U", "postgres")
	c.start(t)
	t.Cleanup(func() { c.run(t, "pg_ctl", "-D", c.dir+"/data", "-m", "immediate", "-w", "stop") })
	return c
}

// command is a program of PostgreSQL under the account that it wants.
func (c *cluster) command(program string, args ...string) *exec.Cmd {
	words := append([]string{filepath.Join(c.bin, program)}, args...)
	if os.Geteuid() == 0 {
		words = append([]string{"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"}, words...)
	}
	p := exec.Command(words[0], words[1:]...)
	p.Dir = c.dir
	return p
}

func (c *cluster) run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := c.command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// start starts the server. After a kill it is refused until the last child of the old one has noticed.
func (c *cluster) start(t *testing.T) {
	t.Helper()
	var out []byte
	err := errors.New("not tried")
	for range 50 {
		p := c.command("pg_ctl", "-D", c.dir+"/data", "-l", c.dir+"/log", "-w", "-o", fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -k %s", c.port, c.dir), "start")
		if out, err = p.CombinedOutput(); err == nil {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	log, _ := os.ReadFile(c.dir + "/log")
	t.Fatalf("%v\n%s\n%s", err, out, log)
}

// kill ends the server's first process at once.
func (c *cluster) kill() error {
	text, err := os.ReadFile(c.dir + "/data/postmaster.pid")
	if err != nil {
		return err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// database is a new database of the cluster.
func (c *cluster) database(t *testing.T, name string) database {
	t.Helper()
	admin, err := pgx.Connect(context.Background(), c.url)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.Background())
	if _, err := admin.Exec(context.Background(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	url := strings.Replace(c.url, "/postgres?", "/"+name+"?", 1)
	key := filepath.Join(t.TempDir(), "audit.key")
	return database{
		open: func(t testing.TB) *audit.Log { return openPostgres(t, url, key) },
		exec: func(t testing.TB, change string) {
			db, err := pgx.Connect(context.Background(), url+"&search_path=voxgene_audit")
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close(context.Background())
			if _, err := db.PgConn().Exec(context.Background(), change).ReadAll(); err != nil {
				t.Fatal(err)
			}
		},
		environment: []string{"VOXGENE_AUDIT_VICTIM_URL=" + url, "VOXGENE_AUDIT_VICTIM_KEY=" + key},
	}
}

func openPostgres(t testing.TB, url, key string) *audit.Log {
	t.Helper()
	l, err := audit.OpenPostgres(context.Background(), url, key)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// PostgreSQL keeps the audit as SQLite does: the same tests, and both its client and its server killed while it writes.
func TestInteroperabilityPostgres(t *testing.T) {
	if url := os.Getenv("VOXGENE_AUDIT_VICTIM_URL"); url != "" {
		victim(openPostgres(t, url, os.Getenv("VOXGENE_AUDIT_VICTIM_KEY")))
	}
	c := startCluster(t)
	t.Run("record", c.database(t, "record").testRecord)
	t.Run("erase", c.database(t, "erase").testErase)
	t.Run("tampering", func(t *testing.T) {
		n := 0
		for change, want := range tampering {
			n++
			d := c.database(t, "tampering"+strconv.Itoa(n))
			d.fill(t)
			d.exec(t, change)
			d.testFound(t, change, want)
		}
	})
	t.Run("without its key", func(t *testing.T) {
		d := c.database(t, "keyless")
		d.fill(t)
		url := strings.Replace(c.url, "/postgres?", "/keyless?", 1)
		if _, err := audit.OpenPostgres(context.Background(), url, filepath.Join(t.TempDir(), "other.key")); err == nil || !strings.Contains(err.Error(), "other.key is missing") {
			t.Errorf("without its key: %v", err)
		}
		if _, err := audit.OpenPostgres(context.Background(), "postgres://postgres:CANARY@127.0.0.1:1/x", filepath.Join(t.TempDir(), "k")); err == nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("a server that is not there: %v", err)
		}
	})
	const again = "^TestInteroperabilityPostgres$"
	t.Run("killed client", func(t *testing.T) {
		c.database(t, "client").testKill(t, again, func(p *os.Process) error { return p.Kill() })
	})
	t.Run("killed server", func(t *testing.T) {
		d := c.database(t, "server")
		open := d.open
		d.open = func(t testing.TB) *audit.Log {
			c.start(t.(*testing.T))
			return open(t)
		}
		d.testKill(t, again, func(*os.Process) error { return c.kill() })
	})
}

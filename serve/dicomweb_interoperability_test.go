//go:build interoperability

package serve_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/dicomweb"
	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
)

// orthanc is an Orthanc with DICOMweb, as Debian has it.
type orthanc struct {
	dir, http, dicom string
	process          *exec.Cmd
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func newOrthanc(t *testing.T) *orthanc {
	t.Helper()
	o := &orthanc{dir: t.TempDir(), http: free(t), dicom: free(t)}
	config, err := json.Marshal(map[string]any{"StorageDirectory": o.dir, "IndexDirectory": o.dir, "HttpPort": json.Number(o.http), "DicomPort": json.Number(o.dicom), "RemoteAccessAllowed": false,
		"AuthenticationEnabled": true, "RegisteredUsers": map[string]string{"voxgene": "secret"}, "StableAge": 2, "Plugins": []string{"/usr/share/orthanc/plugins"},
		"DicomWeb": map[string]any{"Enable": true, "Root": "/dicom-web/"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.dir, "orthanc.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	o.start(t)
	t.Cleanup(o.stop)
	return o
}

func (o *orthanc) start(t *testing.T) {
	t.Helper()
	o.process = exec.Command("Orthanc", filepath.Join(o.dir, "orthanc.json"))
	if err := o.process.Start(); err != nil {
		t.Fatal("install the packages orthanc and orthanc-dicomweb: ", err)
	}
	within(t, time.Minute, "Orthanc answers", func() bool { var v any; return o.get("/dicom-web/studies", &v) == nil })
}

func (o *orthanc) stop() {
	o.process.Process.Signal(syscall.SIGTERM)
	o.process.Wait()
}

func (o *orthanc) get(path string, v any) error {
	r, err := http.NewRequest("GET", "http://127.0.0.1:"+o.http+path, nil)
	if err != nil {
		return err
	}
	r.SetBasicAuth("voxgene", "secret")
	r.Header.Set("Accept", "application/json")
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	if got.StatusCode != 200 {
		return errors.New(got.Status)
	}
	return json.NewDecoder(got.Body).Decode(v)
}

// within waits until something is so.
func within(t *testing.T, most time.Duration, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if so() {
			return
		}
	}
	t.Fatalf("not within %v: %s", most, what)
}

// store sends files to Orthanc by C-STORE.
func (o *orthanc) store(t *testing.T, files ...string) {
	t.Helper()
	if out, err := exec.Command("storescu", append([]string{"-R", "127.0.0.1", o.dicom}, files...)...).CombinedOutput(); err != nil {
		t.Fatalf("storescu: %v\n%s", err, out)
	}
}

// connected starts a server that polls an Orthanc and writes to it. It returns the path of its results and what stops it.
func connected(t *testing.T, o *orthanc, dir string, log io.Writer) (string, func() error) {
	t.Helper()
	t.Setenv("ORTHANC_PASSWORD", "secret")
	model, path := filepath.Join(dir, "model.voxgene"), filepath.Join(dir, "results.db")
	if _, err := os.Stat(model); err != nil {
		bundletest.Save(t, bundletest.Images(t), model)
	}
	base := "http://127.0.0.1:" + o.http
	address, _, stop := start(t, model, log, func(c *serve.Config) {
		c.Results.Path = path
		c.Writeback = results.Writeback{ApprovedBy: "board", Protocol: "17-4", Expires: time.Now().AddDate(0, 0, 1).Format(time.DateOnly)}
		login := client.Config{User: "voxgene", PasswordEnv: "ORTHANC_PASSWORD"}
		pacs, from := login, login
		pacs.URL, from.URL = base+"/dicom-web", base
		c.DICOMweb.Systems = []dicomweb.SystemConfig{{Name: "pacs", Config: pacs}}
		c.DICOMweb.Pollers = []dicomweb.PollerConfig{{Name: "orthanc", Config: from, Every: 300 * time.Millisecond, From: "start"}}
	})
	return address, stop
}

// A study and its segmentation arrive by C-STORE; the poller predicts, and the objects come back into the study. Nothing is done twice, over
// restarts of either side; a retraction is followed by the report that replaces the first.
func TestInteroperabilityOrthanc(t *testing.T) {
	root := oracle.Data(t, "dicom", "qin_prostate_adc_seg")
	images, err := filepath.Glob(filepath.Join(root, "ADC", "*.dcm"))
	if err != nil || len(images) != 20 {
		t.Fatal(images, err)
	}
	masks, err := filepath.Glob(filepath.Join(root, "seg", "*.dcm"))
	if err != nil || len(masks) != 1 {
		t.Fatal(masks, err)
	}
	o, dir := newOrthanc(t), t.TempDir()
	var log bytes.Buffer
	_, stop := connected(t, o, dir, &log)
	store, err := results.Open(filepath.Join(dir, "results.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	only := func() results.Case {
		all, err := store.Cases("orthanc", 0)
		if err != nil || len(all) > 1 {
			t.Fatalf("%+v (%v)", all, err)
		}
		if all == nil {
			return results.Case{}
		}
		return all[0]
	}
	o.store(t, images...)
	within(t, time.Minute, "the study needs a mask", func() bool { return only().Status == results.NeedsMask })
	o.store(t, masks...)
	within(t, time.Minute, "the study is done", func() bool { return only().Status == results.Done })
	r, err := store.Get(only().Result)
	if err != nil {
		t.Fatal(err)
	}
	if v := *r.Features[1].Value; v < 174.9 || v > 175.1 { // 118 voxels of the lesion, counted with pydicom 2.3.1
		t.Errorf("volume %v", v)
	}
	standing := func() map[string]results.Delivery {
		d, err := store.Standing(r.ID)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	within(t, time.Minute, "the PACS has the objects", func() bool { return len(standing()) == 1 })
	pacs, err := client.New(client.Config{URL: "http://127.0.0.1:" + o.http + "/dicom-web", User: "voxgene", PasswordEnv: "ORTHANC_PASSWORD"})
	if err != nil {
		t.Fatal(err)
	}
	kinds := func() []string {
		all, err := pacs.Series(t.Context(), r.Identity.Study)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, s := range all {
			out = append(out, s.Text(client.Modality))
		}
		slices.Sort(out)
		return out
	}
	if got := kinds(); !slices.Contains(got, "SR") || !slices.Contains(got, "OT") {
		t.Errorf("the study has series of %v", got)
	}
	// Orthanc finds each object of the delivery under its identifier, and gives it back as it was sent.
	for name, uid := range standing()["pacs"].Objects {
		var found []any
		if err := o.get("/dicom-web/instances?SOPInstanceUID="+uid, &found); err != nil || len(found) != 1 {
			t.Errorf("%s: %v (%v)", name, found, err)
		}
	}

	// Its own objects make the study stable again, and a restart of either side asks nothing anew.
	time.Sleep(4 * time.Second)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	o.stop()
	_, stop = connected(t, o, dir, &log)
	time.Sleep(time.Second) // it finds nobody there
	o.start(t)
	o.store(t, images[0]) // which Orthanc has already
	time.Sleep(4 * time.Second)
	list, err := store.List(results.Filter{})
	deliveries, err2 := store.Deliveries(r.ID)
	if err := errors.Join(err, err2); err != nil || len(list) != 1 || len(deliveries) != 1 || only().Result != r.ID {
		t.Errorf("%d results, %+v (%v)", len(list), deliveries, err)
	}

	// Retracted by the command's code: the report that replaces the first is in the study.
	if r, err = store.Retract(r.ID, "Dr A", "mask of another lesion", ""); err != nil {
		t.Fatal(err)
	}
	out := &results.Outbox{Store: store}
	if _, err := out.Withdraw(r.ID); err != nil {
		t.Fatal(err)
	}
	within(t, time.Minute, "the retraction is accepted", func() bool { return len(standing()) == 0 })
	var found []map[string]any
	if err := o.get("/dicom-web/instances?SOPInstanceUID="+object.ReportUID(&r), &found); err != nil || len(found) != 1 {
		t.Fatalf("%v (%v)", found, err)
	}
	var reports []string
	series, err := pacs.Series(t.Context(), r.Identity.Study)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range series {
		if s.Text(client.Modality) == "SR" {
			files, err := pacs.Retrieve(t.Context(), r.Identity.Study, s.Text(client.SeriesUID), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			reports = append(reports, files...)
		}
	}
	replaced := 0
	for _, path := range reports {
		text, err := exec.Command("dsrdump", "+Pl", path).CombinedOutput()
		if err != nil {
			t.Errorf("dsrdump: %v\n%s", err, text)
		}
		if strings.Contains(string(text), "mask of another lesion") {
			replaced++
		}
	}
	if len(reports) != 2 || replaced != 1 {
		t.Errorf("%d reports, %d of them a retraction", len(reports), replaced)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); strings.Contains(text, r.Identity.Patient) || strings.Contains(text, r.Identity.Study) || r.Identity.Name != "" && strings.Contains(text, r.Identity.Name) {
		t.Error("the log names the patient or the study")
	}
}

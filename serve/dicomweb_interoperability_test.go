//go:build interoperability

package serve_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
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

	"github.com/voxgene/voxgene/features/extraction"
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

// fetch is the path of a copy of an object that it holds.
func (o *orthanc) fetch(t *testing.T, uid string) string {
	t.Helper()
	r, err := http.NewRequest("POST", "http://127.0.0.1:"+o.http+"/tools/lookup", strings.NewReader(uid))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("voxgene", "secret")
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	var found []struct{ ID string }
	if err = errors.Join(json.NewDecoder(got.Body).Decode(&found), got.Body.Close()); err != nil || len(found) != 1 {
		t.Fatalf("%s: %v (%v)", uid, found, err)
	}
	pacs, err := client.New(client.Config{URL: "http://127.0.0.1:" + o.http, User: "voxgene", PasswordEnv: "ORTHANC_PASSWORD"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "object.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(pacs.File(t.Context(), "/instances/"+found[0].ID+"/file", f), f.Close()); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// written are the objects of a result that stand in each system.
func written(t *testing.T, store *results.Store, id string) map[string]results.Delivery {
	t.Helper()
	d, err := store.Standing(id)
	if err != nil {
		t.Fatal(err)
	}
	return d
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
		c.DICOMweb.Systems = []dicomweb.SystemConfig{{Name: "pacs", Config: pacs, Delete: base}}
		c.DICOMweb.Pollers = []dicomweb.PollerConfig{{Name: "orthanc", Config: from, Every: 300 * time.Millisecond, From: "start"}}
	})
	return address, stop
}

// outbox is one that tells the server's systems what is due, as the page and the commands do.
func outbox(t *testing.T, store *results.Store, o *orthanc) *results.Outbox {
	t.Helper()
	c := serve.Config{Writeback: results.Writeback{ApprovedBy: "board", Protocol: "17-4", Expires: time.Now().AddDate(0, 0, 1).Format(time.DateOnly)}}
	c.DICOMweb.Systems = []dicomweb.SystemConfig{{Name: "pacs", Config: client.Config{URL: "http://127.0.0.1:" + o.http + "/dicom-web"}}}
	out, err := serve.NewOutbox(c, store, slog.New(slog.DiscardHandler), "test")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A study and its segmentation arrive by C-STORE; the poller predicts, and the objects come back into the study. Nothing is done twice, over
// restarts of either side; a result that becomes final has another report, and a retraction is followed by a report, a note, and the deletion of what it rejects.
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
	standing := func() map[string]results.Delivery { return written(t, store, r.ID) }
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

	// Final, it has a report of its own, which replaces the preliminary one.
	before := standing()["pacs"].Objects
	if r, err = store.Finalise(r.ID, "Dr A"); err != nil {
		t.Fatal(err)
	}
	if err := outbox(t, store, o).Verified(r.ID); err != nil {
		t.Fatal(err)
	}
	within(t, time.Minute, "the final report is accepted", func() bool { return standing()["pacs"].Objects["sr final"] == object.ReportUID(&r) })

	// Taken back: the report that replaces both and the note that rejects every object are in the study; the objects are not any more.
	if r, err = store.Retract(r.ID, "Dr A", "mask of another lesion", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := outbox(t, store, o).Withdraw(r.ID); err != nil {
		t.Fatal(err)
	}
	within(t, time.Minute, "the retraction is accepted", func() bool { return len(standing()) == 0 })
	deliveries, err = store.Deliveries(r.ID)
	if last := deliveries[len(deliveries)-1]; err != nil || last.Detail != fmt.Sprintf("ko stored, sr retraction stored, %d objects deleted", len(before)+1) {
		t.Errorf("%+v (%v)", last, err)
	}
	for name, uid := range before {
		var found []any
		if err := o.get("/dicom-web/instances?SOPInstanceUID="+uid, &found); err != nil || len(found) != 0 {
			t.Errorf("%s is there still: %v (%v)", name, found, err)
		}
	}
	left := map[string][]string{}
	series, err := pacs.Series(t.Context(), r.Identity.Study)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range series {
		files, err := pacs.Retrieve(t.Context(), r.Identity.Study, s.Text(client.SeriesUID), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		left[s.Text(client.Modality)] = append(left[s.Text(client.Modality)], files...)
	}
	if len(left["MR"]) != len(images) || len(left["SEG"]) != 1 || len(left["SR"]) != 1 || len(left["KO"]) != 1 || len(left) != 4 {
		t.Fatalf("the study has %v", left)
	}
	for kind, want := range map[string]string{"SR": "mask of another lesion", "KO": "Rejected for Patient Safety Reasons"} {
		text, err := exec.Command("dsrdump", "+Pl", left[kind][0]).CombinedOutput()
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("dsrdump: %v\n%s", err, text)
		}
	}

	// Another database in its place: it is read from the start, and the study that comes again is known.
	o.stop()
	files, err := os.ReadDir(o.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Name() != "orthanc.json" {
			if err := os.RemoveAll(filepath.Join(o.dir, f.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	o.start(t)
	o.store(t, append(images, masks...)...)
	var changes struct{ Last int }
	within(t, time.Minute, "the poller has read the new database", func() bool {
		mark, err := store.Mark("poller orthanc")
		return err == nil && o.get("/changes?last", &changes) == nil && changes.Last > len(images)+4 && strings.HasPrefix(mark, fmt.Sprint(changes.Last, " "))
	})
	if list, err := store.List(results.Filter{}); err != nil || len(list) != 1 || only().Result != r.ID {
		t.Errorf("%d results (%v)", len(list), err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, "counts its changes anew") || strings.Contains(text, r.Identity.Patient) || strings.Contains(text, r.Identity.Study) || r.Identity.Name != "" && strings.Contains(text, r.Identity.Name) {
		t.Error("the log does not say that the database is another, or names the patient or the study")
	}
}

// A study of two segments that are each a lesion arrives by C-STORE; the result has both, and its report, which Orthanc has, a group for each that refers
// to the study's segment; taken back, nothing of ours is left but the report of that and the note.
func TestInteroperabilityOrthancLesions(t *testing.T) {
	root := oracle.Data(t, "dicom", "qin_prostate_adc_seg")
	images, err := filepath.Glob(filepath.Join(root, "ADC", "*.dcm"))
	masks, err2 := filepath.Glob(filepath.Join(root, "seg", "*.dcm"))
	if err := errors.Join(err, err2); err != nil || len(images) != 20 || len(masks) != 1 {
		t.Fatal(images, masks, err)
	}
	o, dir := newOrthanc(t), t.TempDir()
	b := bundletest.Lesions(t)
	b.Sources[0].Regions["lesion"] = extraction.Region{Labels: []extraction.Label{{Name: "Lesion"}, {Name: "Normal"}}}
	bundletest.Save(t, b, filepath.Join(dir, "model.voxgene"))
	var log bytes.Buffer
	_, stop := connected(t, o, dir, &log)
	store, err := results.Open(filepath.Join(dir, "results.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	o.store(t, append(images, masks...)...)
	var r results.Result
	within(t, time.Minute, "the study is done", func() bool {
		list, err := store.List(results.Filter{})
		if err == nil && len(list) == 1 {
			r = list[0]
		}
		return r.ID != ""
	})
	if len(r.Lesions) != 2 || r.Lesions[0].Regions[0].Segment == nil || r.Lesions[1].Regions[0].Segment == nil {
		t.Fatalf("%+v\n%s", r.Lesions, log.String())
	}
	at := slices.IndexFunc(r.Lesions, func(l results.Lesion) bool { return l.Regions[0].Label == "Lesion" })
	if at < 0 {
		t.Fatalf("%+v", r.Lesions)
	}
	if v := r.Lesions[at].Regions[0].Volume; v < 174.9 || v > 175.1 { // 118 voxels of the lesion, counted with pydicom 2.3.1
		t.Errorf("volume %v", v)
	}
	standing := func() map[string]results.Delivery { return written(t, store, r.ID) }
	within(t, time.Minute, "the PACS has the objects", func() bool { return len(standing()) == 1 })
	objects := standing()["pacs"].Objects
	report, err := exec.Command("dsrdump", "+Pu", o.fetch(t, objects["sr"])).CombinedOutput()
	for _, l := range r.Lesions {
		if at := l.Regions[0]; err != nil || !strings.Contains(string(report), fmt.Sprintf(`"%s",%d)`, at.Segment.Instance, at.Segment.Segment)) {
			t.Errorf("dsrdump (%v) has no reference to segment %d:\n%s", err, at.Segment.Segment, report)
		}
	}
	if n := strings.Count(string(report), `"Measurement Group"`); n != 2 {
		t.Errorf("%d groups", n)
	}
	for name, uid := range objects {
		if out, err := exec.Command("dciodvfy", "-new", o.fetch(t, uid)).CombinedOutput(); err != nil || strings.Contains(string(out), "Error") {
			t.Errorf("%s: dciodvfy: %v\n%s", name, err, out)
		}
	}
	if _, err := store.Retract(r.ID, "Dr A", "mask of another patient", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := outbox(t, store, o).Withdraw(r.ID); err != nil {
		t.Fatal(err)
	}
	within(t, time.Minute, "the retraction is accepted", func() bool { return len(standing()) == 0 })
	for name, uid := range objects {
		var found []any
		if err := o.get("/dicom-web/instances?SOPInstanceUID="+uid, &found); err != nil || len(found) != 0 {
			t.Errorf("%s is there still: %v (%v)", name, found, err)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

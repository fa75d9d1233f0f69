//go:build interoperability

package serve_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
)

// The guide's configurations, commands and script, with ports and folders of this test put in: a study goes to Orthanc by C-STORE, Orthanc sends it
// to us by STOW-RS, what was made of it comes back into the study, and Orthanc sends it on to a second node by C-STORE: reports, note and all when the
// result is taken back. curl sends another one.
func TestInteroperabilityGuide(t *testing.T) {
	guide, err := os.ReadFile("../docs/dicom-integration.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string][]string{}
	for _, m := range regexp.MustCompile("(?s)```([a-z]+)\n(.*?)```").FindAllStringSubmatch(string(guide), -1) {
		blocks[m[1]] = append(blocks[m[1]], m[2])
	}
	if len(blocks["yaml"]) != 2 || len(blocks["json"]) != 1 || len(blocks["sh"]) != 4 || len(blocks["lua"]) != 2 {
		t.Fatalf("the guide has %v", blocks)
	}
	images, err := filepath.Glob(filepath.Join(oracle.Data(t, "dicom", "qin_prostate_adc_seg"), "ADC", "*.dcm"))
	if err != nil || len(images) != 20 {
		t.Fatal(images, err)
	}
	masks, err := filepath.Glob(filepath.Join(oracle.Data(t, "dicom", "qin_prostate_adc_seg"), "seg", "*.dcm"))
	if err != nil || len(masks) != 1 {
		t.Fatal(masks, err)
	}
	t.Chdir(t.TempDir())
	copied := func(from, to string) {
		t.Helper()
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("study", 0o700); err != nil {
		t.Fatal(err)
	}
	for i, path := range images {
		copied(path, filepath.Join("study", string(rune('a'+i))+".dcm"))
	}
	copied(masks[0], "seg.dcm")
	o, node := &orthanc{dir: t.TempDir(), http: free(t), dicom: free(t)}, free(t)
	bundletest.Save(t, bundletest.Images(t), "model.voxgene")

	// Both blocks of YAML as one file, without the poller: the script is in its place.
	text := strings.ReplaceAll(blocks["yaml"][0]+strings.SplitN(blocks["yaml"][1], "dicomweb:\n", 2)[1], "127.0.0.1:8042", "127.0.0.1:"+o.http)
	text = regexp.MustCompile(`(?m)^  pollers:\n.*\n`).ReplaceAllString(text, "")
	text = strings.Replace(text, "stow: {path: /dicom-web}", "stow: {path: /dicom-web, settle: 1s}", 1)
	if err := os.WriteFile("serve.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ORTHANC_PASSWORD", "secret")
	read, err := serve.ReadConfig("serve.yaml")
	if err != nil {
		t.Fatal(err)
	}
	address, _, stop := start(t, "model.voxgene", io.Discard, func(c *serve.Config) {
		c.Results, c.Writeback, c.DICOMweb = read.Results, read.Writeback, read.DICOMweb
	})
	defer stop()

	if err := os.WriteFile(filepath.Join(o.dir, "send.lua"), []byte(blocks["lua"][0]+blocks["lua"][1]), 0o600); err != nil {
		t.Fatal(err)
	}
	second := exec.Command("bash", "-c", strings.Replace(blocks["sh"][3], "4243", node, 1))
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { second.Process.Kill(); second.Wait() })
	config := strings.NewReplacer(`"DicomPort": 4242`, `"DicomPort": `+o.dicom, `4243`, node, `"HttpPort": 8042`, `"HttpPort": `+o.http, `"StableAge": 60`, `"StableAge": 2, "RemoteAccessAllowed": false`, `"orthanc"`, `"`+o.dir+`"`,
		"127.0.0.1:8080", address, `"LuaScripts": []`, `"LuaScripts": ["`+filepath.Join(o.dir, "send.lua")+`"]`).Replace(blocks["json"][0])
	if err := os.WriteFile(filepath.Join(o.dir, "orthanc.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	o.start(t)
	t.Cleanup(o.stop)
	run := func(command string) string {
		t.Helper()
		command = strings.NewReplacer("127.0.0.1 4242", "127.0.0.1 "+o.dicom, "127.0.0.1:8080", address, "127.0.0.1:8042", "127.0.0.1:"+o.http, "study/1.dcm", "study/a.dcm", "study/2.dcm", "study/b.dcm").Replace(command)
		out, err := exec.Command("bash", "-euo", "pipefail", "-c", command).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		return string(out)
	}
	run(blocks["sh"][0])
	store, err := results.Open(read.Results.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var made results.Result
	within(t, time.Minute, "the study that Orthanc sent is done", func() bool {
		all, err := store.Cases("stow", 0)
		if err != nil || len(all) != 1 || all[0].Status != results.Done {
			return false
		}
		made, err = store.Get(all[0].Result)
		return err == nil
	})
	var written map[string]results.Delivery
	within(t, time.Minute, "the objects are in Orthanc", func() bool { written, err = store.Standing(made.ID); return err == nil && len(written) == 1 })
	for _, kind := range []string{"sr", "seg adc", "capture region.adc", "map feature.adc.original_firstorder_Mean", "capture feature.adc.original_firstorder_Mean"} {
		var found []any
		if uid := written["pacs"].Objects[kind]; uid == "" || o.get("/dicom-web/instances?SOPInstanceUID="+uid, &found) != nil || len(found) != 1 {
			t.Errorf("%s is not in Orthanc: %v", kind, written["pacs"].Objects)
		}
	}
	// As they came back: nothing that checks DICOM finds an error in them.
	for kind, uid := range written["pacs"].Objects {
		path := o.fetch(t, uid)
		if out, err := exec.Command("dciodvfy", "-new", path).CombinedOutput(); err != nil || strings.Contains(string(out), "Error") {
			t.Errorf("%s dciodvfy: %v\n%s", kind, err, out)
		}
		if out, err := exec.Command("dcmdump", "-q", path).CombinedOutput(); err != nil || !strings.Contains(string(out), made.Identity.Patient) {
			t.Errorf("%s dcmdump: %v\n%s", kind, err, out)
		}
	}
	// Orthanc has sent them on, and the second node has what Orthanc has.
	received := func(uid string) bool {
		found, err := filepath.Glob("received/*" + uid)
		return err == nil && len(found) == 1
	}
	for kind, uid := range written["pacs"].Objects {
		within(t, time.Minute, "the second node has "+kind, func() bool { return received(uid) })
		at, err := filepath.Glob("received/*" + uid)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("dciodvfy", "-new", at[0]).CombinedOutput(); err != nil || strings.Contains(string(out), "Error") {
			t.Errorf("%s at the second node: dciodvfy: %v\n%s", kind, err, out)
		}
	}
	if all, err := filepath.Glob("received/*"); err != nil || len(all) != len(written["pacs"].Objects) {
		t.Errorf("the second node has %v (%v)", all, err)
	}
	attached, err := store.Attached(made.ID)
	if err != nil || len(attached) == 0 || len(attached[0].Content) > 0 {
		t.Errorf("objects are kept although the PACS has them (%v)", err)
	}
	time.Sleep(5 * time.Second) // our objects make the study stable again, and it is sent again
	if list, err := store.List(results.Filter{}); err != nil || len(list) != 1 {
		t.Errorf("%d results (%v)", len(list), err)
	}
	// A retraction goes the same way: a note that names every object, and a report that replaces the one before.
	retracted, err := store.Retract(made.ID, "Dr A", "mask of another lesion", results.Quality)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&results.Outbox{Store: store}).Withdraw(made.ID); err != nil {
		t.Fatal(err)
	}
	rejected := object.Stored(&retracted, written["pacs"].Objects)
	if len(rejected) != len(written["pacs"].Objects) {
		t.Errorf("%d of %d objects are rejected", len(rejected), len(written["pacs"].Objects))
	}
	note := object.RejectionUID(&retracted, rejected)
	for _, uid := range []string{note, object.ReportUID(&retracted)} {
		within(t, time.Minute, "the retraction is at the second node", func() bool { return received(uid) })
	}
	at, err := filepath.Glob("received/KO*" + note)
	if err != nil || len(at) != 1 {
		t.Fatal(at, err)
	}
	out, err := exec.Command("dcmdump", at[0]).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "[Rejected for Quality Reasons]") {
		t.Errorf("the note: %v\n%s", err, out)
	}
	for kind, uid := range written["pacs"].Objects {
		if strings.Count(string(out), "["+uid+"]") != 2 { // in the evidence and in the content
			t.Errorf("the note names %s not once in the evidence and once in the content", kind)
		}
	}

	// The whole study, sent by hand.
	var study []string
	if err := o.get("/studies", &study); err != nil || len(study) != 1 {
		t.Fatal(study, err)
	}
	run(strings.Replace(blocks["sh"][2], "STUDY", study[0], 1))
	if all, err := filepath.Glob("received/*"); err != nil || len(all) != len(images)+len(masks)+len(written["pacs"].Objects)+2 {
		t.Errorf("the second node has %d objects (%v)", len(all), err)
	}
	if answer := run(blocks["sh"][1]); !strings.Contains(answer, "00081199") || strings.Contains(answer, "00081198") {
		t.Errorf("curl was answered %s", answer)
	}
}

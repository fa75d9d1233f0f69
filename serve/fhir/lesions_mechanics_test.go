package fhir_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/results"
)

// A result of two lesions is a BodyStructure a lesion, of which each observation has its focus and each risk its basis, all in one report; verified and
// taken back, each is there once in the state of the result, and the lesions are no longer active.
func TestLesions(t *testing.T) {
	server := newStrict(t)
	server.add(known)
	s := system(t, to(server, nil))
	store, err := results.Open(filepath.Join(t.TempDir(), "results.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	out := &results.Outbox{Store: store, Systems: []results.System{s}, Log: slog.New(slog.DiscardHandler), Writeback: results.Writeback{ApprovedBy: "board", Protocol: "7", Expires: "2999-01-01"}}
	content := results.Content{Identity: results.Identity{Patient: "P1", Issuer: "HOSPITAL", Name: "CANARY^NAME", Birth: "19500203", Sex: "F", Study: "1.2.3"}}
	for i, name := range []string{"1", "2"} {
		p := `{"id":"P1","lesion":"` + name + `","outcomes":{"grade":{"kind":"class","label":"high","probabilities":{"low":0.2,"high":0.8},"explanations":[]},
			"os":{"kind":"survival","unit":"d","risk":0.7,"risk_group":"high","median":null,"times":[365.25],"survival":[0.9],"explanations":[]}},"warnings":[]}`
		l := results.Lesion{Name: name, Prediction: []byte(p), Regions: []results.Region{{Source: "ct", Number: i + 1, Volume: 500}}}
		if i == 0 {
			at := &l.Regions[0]
			at.TrackingUID, at.Segment = "1.2.3.77", &results.Instance{Instance: "1.2.3.9", Segment: 4}
			at.Site, at.Side = &results.Code{Value: "39607008", Scheme: "SCT", Meaning: "Lung"}, &results.Code{Value: "7771000", Scheme: "SCT", Meaning: "Left"}
			at.Type = &results.Code{Value: "X", Scheme: "99OURS", Meaning: "Nodule"}
		}
		content.Lesions = append(content.Lesions, l)
	}
	r, _, err := store.Keep(results.Kept{Model: "glioma", Version: "sha256:" + strings.Repeat("a", 64), Use: bundle.Research, Inputs: "sha256:" + strings.Repeat("b", 64), Content: content})
	if err != nil {
		t.Fatal(err)
	}
	deliver := func() {
		t.Helper()
		list, err := out.Deliver(t.Context(), r.ID)
		if err != nil || len(list) != 1 || !list[0].Accepted {
			t.Fatalf("%+v (%v)\n%v", list, err, server.faults)
		}
	}
	check := func(status string) {
		t.Helper()
		bodies, observations, risks, reports := server.of("BodyStructure"), server.of("Observation"), server.of("RiskAssessment"), server.of("DiagnosticReport")
		if len(bodies) != 2 || len(observations) != 2 || len(risks) != 2 || len(reports) != 1 {
			t.Fatalf("%s: %d lesions, %d observations, %d risks, %d reports", status, len(bodies), len(observations), len(risks), len(reports))
		}
		first := fmt.Sprint(bodies[0])
		for _, want := range []string{"urn:oid:1.2.3.77", "39607008", "7771000", "Nodule", "segment 4 of the segmentation urn:oid:1.2.3.9", "lesion.1", "research"} {
			if !strings.Contains(first, want) {
				t.Errorf("the lesion has no %s: %s", want, first)
			}
		}
		if strings.Contains(first, "99OURS") {
			t.Error("a code of a scheme that FHIR does not know is written as one")
		}
		for i, body := range bodies {
			ref := "BodyStructure/" + body["id"].(string)
			if body["active"] != (status != "entered-in-error") || body["patient"].(map[string]any)["reference"] != "Patient/r1" {
				t.Errorf("%s: %v", status, body)
			}
			if focus := fmt.Sprint(observations[i]["focus"]); !strings.Contains(focus, ref) || observations[i]["status"] != status {
				t.Errorf("observation %d has focus %s, want %s", i, focus, ref)
			}
			if basis := fmt.Sprint(risks[i]["basis"]); !strings.Contains(basis, ref) || risks[i]["status"] != status {
				t.Errorf("risk %d has basis %s, want %s", i, basis, ref)
			}
			for _, made := range []map[string]any{observations[i], risks[i]} {
				if text := fmt.Sprint(made["code"], made["identifier"]); !strings.Contains(text, fmt.Sprint("of lesion ", i+1)) || !strings.Contains(text, fmt.Sprintf("%s.lesion.%d.", r.ID, i+1)) {
					t.Error(text)
				}
				if text := fmt.Sprint(made); strings.Contains(text, "CANARY") {
					t.Error(text)
				}
			}
		}
		if text := fmt.Sprint(reports[0]["conclusion"]); !strings.Contains(text, "Lesion 1: Predicted grade: high") || !strings.Contains(text, "Lesion 2: Risk of os") {
			t.Error(text)
		}
		if fmt.Sprint(observations[0]["bodySite"]) == "<nil>" || observations[1]["bodySite"] != nil {
			t.Errorf("sites %v, %v", observations[0]["bodySite"], observations[1]["bodySite"])
		}
	}
	if _, err := out.Write(r.ID); err != nil {
		t.Fatal(err)
	}
	deliver()
	check("preliminary")
	if _, err := store.Finalise(r.ID, "Dr A"); err != nil {
		t.Fatal(err)
	}
	if err := out.Verified(r.ID); err != nil {
		t.Fatal(err)
	}
	deliver()
	check("final")
	if _, err := store.Retract(r.ID, "Dr A", "mask of another patient", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Withdraw(r.ID); err != nil {
		t.Fatal(err)
	}
	deliver()
	check("entered-in-error")
}

package serve_test

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/voxgene/voxgene/serve"
)

// The manifest is of four objects that name each other rightly, and the configuration in it is one that the server takes.
func TestKubernetes(t *testing.T) {
	f, err := os.Open("../configs/deploy/kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var objects []map[string]any
	for d := yaml.NewDecoder(f); ; {
		var o map[string]any
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	var kinds []string
	at := func(o any, path ...any) any {
		for _, p := range path {
			switch p := p.(type) {
			case string:
				m, ok := o.(map[string]any)
				if !ok || m[p] == nil {
					t.Fatalf("there is no %v of %v", p, path)
				}
				o = m[p]
			case int:
				o = o.([]any)[p]
			}
		}
		return o
	}
	by := map[string]map[string]any{}
	for _, o := range objects {
		kinds = append(kinds, o["kind"].(string))
		by[o["kind"].(string)] = o
	}
	if !slices.Equal(kinds, []string{"ConfigMap", "Deployment", "Service", "PodDisruptionBudget"}) {
		t.Fatal(kinds)
	}
	pod := at(by["Deployment"], "spec", "template", "spec")
	label := at(by["Deployment"], "spec", "template", "metadata", "labels", "app")
	for kind, path := range map[string][]any{"Deployment": {"spec", "selector", "matchLabels", "app"}, "Service": {"spec", "selector", "app"}, "PodDisruptionBudget": {"spec", "selector", "matchLabels", "app"}} {
		if at(by[kind], path...) != label {
			t.Errorf("%s selects other pods", kind)
		}
	}
	volumes := map[any]bool{}
	for _, v := range at(pod, "volumes").([]any) {
		volumes[at(v, "name")] = true
	}
	for _, m := range at(pod, "containers", 0, "volumeMounts").([]any) {
		if !volumes[at(m, "name")] {
			t.Errorf("no volume is called %v", at(m, "name"))
		}
	}
	if at(by["Service"], "spec", "ports", 0, "targetPort") != at(pod, "containers", 0, "ports", 0, "name") {
		t.Error("the service leads to another port")
	}
	path := t.TempDir() + "/serve.yaml"
	if err := os.WriteFile(path, []byte(at(by["ConfigMap"], "data", "serve.yaml").(string)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VOXGENE_AUDIT_POSTGRES", "postgres://voxgene@db/voxgene")
	c, err := serve.ReadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil || !strings.HasSuffix(c.Listen, ":8443") || c.Audit.Postgres == "" {
		t.Errorf("%+v %v", c, err)
	}
}

package association

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"sync"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	pageCSS template.CSS
	//go:embed page.js
	pageJS template.JS

	pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.New("map").Parse(pageText)) })
)

// page is the map as one HTML file: nothing is fetched, and nothing in it names a patient.
func page(s Summary) ([]byte, error) {
	data, err := json.Marshal(s) // escapes <, > and &, so that a column name cannot end the script
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = pageTemplate().Execute(&b, struct {
		Summary
		CSS  template.CSS
		JS   template.JS
		Data template.JS
	}{s, pageCSS, pageJS, template.JS(data)})
	return b.Bytes(), err
}

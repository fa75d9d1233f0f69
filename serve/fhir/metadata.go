package fhir

import "net/http"

// capability answers the CapabilityStatement.
func (f *Front) capability(w http.ResponseWriter, _ *http.Request) {
	f.send(w, http.StatusOK, object{
		"resourceType": "CapabilityStatement", "status": "active", "date": "2026-01-01", "kind": "instance", "fhirVersion": "4.0.1",
		"format":         []string{"json"},
		"software":       object{"name": "Voxgene", "version": f.Version},
		"implementation": object{"description": "Predictions of molecular subtype and survival; nothing is stored"},
		"rest": []any{object{"mode": "server", "operation": []any{
			object{"name": "predict", "definition": "OperationDefinition/predict"}}}},
	})
}

// definition answers the OperationDefinition of $predict.
func (f *Front) definition(w http.ResponseWriter, _ *http.Request) {
	in := func(name, kind string, least int, most, text string) object {
		p := object{"name": name, "use": "in", "min": least, "max": most, "documentation": text}
		if kind != "" {
			p["type"] = kind
		}
		return p
	}
	feature := in("feature", "", 0, "*", "a feature of the patient")
	feature["part"] = []any{in("name", "string", 1, "1", "its full name"), in("value", "Element", 0, "1", "decimal, integer, Quantity in the model's unit or one of UCUM that is converted to it, or a level as string")}
	f.send(w, http.StatusOK, object{
		"resourceType": "OperationDefinition", "id": "predict", "name": "Predict", "title": "Predict subtype and survival", "status": "active", "kind": "operation",
		"code": "predict", "system": true, "type": false, "instance": false, "affectsState": false,
		"description": "Takes Parameters, or a Bundle of Observations coded in " + FeatureSystem + ", of one patient; answers a Bundle of type collection.",
		"parameter": []any{
			in("subject", "Reference", 0, "1", "the patient; may come as a Patient or as the subject of observations"),
			in("model", "string", 0, "1", "where the server has several"),
			in("version", "string", 0, "1", "of the model: sha256: and the bundle's hash"),
			in("outcome", "string", 0, "*", "to predict; all where left out"),
			in("origin", "date", 0, "1", "date of time zero, from which horizons are given as periods"),
			in("time", "Duration", 0, "*", "at which survival is given"),
			feature,
			in("observation", "Observation", 0, "*", "coded in "+FeatureSystem),
			in("bundle", "Bundle", 0, "*", "of observations"),
			object{"name": "return", "use": "out", "min": 1, "max": "1", "type": "Bundle", "documentation": "RiskAssessment, Observation, DiagnosticReport, Device, Provenance"},
		},
	})
}

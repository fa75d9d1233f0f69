package radiomics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/voxgene/voxgene/features/settings"
)

// MarshalJSON writes the parameters as a complete parameter file, which PyRadiomics reads as well: every setting of the setting block,
// and of an image type those that differ. What DecodeNode reads of it are the same parameters, whatever later defaults are.
func (params Params) MarshalJSON() ([]byte, error) {
	general, err := params.Settings.values((*Settings).segmentFields)
	if err != nil {
		return nil, err
	}
	var images, classes object
	for _, i := range params.Images {
		own, err := i.Settings.values((*Settings).segmentFields)
		if err != nil {
			return nil, fmt.Errorf("image type %s: %w", i.Name, err)
		}
		maps.DeleteFunc(own, func(name string, v json.RawMessage) bool { return bytes.Equal(v, general[name]) })
		if err := images.add(i.Name, own); err != nil {
			return nil, err
		}
	}
	byDefault := false
	for _, c := range params.Classes {
		if byDefault = c.Optional; byDefault { // it is there only where no class is named
			continue
		}
		if err := classes.add(c.Name, slices.Concat([]string{}, c.Features)); err != nil {
			return nil, err
		}
	}
	all := map[string]any{"imageType": &images, "setting": general}
	if !byDefault {
		all["featureClass"] = &classes
	}
	voxel, err := params.Settings.values((*Settings).voxelFields)
	if err != nil {
		return nil, err
	}
	standard := DefaultSettings()
	if usual, err := standard.values((*Settings).voxelFields); err != nil || !maps.EqualFunc(voxel, usual, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
		all["voxelSetting"] = voxel
	}
	return json.Marshal(all)
}

// UnmarshalJSON reads a parameter file as ReadParams does.
func (params *Params) UnmarshalJSON(b []byte) error {
	n, err := settings.ParseStored("parameters", b)
	if err != nil {
		return err
	}
	*params, err = decodeParams(n)
	return err
}

// values are settings by name, None as null.
func (s Settings) values(fields func(*Settings) map[string]field) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	for name, f := range fields(&s) {
		v := reflect.ValueOf(f.into).Elem()
		if f.nullable && (v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0) {
			out[name] = json.RawMessage("null")
			continue
		}
		b, err := json.Marshal(v.Interface())
		if err != nil {
			return nil, fmt.Errorf("setting %s: %w", name, err)
		}
		out[name] = b
	}
	return out, nil
}

// object is a JSON object whose keys keep their order, which decides the order of columns.
type object struct{ body []byte }

func (o *object) add(key string, value any) error {
	k, err := json.Marshal(key)
	if err != nil {
		return err
	}
	v, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if len(o.body) > 0 {
		o.body = append(o.body, ',')
	}
	o.body = append(append(append(o.body, k...), ':'), v...)
	return nil
}

// MarshalJSON writes the object.
func (o *object) MarshalJSON() ([]byte, error) {
	return append(append([]byte{'{'}, o.body...), '}'), nil
}

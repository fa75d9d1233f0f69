package studies

import "encoding/json"

// render renders the answer.
func (f *Front) render(_ *study, a answer, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(a)
	return append(out, '\n'), err
}

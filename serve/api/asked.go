package api

import (
	"strconv"

	"github.com/voxgene/voxgene/models/bundle"
)

// outcomes reads the names of those that are asked for.
func (d *decoder) outcomes() {
	const pointer = "#/outcomes"
	if !d.list(pointer) {
		return
	}
	first := true
	for n := 0; d.s.More(&first, ']'); n++ {
		if name, _ := d.text(pointer + "/" + strconv.Itoa(n)); n < bundle.MaxTimes { // one that is no text keeps the place of the others
			d.out.Request.Outcomes = append(d.out.Request.Outcomes, name)
		}
	}
}

// times reads a list of at most so many times.
func (d *decoder) times(pointer string, most int) (out []bundle.Time) {
	if !d.list(pointer) {
		return nil
	}
	first := true
	for n := 0; d.s.More(&first, ']'); n++ {
		at := pointer + "/" + strconv.Itoa(n)
		if n == most {
			d.fault(pointer, "more than %d times", most)
		}
		var t bundle.Time
		if !d.object(at) {
			if n < most {
				out = append(out, t) // keeps the place of the others
			}
			continue
		}
		var had uint
		inner := true
		for d.s.More(&inner, '}') {
			switch d.member(at, d.s.Key(), timeMembers, &had) {
			case 0:
				t.Value, _ = d.number(at + "/value")
			case 1:
				t.Unit, _ = d.text(at + "/unit")
			}
		}
		for k, name := range timeMembers {
			if d.s.Err() == nil && had&(1<<k) == 0 {
				d.fault(at, "%q is missing", name)
			}
		}
		if n < most {
			out = append(out, t)
		}
	}
	return out
}

package api

import (
	"math"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/scan"
)

// explainMembers are the members of explain: the words of voxgene explain.
var explainMembers = []string{"top", "group_by", "method", "scale", "at", "interactions"}

// maxAt is at how many times survival is explained in one request: each is an explanation of its own.
const maxAt = 50

// explain reads true, false or an object such as {"top": 10, "group_by": "source", "method": "linear"}.
func (d *decoder) explain() {
	const pointer = "#/explain"
	switch c := d.s.Peek(); c {
	case 't', 'f':
		if d.s.Bool() {
			d.out.Request.Explain = &bundle.Explain{}
		}
		return
	case '{', 0:
	default:
		d.fault(pointer, "want true, false or an object, found %s", scan.Name(c))
		d.s.Skip()
		return
	}
	e := &bundle.Explain{}
	var had uint
	first := true
	for d.s.Begin('{'); d.s.More(&first, '}'); {
		switch d.member(pointer, d.s.Key(), explainMembers, &had) {
		case 0:
			v, ok := d.number(pointer + "/top")
			if ok && (v < 1 || v != math.Trunc(v) || v > math.MaxInt32) {
				d.fault(pointer+"/top", "want a whole number of 1 or more, found %v", v)
				continue
			}
			e.Top = int(v)
		case 1:
			e.GroupBy, _ = d.text(pointer + "/group_by")
		case 2:
			e.Method, _ = d.text(pointer + "/method")
		case 3:
			e.Scale, _ = d.text(pointer + "/scale")
		case 4:
			e.At = d.times(pointer+"/at", maxAt)
		case 5:
			if c := d.s.Peek(); c != 't' && c != 'f' && c != 0 {
				d.fault(pointer+"/interactions", "want true or false, found %s", scan.Name(c))
				d.s.Skip()
				continue
			}
			e.Interactions = d.s.Bool()
		}
	}
	d.out.Request.Explain = e
}

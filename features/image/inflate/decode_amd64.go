package inflate

import "golang.org/x/sys/cpu"

// assembled says whether decode may be called: by processors with BMI2, since 2013.
var assembled = cpu.X86.HasBMI2

// decode is codes for what a scan consists of, literals and short matches from far enough back, in the registers that the compiler does
// not find for it. It returns before anything else, having taken none of it, and once to is past limit or at past last, which is to leave
// 16 bytes of in.
//
//go:noescape
func decode(in, out *byte, lit, dist *uint32, c *cursor, last, limit int)

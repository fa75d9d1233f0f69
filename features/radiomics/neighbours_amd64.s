#include "textflag.h"

// func alikeAVX2(out, levels *int32, offsets *int, k, n int)
//
// out[i] = how many of levels[i+offsets[j]] are levels[i], for n voxels, a multiple of eight; offsets are in bytes.
TEXT ·alikeAVX2(SB), NOSPLIT, $0-40
	MOVQ out+0(FP), DI
	MOVQ levels+8(FP), SI
	MOVQ offsets+16(FP), R8
	MOVQ k+24(FP), R9
	MOVQ n+32(FP), CX
	LEAQ (R8)(R9*8), R9 // the end of the offsets
	SHRQ $3, CX
	JZ   done

voxels:
	VMOVDQU (SI), Y0
	VPXOR Y1, Y1, Y1
	MOVQ R8, R10

neighbour:
	MOVQ (R10), R11
	VPCMPEQD (SI)(R11*1), Y0, Y2
	VPSUBD Y2, Y1, Y1
	ADDQ $8, R10
	CMPQ R10, R9
	JLT  neighbour
	VMOVDQU Y1, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	DECQ CX
	JNZ  voxels

done:
	VZEROUPPER
	RET

// func tonesAVX2(sums, counts, grey *int32, offsets *int, k, n int)
//
// sums[i] = the sum of grey[i+offsets[j]], and counts[i] how many of them are more than 0.
TEXT ·tonesAVX2(SB), NOSPLIT, $0-48
	MOVQ sums+0(FP), DI
	MOVQ counts+8(FP), DX
	MOVQ grey+16(FP), SI
	MOVQ offsets+24(FP), R8
	MOVQ k+32(FP), R9
	MOVQ n+40(FP), CX
	LEAQ (R8)(R9*8), R9
	VPXOR Y5, Y5, Y5
	SHRQ $3, CX
	JZ   end

tones:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	MOVQ R8, R10

tone:
	MOVQ (R10), R11
	VMOVDQU (SI)(R11*1), Y2
	VPADDD Y2, Y0, Y0
	VPCMPGTD Y5, Y2, Y3
	VPSUBD Y3, Y1, Y1
	ADDQ $8, R10
	CMPQ R10, R9
	JLT  tone
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, (DX)
	ADDQ $32, SI
	ADDQ $32, DI
	ADDQ $32, DX
	DECQ CX
	JNZ  tones

end:
	VZEROUPPER
	RET

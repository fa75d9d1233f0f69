#include "textflag.h"

// func recurseAVX(y, x *float64, step, n, rows int, c *[8]float64)
//
// The same products and sums in the same order as recurseGo, four rows at a time.
TEXT ·recurseAVX(SB), NOSPLIT, $0-48
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ step+16(FP), R8
	MOVQ n+24(FP), BX
	MOVQ rows+32(FP), DX
	MOVQ c+40(FP), AX
	VBROADCASTSD 0(AX), Y8
	VBROADCASTSD 8(AX), Y9
	VBROADCASTSD 16(AX), Y10
	VBROADCASTSD 24(AX), Y11
	VBROADCASTSD 32(AX), Y12
	VBROADCASTSD 40(AX), Y13
	VBROADCASTSD 48(AX), Y14
	VBROADCASTSD 56(AX), Y15
	SHLQ $3, R8
	LEAQ (R8)(R8*1), R9  // 2·step
	LEAQ (R9)(R8*1), R10 // 3·step
	LEAQ (R9)(R9*1), R11 // 4·step

row:
	TESTQ DX, DX
	JLE  done
	MOVQ SI, R12
	MOVQ DI, R13
	MOVQ BX, CX
	SUBQ $4, CX
	JL   rest

four:
	VMULPD (R12), Y8, Y0
	VMULPD (R12)(R8*1), Y9, Y1
	VADDPD Y1, Y0, Y0
	VMULPD (R12)(R9*1), Y10, Y2
	VADDPD Y2, Y0, Y0
	VMULPD (R12)(R10*1), Y11, Y3
	VADDPD Y3, Y0, Y0
	VMULPD (R13)(R8*1), Y12, Y4
	VMULPD (R13)(R9*1), Y13, Y5
	VADDPD Y5, Y4, Y4
	VMULPD (R13)(R10*1), Y14, Y6
	VADDPD Y6, Y4, Y4
	VMULPD (R13)(R11*1), Y15, Y7
	VADDPD Y7, Y4, Y4
	VSUBPD Y4, Y0, Y0
	VMOVUPD Y0, (R13)
	ADDQ $32, R12
	ADDQ $32, R13
	SUBQ $4, CX
	JGE  four

rest:
	ADDQ $4, CX
	JLE  next

one:
	VMULSD (R12), X8, X0
	VMULSD (R12)(R8*1), X9, X1
	VADDSD X1, X0, X0
	VMULSD (R12)(R9*1), X10, X2
	VADDSD X2, X0, X0
	VMULSD (R12)(R10*1), X11, X3
	VADDSD X3, X0, X0
	VMULSD (R13)(R8*1), X12, X4
	VMULSD (R13)(R9*1), X13, X5
	VADDSD X5, X4, X4
	VMULSD (R13)(R10*1), X14, X6
	VADDSD X6, X4, X4
	VMULSD (R13)(R11*1), X15, X7
	VADDSD X7, X4, X4
	VSUBSD X4, X0, X0
	VMOVSD X0, (R13)
	ADDQ $8, R12
	ADDQ $8, R13
	DECQ CX
	JNZ  one

next:
	SUBQ R8, SI
	SUBQ R8, DI
	DECQ DX
	JMP  row

done:
	VZEROUPPER
	RET

// func addSingleAVX(out, s *float64, n int)
//
// out = float64(float32(out + s)), n a multiple of four.
TEXT ·addSingleAVX(SB), NOSPLIT, $0-24
	MOVQ out+0(FP), DI
	MOVQ s+8(FP), SI
	MOVQ n+16(FP), CX
	SHRQ $2, CX
	JZ   end

again:
	VMOVUPD (DI), Y0
	VADDPD (SI), Y0, Y0
	VCVTPD2PSY Y0, X0
	VCVTPS2PD X0, Y0
	VMOVUPD Y0, (DI)
	ADDQ $32, DI
	ADDQ $32, SI
	DECQ CX
	JNZ  again

end:
	VZEROUPPER
	RET

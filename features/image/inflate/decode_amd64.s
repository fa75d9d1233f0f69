#include "textflag.h"

// What e of a table says, as in huffman.go.
#define LITERAL 0x2000
#define SPECIAL 0xC000

// At least 56 bits are held afterwards: R10 holds them, the lowest byte of R11 counts them, R12 is where the next byte lies.
#define REFILL \
	MOVQ    (SI)(R12*1), BX \
	SHLXQ   R11, BX, BX     \
	ORQ     BX, R10         \
	MOVL    $63, CX         \
	SUBL    R11, CX         \
	MOVBLZX CX, CX          \
	SHRL    $3, CX          \
	ADDQ    CX, R12         \
	ORQ     $56, R11

// AX is the entry of the next length or literal.
#define LOOKUP \
	MOVL R10, AX         \
	ANDL $2047, AX       \
	MOVL (R8)(AX*4), AX

// Writes the literal of AX and takes its bits.
#define WRITE \
	SHRXQ AX, R10, R10        \
	SUBQ  AX, R11             \
	SHRL  $16, AX             \
	MOVB  AX, (DI)(R13*1)     \
	INCQ  R13

// func decode(in, out *byte, lit, dist *uint32, c *cursor, last, limit int)
TEXT ·decode(SB), NOSPLIT, $0-56
	MOVQ in+0(FP), SI
	MOVQ out+8(FP), DI
	MOVQ lit+16(FP), R8
	MOVQ dist+24(FP), R9
	MOVQ c+32(FP), BX
	MOVQ 0(BX), R10
	MOVQ 8(BX), R11
	MOVQ 16(BX), R12
	MOVQ 24(BX), R13

loop:
	CMPQ R13, limit+48(FP)
	JGT  exit
	CMPQ R12, last+40(FP)
	JGT  exit
	REFILL
	LOOKUP
	TESTL $LITERAL, AX
	JZ   symbol
	WRITE
	LOOKUP
	TESTL $LITERAL, AX
	JZ   symbol
	WRITE
	LOOKUP
	TESTL $LITERAL, AX
	JZ   symbol
	WRITE
	JMP  loop

more: // few bits are held: after two long literals
	REFILL

symbol: // at least 34 bits are held; nothing is taken before all of a match is known to be a simple one
	TESTL $SPECIAL, AX
	JNZ   exit
	BZHIQ AX, R10, DX
	MOVL  AX, BX
	SHRL  $8, BX
	SHRXQ BX, DX, DX
	MOVL  AX, BX
	SHRL  $16, BX
	ADDQ  BX, DX // length
	SHRXQ AX, R10, R15
	MOVQ  R11, CX
	SUBQ  AX, CX
	TESTL $32, CX // a distance takes 28 bits at most
	JZ    more
	MOVL  R15, BX
	ANDL  $511, BX
	MOVL  (R9)(BX*4), R14
	TESTL $SPECIAL, R14
	JNZ   exit
	BZHIQ R14, R15, BX
	MOVL  R14, AX
	SHRL  $8, AX
	SHRXQ AX, BX, BX
	MOVL  R14, AX
	SHRL  $16, AX
	ADDQ  AX, BX // back
	CMPQ  BX, R13
	JGT   exit
	CMPQ  BX, $8
	JLT   exit
	CMPQ  DX, $16
	JGT   exit
	SHRXQ R14, R15, R10
	SUBQ  R14, CX
	MOVQ  CX, R11
	MOVQ  R13, AX
	SUBQ  BX, AX
	MOVQ  (DI)(AX*1), BX
	MOVQ  BX, (DI)(R13*1)
	MOVQ  8(DI)(AX*1), BX
	MOVQ  BX, 8(DI)(R13*1)
	ADDQ  DX, R13
	JMP   loop

exit:
	ANDL $0xFF, R11
	MOVQ c+32(FP), BX
	MOVQ R10, 0(BX)
	MOVQ R11, 8(BX)
	MOVQ R12, 16(BX)
	MOVQ R13, 24(BX)
	RET

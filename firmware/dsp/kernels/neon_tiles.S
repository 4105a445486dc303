// Register tiles of eight frames (neon_tiles.h). Loads stand among the multiplications, several before their use: an
// in-order core neither waits for them nor issues them alone.
//
//   x0  arguments      x7   in, first tap    x13  taps left          x19..x25  1..7 rows of in, bytes
//   x1  out            x8   tap step         x14  quads left         x26       tiles left
//   x2  out stride     x9   taps             x15  step of in         x27       bias
//   x3  add            x10  inputs           x16  quads              x28       inputs of the mixin
//   x4  add stride     x11  in, now          x17  step to the next tap
//   x5  mixin in       x12  weights, now
//   x6  mixin weights
//
//   tiles8: sums v16..v31, two a frame; in v0..v7, four channels of a frame each; weights v8..v15, two a channel
//   tiles4: sums v16..v23, one a frame; in v0..v7;                                weights v24..v27, one a channel
//
// Assembled for ELF (Linux) and Mach-O (Apple); the macros below hold what differs.
#include "dsp/kernels/neon_tiles_offsets.h"

#ifdef __APPLE__
#define SYMBOL(name) _##name
#define LOCAL(name) L##name
#define HIDDEN .private_extern
#else
#define SYMBOL(name) name
#define LOCAL(name) .L##name
#define HIDDEN .hidden
#endif

        .altmacro

        .macro multiply sum, weight, row, lane
        fmla    v\sum\().4s, v\weight\().4s, v\row\().s[\lane]
        .endm

        .macro load_row row
        .if \row == 0
        ldr     q0, [x11]
        .else
        load_at \row, %(18 + \row)
        .endif
        .endm

        .macro load_at row, offset
        ldr     q\row, [x11, x\offset]
        .endm

        .macro load_eight_rows
        ldp     q0, q1, [x11]
        ldp     q2, q3, [x11, #32]
        ldp     q4, q5, [x11, #64]
        ldp     q6, q7, [x11, #96]
        .endm

// ---- eight outputs ------------------------------------------------------------------------------------------------

        // Vector `half` of four frames from `frame` on, by channel `lane` of them.
        .macro four8 frame, lane, half
        multiply %(16 + 2 * \frame + \half), %(8 + 2 * \lane + \half), %(\frame), \lane
        multiply %(18 + 2 * \frame + \half), %(8 + 2 * \lane + \half), %(\frame + 1), \lane
        multiply %(20 + 2 * \frame + \half), %(8 + 2 * \lane + \half), %(\frame + 2), \lane
        multiply %(22 + 2 * \frame + \half), %(8 + 2 * \lane + \half), %(\frame + 3), \lane
        .endm

        .macro lane8 frame, lane
        four8   \frame, \lane, 0
        four8   \frame, \lane, 1
        .endm

        // Four channels. Found loaded: frames 0..3, all weights. Left loaded: those of the next four, x15 bytes on.
        .macro quad8
        lane8   0, 0
        load_row 4
        load_row 5
        load_row 6
        load_row 7
        add     x11, x11, x15
        lane8   0, 1
        lane8   0, 2
        lane8   0, 3
        load_row 0
        load_row 1
        load_row 2
        load_row 3
        lane8   4, 0
        lane8   4, 1
        ldp     q8, q9, [x12], #128
        ldp     q10, q11, [x12, #-96]
        lane8   4, 2
        lane8   4, 3
        ldp     q12, q13, [x12, #-64]
        ldp     q14, q15, [x12, #-32]
        .endm

        // `inputs` channels, up to four, of rows that follow one another.
        .macro few8 inputs
        load_eight_rows
        ldp     q8, q9, [x12], #32
        .if \inputs > 1
        ldp     q10, q11, [x12], #32
        .endif
        .if \inputs > 2
        ldp     q12, q13, [x12], #32
        .endif
        .if \inputs > 3
        ldp     q14, q15, [x12], #32
        .endif
        few8_lane 0, \inputs
        few8_lane 1, \inputs
        few8_lane 2, \inputs
        few8_lane 3, \inputs
        .endm

        .macro few8_lane lane, inputs
        .if \lane < \inputs
        lane8   0, \lane
        lane8   4, \lane
        .endif
        .endm

        .macro few8_taps inputs, done
1:      few8    \inputs
        add     x11, x11, x8
        subs    x13, x13, #1
        b.ne    1b
        b       \done
        .endm

// ---- four outputs -------------------------------------------------------------------------------------------------

        .macro eight4 lane
        .irp    frame, 0, 1, 2, 3, 4, 5, 6, 7
        multiply %(16 + \frame), %(24 + \lane), \frame, \lane
        .endr
        .endm

        // As quad8; found and left loaded: all eight frames, all weights.
        .macro quad4
        eight4  0
        eight4  1
        ldp     q24, q25, [x12], #64
        eight4  2
        add     x11, x11, x15
        .irp    frame, 0, 4
        row4    \frame, 3
        row4    %(\frame + 1), 3
        row4    %(\frame + 2), 3
        row4    %(\frame + 3), 3
        load_row \frame
        load_row %(\frame + 1)
        load_row %(\frame + 2)
        load_row %(\frame + 3)
        .endr
        ldp     q26, q27, [x12, #-32]
        .endm

        .macro row4 frame, lane
        multiply %(16 + \frame), %(24 + \lane), \frame, \lane
        .endm

        .macro last4 frame, lane
        multiply %(16 + \frame), %(24 + \lane), \frame, \lane
        multiply %(17 + \frame), %(24 + \lane), %(\frame + 1), \lane
        load_pair \frame, %(\frame + 1), %(16 * \frame)
        .endm

        .macro load_pair first, second, offset
        ldp     q\first, q\second, [x11, #\offset]
        .endm

        .macro few4_weights inputs
        .if \inputs == 1
        ldr     q24, [x12], #16
        .endif
        .if \inputs == 2
        ldp     q24, q25, [x12], #32
        .endif
        .if \inputs == 3
        ldp     q24, q25, [x12], #48
        ldr     q26, [x12, #-16]
        .endif
        .if \inputs == 4
        ldp     q24, q25, [x12], #64
        ldp     q26, q27, [x12, #-32]
        .endif
        .endm

        // Rows that follow one another; the next tap's, x15 bytes on, are loaded by the end.
        .macro few4 inputs
        .if \inputs > 1
        eight4  0
        .endif
        .if \inputs > 2
        eight4  1
        ldp     q24, q25, [x12], #(16 * \inputs)
        .endif
        .if \inputs > 3
        eight4  2
        .endif
        .if \inputs == 2
        ldr     q24, [x12], #32
        .endif
        last4   0, %(\inputs - 1)
        last4   2, %(\inputs - 1)
        last4   4, %(\inputs - 1)
        last4   6, %(\inputs - 1)
        .if \inputs == 1
        ldr     q24, [x12], #16
        .endif
        .if \inputs == 2
        ldr     q25, [x12, #-16]
        .endif
        .if \inputs == 3
        ldr     q26, [x12, #-16]
        .endif
        .if \inputs == 4
        ldp     q26, q27, [x12, #-32]
        .endif
        .endm

        .macro few4_taps inputs, done
        load_eight_rows
        few4_weights \inputs
1:      subs    x13, x13, #1
        csel    x15, x8, xzr, ne
        add     x11, x11, x15
        few4    \inputs
        b.ne    1b
        b       \done
        .endm

        // One tap of up to four inputs; what few4 loads beyond it is not used.
        .macro mix4 inputs, done
        load_eight_rows
        few4_weights \inputs
        few4    \inputs
        b       \done
        .endm

        .macro mix8 inputs, done
        few8    \inputs
        b       \done
        .endm

// ---- both ---------------------------------------------------------------------------------------------------------

        // Registers that a caller keeps, for unwinders: their numbers in DWARF (AADWARF64), and where they stand from the
        // frame's address, which is sp as it was when the function was called.
        .macro saved first, second, offset
        .cfi_offset \first, \offset
        .cfi_offset \second, \offset + 8
        .endm

        .macro enter
        .cfi_startproc
        stp     x19, x20, [sp, #-144]!
        .cfi_def_cfa_offset 144
        saved   19, 20, -144
        stp     x21, x22, [sp, #16]
        saved   21, 22, -128
        stp     x23, x24, [sp, #32]
        saved   23, 24, -112
        stp     x25, x26, [sp, #48]
        saved   25, 26, -96
        stp     x27, x28, [sp, #64]
        saved   27, 28, -80
        stp     d8, d9, [sp, #80]
        saved   72, 73, -64
        stp     d10, d11, [sp, #96]
        saved   74, 75, -48
        stp     d12, d13, [sp, #112]
        saved   76, 77, -32
        stp     d14, d15, [sp, #128]
        saved   78, 79, -16
        ldp     x1, x2, [x0, #NAMPEDAL_TILES_OUT]
        ldp     x27, x3, [x0, #NAMPEDAL_TILES_BIAS]
        ldp     x4, x5, [x0, #NAMPEDAL_TILES_ADD_STRIDE]
        ldp     x6, x28, [x0, #NAMPEDAL_TILES_MIX_WEIGHTS]
        ldp     x7, x19, [x0, #NAMPEDAL_TILES_IN]
        ldr     x8, [x0, #NAMPEDAL_TILES_TAP_STEP]
        ldp     x9, x10, [x0, #NAMPEDAL_TILES_TAPS]
        ldr     x26, [x0, #NAMPEDAL_TILES_TILES]
        add     x20, x19, x19
        add     x21, x20, x19
        add     x22, x21, x19
        add     x23, x22, x19
        add     x24, x23, x19
        add     x25, x24, x19
        lsr     x16, x10, #2
        sub     x17, x8, x10, lsl #2
        add     x17, x17, #16
        .endm

        .macro restored first, second
        .cfi_restore \first
        .cfi_restore \second
        .endm

        // What stands behind it is still within the frame.
        .macro leave
        .cfi_remember_state
        ldp     d14, d15, [sp, #128]
        restored 78, 79
        ldp     d12, d13, [sp, #112]
        restored 76, 77
        ldp     d10, d11, [sp, #96]
        restored 74, 75
        ldp     d8, d9, [sp, #80]
        restored 72, 73
        ldp     x27, x28, [sp, #64]
        restored 27, 28
        ldp     x25, x26, [sp, #48]
        restored 25, 26
        ldp     x23, x24, [sp, #32]
        restored 23, 24
        ldp     x21, x22, [sp, #16]
        restored 21, 22
        ldp     x19, x20, [sp], #144
        restored 19, 20
        .cfi_def_cfa_offset 0
        ret
        .cfi_restore_state
        .endm

        // Jumps by the number of inputs, 1 to 4.
        .macro choose inputs, one, two, three, four
        cmp     \inputs, #2
        b.lo    \one
        b.eq    \two
        cmp     \inputs, #4
        b.lo    \three
        b       \four
        .endm

        .macro start8 sum, next
        fadd    v\sum\().4s, v0.4s, v\sum\().4s
        fadd    v\next\().4s, v1.4s, v\next\().4s
        .endm

        .macro load_add8 sum, next
        ld1     {v\sum\().4s, v\next\().4s}, [x3], x4
        .endm

        .macro store8 sum, next
        st1     {v\sum\().4s, v\next\().4s}, [x1], x2
        .endm

        .macro copy to, from
        mov     v\to\().16b, v\from\().16b
        .endm

        .text
        .p2align 4
        .global SYMBOL(nampedal_neon_tiles8)
        HIDDEN  SYMBOL(nampedal_neon_tiles8)
#ifdef __ELF__
        .type   nampedal_neon_tiles8, %function
#endif
SYMBOL(nampedal_neon_tiles8):
        enter
LOCAL(tile8):
        cbz     x3, LOCAL(bias8)
        ldp     q0, q1, [x27]
        .irp    frame, 0, 1, 2, 3, 4, 5, 6, 7
        load_add8 %(16 + 2 * \frame), %(17 + 2 * \frame)
        .endr
        .irp    frame, 0, 1, 2, 3, 4, 5, 6, 7
        start8  %(16 + 2 * \frame), %(17 + 2 * \frame)
        .endr
        b       LOCAL(mix8)
LOCAL(bias8):
        ldp     q16, q17, [x27]
        .irp    frame, 1, 2, 3, 4, 5, 6, 7
        copy    %(16 + 2 * \frame), 16
        copy    %(17 + 2 * \frame), 17
        .endr
LOCAL(mix8):
        cbz     x28, LOCAL(conv8)
        mov     x11, x5
        mov     x12, x6
        add     x5, x5, #128
        choose  x28, LOCAL(mix8_1), LOCAL(mix8_2), LOCAL(mix8_3), LOCAL(mix8_4)
LOCAL(mix8_2):
        mix8    2, LOCAL(conv8)
LOCAL(mix8_3):
        mix8    3, LOCAL(conv8)
LOCAL(mix8_4):
        mix8    4, LOCAL(conv8)
LOCAL(mix8_1):
        few8    1
LOCAL(conv8):
        mov     x11, x7
        ldr     x12, [x0, #NAMPEDAL_TILES_WEIGHTS]
        mov     x13, x9
        add     x7, x7, x19, lsl #3
        cmp     x10, #4
        b.ls    LOCAL(few8)
        ldp     q8, q9, [x12], #128
        ldp     q10, q11, [x12, #-96]
        ldp     q12, q13, [x12, #-64]
        ldp     q14, q15, [x12, #-32]
        .irp    frame, 0, 1, 2, 3
        load_row \frame
        .endr
LOCAL(tap8):
        sub     x14, x16, #1
        mov     x15, #16
LOCAL(quad8):
        quad8
        subs    x14, x14, #1
        b.ne    LOCAL(quad8)
        subs    x13, x13, #1
        csel    x15, x17, xzr, ne
        quad8
        b.ne    LOCAL(tap8)
LOCAL(store8):
        .irp    frame, 0, 1, 2, 3, 4, 5, 6, 7
        store8  %(16 + 2 * \frame), %(17 + 2 * \frame)
        .endr
        subs    x26, x26, #1
        b.ne    LOCAL(tile8)
        leave
LOCAL(few8):
        choose  x10, LOCAL(few8_1), LOCAL(few8_2), LOCAL(few8_3), LOCAL(few8_4)
LOCAL(few8_1):
        few8_taps 1, LOCAL(store8)
LOCAL(few8_2):
        few8_taps 2, LOCAL(store8)
LOCAL(few8_3):
        few8_taps 3, LOCAL(store8)
LOCAL(few8_4):
        few8_taps 4, LOCAL(store8)
        .cfi_endproc
#ifdef __ELF__
        .size   nampedal_neon_tiles8, . - nampedal_neon_tiles8
#endif

        .macro start4 sum
        fadd    v\sum\().4s, v0.4s, v\sum\().4s
        .endm

        .macro load_add4 sum
        ld1     {v\sum\().4s}, [x3], x4
        .endm

        .macro store4 sum
        st1     {v\sum\().4s}, [x1], x2
        .endm

        .p2align 4
        .global SYMBOL(nampedal_neon_tiles4)
        HIDDEN  SYMBOL(nampedal_neon_tiles4)
#ifdef __ELF__
        .type   nampedal_neon_tiles4, %function
#endif
SYMBOL(nampedal_neon_tiles4):
        enter
LOCAL(tile4):
        cbz     x3, LOCAL(bias4)
        ldr     q0, [x27]
        .irp    sum, 16, 17, 18, 19, 20, 21, 22, 23
        load_add4 \sum
        .endr
        .irp    sum, 16, 17, 18, 19, 20, 21, 22, 23
        start4  \sum
        .endr
        b       LOCAL(mix4)
LOCAL(bias4):
        ldr     q16, [x27]
        .irp    sum, 17, 18, 19, 20, 21, 22, 23
        copy    \sum, 16
        .endr
LOCAL(mix4):
        cbz     x28, LOCAL(conv4)
        mov     x11, x5
        mov     x12, x6
        add     x5, x5, #128
        choose  x28, LOCAL(mix4_1), LOCAL(mix4_2), LOCAL(mix4_3), LOCAL(mix4_4)
LOCAL(mix4_2):
        mix4    2, LOCAL(conv4)
LOCAL(mix4_3):
        mix4    3, LOCAL(conv4)
LOCAL(mix4_4):
        mix4    4, LOCAL(conv4)
LOCAL(mix4_1):
        load_eight_rows
        ldr     q24, [x12]
        eight4  0
LOCAL(conv4):
        mov     x11, x7
        ldr     x12, [x0, #NAMPEDAL_TILES_WEIGHTS]
        mov     x13, x9
        add     x7, x7, x19, lsl #3
        cmp     x10, #4
        b.ls    LOCAL(few4)
        ldp     q24, q25, [x12], #64
        ldp     q26, q27, [x12, #-32]
        .irp    frame, 0, 1, 2, 3, 4, 5, 6, 7
        load_row \frame
        .endr
LOCAL(tap4):
        sub     x14, x16, #1
        mov     x15, #16
LOCAL(quad4):
        quad4
        subs    x14, x14, #1
        b.ne    LOCAL(quad4)
        subs    x13, x13, #1
        csel    x15, x17, xzr, ne
        quad4
        b.ne    LOCAL(tap4)
LOCAL(store4):
        .irp    sum, 16, 17, 18, 19, 20, 21, 22, 23
        store4  \sum
        .endr
        subs    x26, x26, #1
        b.ne    LOCAL(tile4)
        leave
LOCAL(few4):
        choose  x10, LOCAL(few4_1), LOCAL(few4_2), LOCAL(few4_3), LOCAL(few4_4)
LOCAL(few4_1):
        few4_taps 1, LOCAL(store4)
LOCAL(few4_2):
        few4_taps 2, LOCAL(store4)
LOCAL(few4_3):
        few4_taps 3, LOCAL(store4)
LOCAL(few4_4):
        few4_taps 4, LOCAL(store4)
        .cfi_endproc
#ifdef __ELF__
        .size   nampedal_neon_tiles4, . - nampedal_neon_tiles4
#endif

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif

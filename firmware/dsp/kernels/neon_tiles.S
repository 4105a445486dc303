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

        .macro enter
        stp     x19, x20, [sp, #-144]!
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     d8, d9, [sp, #80]
        stp     d10, d11, [sp, #96]
        stp     d12, d13, [sp, #112]
        stp     d14, d15, [sp, #128]
        ldp     x1, x2, [x0]
        ldp     x27, x3, [x0, #16]
        ldp     x4, x5, [x0, #32]
        ldp     x6, x28, [x0, #48]
        ldp     x7, x19, [x0, #64]
        ldr     x8, [x0, #80]
        ldp     x9, x10, [x0, #96]
        ldr     x26, [x0, #112]
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

        .macro leave
        ldp     d14, d15, [sp, #128]
        ldp     d12, d13, [sp, #112]
        ldp     d10, d11, [sp, #96]
        ldp     d8, d9, [sp, #80]
        ldp     x27, x28, [sp, #64]
        ldp     x25, x26, [sp, #48]
        ldp     x23, x24, [sp, #32]
        ldp     x21, x22, [sp, #16]
        ldp     x19, x20, [sp], #144
        ret
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
        .global nampedal_neon_tiles8
        .hidden nampedal_neon_tiles8
        .type   nampedal_neon_tiles8, %function
nampedal_neon_tiles8:
        enter
.Ltile8:
        cbz     x3, .Lbias8
        ldp     q0, q1, [x27]
        .irp    frame, 0, 1, 2, 3, 4, 5, 6, 7
        load_add8 %(16 + 2 * \frame), %(17 + 2 * \frame)
        .endr
        .irp    frame, 0, 1, 2, 3, 4, 5, 6, 7
        start8  %(16 + 2 * \frame), %(17 + 2 * \frame)
        .endr
        b       .Lmix8
.Lbias8:
        ldp     q16, q17, [x27]
        .irp    frame, 1, 2, 3, 4, 5, 6, 7
        copy    %(16 + 2 * \frame), 16
        copy    %(17 + 2 * \frame), 17
        .endr
.Lmix8:
        cbz     x28, .Lconv8
        mov     x11, x5
        mov     x12, x6
        add     x5, x5, #128
        choose  x28, .Lmix8_1, .Lmix8_2, .Lmix8_3, .Lmix8_4
.Lmix8_2:
        mix8    2, .Lconv8
.Lmix8_3:
        mix8    3, .Lconv8
.Lmix8_4:
        mix8    4, .Lconv8
.Lmix8_1:
        few8    1
.Lconv8:
        mov     x11, x7
        ldr     x12, [x0, #88]
        mov     x13, x9
        add     x7, x7, x19, lsl #3
        cmp     x10, #4
        b.ls    .Lfew8
        ldp     q8, q9, [x12], #128
        ldp     q10, q11, [x12, #-96]
        ldp     q12, q13, [x12, #-64]
        ldp     q14, q15, [x12, #-32]
        .irp    frame, 0, 1, 2, 3
        load_row \frame
        .endr
.Ltap8:
        sub     x14, x16, #1
        mov     x15, #16
.Lquad8:
        quad8
        subs    x14, x14, #1
        b.ne    .Lquad8
        subs    x13, x13, #1
        csel    x15, x17, xzr, ne
        quad8
        b.ne    .Ltap8
.Lstore8:
        .irp    frame, 0, 1, 2, 3, 4, 5, 6, 7
        store8  %(16 + 2 * \frame), %(17 + 2 * \frame)
        .endr
        subs    x26, x26, #1
        b.ne    .Ltile8
        leave
.Lfew8:
        choose  x10, .Lfew8_1, .Lfew8_2, .Lfew8_3, .Lfew8_4
.Lfew8_1:
        few8_taps 1, .Lstore8
.Lfew8_2:
        few8_taps 2, .Lstore8
.Lfew8_3:
        few8_taps 3, .Lstore8
.Lfew8_4:
        few8_taps 4, .Lstore8
        .size   nampedal_neon_tiles8, . - nampedal_neon_tiles8

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
        .global nampedal_neon_tiles4
        .hidden nampedal_neon_tiles4
        .type   nampedal_neon_tiles4, %function
nampedal_neon_tiles4:
        enter
.Ltile4:
        cbz     x3, .Lbias4
        ldr     q0, [x27]
        .irp    sum, 16, 17, 18, 19, 20, 21, 22, 23
        load_add4 \sum
        .endr
        .irp    sum, 16, 17, 18, 19, 20, 21, 22, 23
        start4  \sum
        .endr
        b       .Lmix4
.Lbias4:
        ldr     q16, [x27]
        .irp    sum, 17, 18, 19, 20, 21, 22, 23
        copy    \sum, 16
        .endr
.Lmix4:
        cbz     x28, .Lconv4
        mov     x11, x5
        mov     x12, x6
        add     x5, x5, #128
        choose  x28, .Lmix4_1, .Lmix4_2, .Lmix4_3, .Lmix4_4
.Lmix4_2:
        mix4    2, .Lconv4
.Lmix4_3:
        mix4    3, .Lconv4
.Lmix4_4:
        mix4    4, .Lconv4
.Lmix4_1:
        load_eight_rows
        ldr     q24, [x12]
        eight4  0
.Lconv4:
        mov     x11, x7
        ldr     x12, [x0, #88]
        mov     x13, x9
        add     x7, x7, x19, lsl #3
        cmp     x10, #4
        b.ls    .Lfew4
        ldp     q24, q25, [x12], #64
        ldp     q26, q27, [x12, #-32]
        .irp    frame, 0, 1, 2, 3, 4, 5, 6, 7
        load_row \frame
        .endr
.Ltap4:
        sub     x14, x16, #1
        mov     x15, #16
.Lquad4:
        quad4
        subs    x14, x14, #1
        b.ne    .Lquad4
        subs    x13, x13, #1
        csel    x15, x17, xzr, ne
        quad4
        b.ne    .Ltap4
.Lstore4:
        .irp    sum, 16, 17, 18, 19, 20, 21, 22, 23
        store4  \sum
        .endr
        subs    x26, x26, #1
        b.ne    .Ltile4
        leave
.Lfew4:
        choose  x10, .Lfew4_1, .Lfew4_2, .Lfew4_3, .Lfew4_4
.Lfew4_1:
        few4_taps 1, .Lstore4
.Lfew4_2:
        few4_taps 2, .Lstore4
.Lfew4_3:
        few4_taps 3, .Lstore4
.Lfew4_4:
        few4_taps 4, .Lstore4
        .size   nampedal_neon_tiles4, . - nampedal_neon_tiles4

        .section .note.GNU-stack, "", %progbits

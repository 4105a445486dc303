// Where neon_tiles.S finds the fields of NeonTiles, in bytes. For the assembler and the compiler alike: neon_tiles.h
// holds these against the structure itself.
#pragma once

// clang-format off
#define NAMPEDAL_TILES_OUT           0
#define NAMPEDAL_TILES_OUT_STRIDE    8
#define NAMPEDAL_TILES_BIAS         16
#define NAMPEDAL_TILES_ADD          24
#define NAMPEDAL_TILES_ADD_STRIDE   32
#define NAMPEDAL_TILES_MIX_IN       40
#define NAMPEDAL_TILES_MIX_WEIGHTS  48
#define NAMPEDAL_TILES_MIX_INPUTS   56
#define NAMPEDAL_TILES_IN           64
#define NAMPEDAL_TILES_IN_STRIDE    72
#define NAMPEDAL_TILES_TAP_STEP     80
#define NAMPEDAL_TILES_WEIGHTS      88
#define NAMPEDAL_TILES_TAPS         96
#define NAMPEDAL_TILES_INPUTS      104
#define NAMPEDAL_TILES_TILES       112
// clang-format on

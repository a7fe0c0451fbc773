/*
 * What kernels with AMX's tiles share: sizes, memory, and products of 32 rows and 32 columns.
 *
 * Nothing of it is there by other compilers than GCC from 11 on and for other processors than x86; TILES says whether it is.
 */
#ifndef TUNING_FORK_TILES_H_
#define TUNING_FORK_TILES_H_

#if defined(__x86_64__) && defined(__linux__) && !defined(__clang__) && __GNUC__ >= 11
#define TILES 1

#include <immintrin.h>

#include <cstdint>
#include <cstdlib>

/* Rows of a tile, and 32-bit numbers in one of its rows. */
constexpr int kTile = 16;
/* bfloat16 numbers in a row of a tile, which are multiplied in pairs. */
constexpr int kPairs = 32;
/* bfloat16 numbers in a tile. */
constexpr int kTileSize = kTile * kPairs;

inline int64_t Padded(int64_t n) { return (n + kPairs - 1) / kPairs * kPairs; }

inline __mmask32 FirstOf(int64_t n) {
  return n >= kPairs ? ~0u : n <= 0 ? 0u : (1u << n) - 1;
}

/* The first n of 16 numbers of 32 bits. */
inline __mmask16 Lanes(int64_t n) { return FirstOf(n) & 0xffff; }

// A function is put into those that may use as many instructions at least: each stands where it needs the fewest.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")

/* The lower or upper half of 32 bfloat16 numbers. */
inline __m512 Wide(__m512i x, int half) {
  const __m256i some = half == 0 ? _mm512_castsi512_si256(x) : _mm512_extracti64x4_epi64(x, 1);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(some), 16));
}

/* Some of 16 numbers. */
inline __m512 Load(const float *from, __mmask16 some) { return _mm512_maskz_loadu_ps(some, from); }
inline __m512 Load(const uint16_t *from, __mmask16 some) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(some, from)), 16));
}

/* 16 rows of 16 numbers of 32 bits, rows to columns. */
inline void Transpose(__m512i r[kTile]) {
  __m512i t[kTile];
  for (int i = 0; i < kTile; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < kTile; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < kTile; i += 8)
    for (int j = 0; j < 4; j++) {
      t[i + j] = _mm512_shuffle_i32x4(r[i + j], r[i + j + 4], 0x88);
      t[i + j + 4] = _mm512_shuffle_i32x4(r[i + j], r[i + j + 4], 0xdd);
    }
  for (int j = 0; j < 8; j++) {
    r[j] = _mm512_shuffle_i32x4(t[j], t[j + 8], 0x88);
    r[j + 8] = _mm512_shuffle_i32x4(t[j], t[j + 8], 0xdd);
  }
}

#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")

/* Some of 16 numbers, rounded where they have fewer digits. */
inline void Store(float *to, __mmask16 some, __m512 value) { _mm512_mask_storeu_ps(to, some, value); }
inline void Store(uint16_t *to, __mmask16 some, __m512 value) {
  _mm256_mask_storeu_epi16(to, some, (__m256i)_mm512_cvtneps_pbh(value));
}

#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16")

/*
 * Memory that a thread keeps from call to call, aligned for tiles. What is left in it of another call is multiplied, but not
 * into rows that anybody reads.
 */
class Scratch {
 public:
  ~Scratch() { std::free(memory_); }

  /* At least so many bytes; null where there are none. */
  char *Of(size_t bytes) {
    if (bytes > size_) {
      std::free(memory_);
      size_ = (bytes + 4095) / 4096 * 4096;
      memory_ = static_cast<char *>(std::aligned_alloc(64, size_));
      if (memory_ == nullptr) size_ = 0;
    }
    return memory_;
  }

 private:
  char *memory_ = nullptr;
  size_t size_ = 0;
};

/* Hands out memory part by part. */
class Parts {
 public:
  explicit Parts(char *at) : at_(at) {}
  uint16_t *Low(int64_t count) { return reinterpret_cast<uint16_t *>(Next(2 * count)); }
  float *Full(int64_t count) { return reinterpret_cast<float *>(Next(4 * count)); }

 private:
  char *Next(int64_t bytes) { return (at_ += bytes) - bytes; }
  char *at_;
};

/*
 * Rows of numbers to be summed over, as the second operand of a product: of each 16 rows and 32 numbers a tile, pairs of
 * numbers down, rows across. Tiles lie `across` elements apart for other rows, `down` for other numbers.
 */
inline void PackRows(const uint16_t *from, int64_t stride, int64_t rows, int64_t numbers, uint16_t *to, int64_t across,
                     int64_t down) {
  __m512i lines[kTile];
  for (int64_t n = 0; n < Padded(rows); n += kTile)
    for (int64_t c = 0; c < numbers; c += kPairs) {
      uint16_t *tile = to + n / kTile * across + c / kPairs * down;
      const __mmask32 some = FirstOf(numbers - c);
      for (int j = 0; j < kTile; j++)
        lines[j] = n + j < rows ? _mm512_maskz_loadu_epi16(some, from + (n + j) * stride + c)
                                : _mm512_setzero_si512();
      Transpose(lines);
      for (int j = 0; j < kTile; j++) _mm512_store_si512(tile + j * kPairs, lines[j]);
    }
}

/* Pairs of two rows of 32 numbers, side by side: of the first 16 columns, and of the last. */
struct PairOrder {
  alignas(64) uint16_t of[2][kPairs];
  PairOrder() {
    for (int j = 0; j < kTile; j++)
      for (int half = 0; half < 2; half++) {
        of[half][2 * j] = kTile * half + j;
        of[half][2 * j + 1] = kPairs + kTile * half + j;
      }
  }
};

/* The same of numbers in columns: of each 32 rows and 16 columns a tile, pairs of rows down, columns across. */
inline void PackColumns(const uint16_t *from, int64_t stride, int64_t rows, int64_t columns, uint16_t *to,
                        int64_t across, int64_t down) {
  static const PairOrder order;
  const __m512i low = _mm512_load_si512(order.of[0]), high = _mm512_load_si512(order.of[1]);
  for (int64_t n = 0; n < rows; n += kPairs)
    for (int64_t c = 0; c < columns; c += kPairs) {
      uint16_t *tile = to + n / kPairs * down + c / kTile * across;
      const __mmask32 some = FirstOf(columns - c);
      for (int j = 0; j < kTile; j++) {
        const int64_t row = n + 2 * j;
        const __m512i a = _mm512_maskz_loadu_epi16(row < rows ? some : 0, from + row * stride + c);
        const __m512i b = _mm512_maskz_loadu_epi16(row + 1 < rows ? some : 0, from + (row + 1) * stride + c);
        _mm512_store_si512(tile + j * kPairs, _mm512_permutex2var_epi16(a, low, b));
        _mm512_store_si512(tile + across + j * kPairs, _mm512_permutex2var_epi16(a, high, b));
      }
    }
}

/*
 * 32 rows of a times 32 columns of b, `count` tiles deep, into 32 rows of c. The tiles of b's columns lie `across`
 * elements apart, those below one another `down`. Without `both` the last 16 rows are left out. `a_next` is how many elements of
 * a lie between the first numbers of two steps.
 *
 * `meanwhile(i)` is called after each of the `count` steps: what it does takes no time while the tiles are at work.
 */
template <class Meanwhile>
inline __attribute__((always_inline)) void Multiply(const uint16_t *a, int64_t a_stride, const uint16_t *b,
                                                    int64_t across, int64_t down, int64_t count, bool both, float *c,
                                                    int64_t c_stride, Meanwhile meanwhile, int64_t a_next = kPairs) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t i = 0; i < count; i++, b += down) {
    _tile_loadd(4, a + i * a_next, a_stride * sizeof(*a));
    _tile_loadd(6, b, 2 * kPairs);
    _tile_loadd(7, b + across, 2 * kPairs);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    if (both) {
      _tile_loadd(5, a + kTile * a_stride + i * a_next, a_stride * sizeof(*a));
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
    meanwhile(i);
  }
  _tile_stored(0, c, c_stride * sizeof(*c));
  _tile_stored(1, c + kTile, c_stride * sizeof(*c));
  if (!both) return;
  _tile_stored(2, c + kTile * c_stride, c_stride * sizeof(*c));
  _tile_stored(3, c + kTile * c_stride + kTile, c_stride * sizeof(*c));
}

/* Eight tiles of 16 rows of 64 bytes, for as long as it lives; those of first operands and of results may have fewer rows. */
class Tiles {
 public:
  explicit Tiles(uint8_t rows = kTile) {
    alignas(64) const struct {
      uint8_t palette, start, reserved[14];
      uint16_t bytes[16];
      uint8_t rows[16];
    } config = {1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {rows, rows, rows, rows, rows, rows, kTile, kTile}};
    _tile_loadconfig(&config);
  }
  ~Tiles() { _tile_release(); }
};

#pragma GCC pop_options

#endif
#endif  // TUNING_FORK_TILES_H_

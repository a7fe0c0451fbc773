/*
 * The op TuningForkFilterGradient, for processors with AMX: the gradient of a convolution by its filter.
 *
 * For each place in the filter it is a product: what the filter saw there of each pixel, times the gradient of that pixel,
 * summed over pixels. oneDNN reaches a tenth of what the tiles are able to do where images are small. Here gradients are turned once,
 * so that pixels lie side by side, and images are brought into the order of tiles for each place.
 */
#include "register-op.h"
#include "tiles.h"

#ifdef TILES

#include "op-tensors.h"
#include "team.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16")

/* Lengths as the op's attribute lists them. */
struct Sizes {
  int64_t batch, height, width, in, down, across, rows, columns, out, stride, top, left;

  int64_t pixels() const { return batch * rows * columns; }
  int64_t places() const { return down * across; }
  /* Blocks of 32 channels of the image, for each place. */
  int64_t items() const { return places() * (in / kPairs); }
  /* Numbers of the result. */
  int64_t weights() const { return places() * in * out; }
};

/* Bytes of gradients that are turned together, and of sums that cores may have one copy each of. */
constexpr int64_t kCached = 512 * 1024, kCopies = 2 * 1024 * 1024;
/* Numbers of a block of the result. */
constexpr int64_t kBlock = kPairs * kPairs;

/*
 * An op, and how its work is shared: by pixels, each share with sums of its own, or, where there are so many sums that this
 * costs more than turning gradients more than once, by places and channels. The result depends on `shares` alone, not on who does them.
 */
struct Op {
  Sizes of;
  int64_t shares;

  bool by_pixels() const { return 4 * of.weights() <= kCopies; }
  int64_t copies() const { return by_pixels() ? shares : 1; }
  /* Pixels that are taken together. */
  int64_t chunk() const { return std::clamp<int64_t>(kCached / (2 * of.out) / kPairs * kPairs, 256, 4096); }
};

struct Call {
  const Op &op;
  const uint16_t *x, *dy;
  float *sums, *result;
  std::atomic<bool> room{true};
};

/* Some pixels, for all that is done with them. */
class Chunk {
 public:
  Chunk(const Op &op, Parts parts)
      : of_(op.of), most_(op.chunk()), turned_(parts.Low(most_ * of_.out)), packed_{parts.Low(most_ * kPairs), parts.Low(most_ * kPairs)},
        from_{std::vector<const uint16_t *>(most_), std::vector<const uint16_t *>(most_)}, nothing_(of_.in) {}

  static int64_t Bytes(const Op &op) { return 2 * op.chunk() * (op.of.out + 2 * kPairs); }

  /* Gradients of pixels from `first` on: of each 32 channels and 32 pixels two tiles, channels down and pixels across. */
  void Turn(const uint16_t *dy, int64_t first, int64_t count) {
    first_ = first, count_ = count;
    dy += first * of_.out;
    for (int64_t n = 0; n < count; n += kPairs)
      for (int64_t c = 0; c < of_.out; c += kPairs) {
        __m512i upper[kTile], lower[kTile];
        for (int j = 0; j < kTile; j++) {
          const int64_t row = n + 2 * j;
          const __m512i a = _mm512_maskz_loadu_epi16(row < count ? ~0u : 0, dy + row * of_.out + c);
          const __m512i b = _mm512_maskz_loadu_epi16(row + 1 < count ? ~0u : 0, dy + (row + 1) * of_.out + c);
          upper[j] = _mm512_permutex2var_epi16(a, low_, b);
          lower[j] = _mm512_permutex2var_epi16(a, high_, b);
        }
        Transpose(upper);
        Transpose(lower);
        uint16_t *tiles = turned_ + (c / kPairs * (Padded(count) / kPairs) + n / kPairs) * 2 * kTileSize;
        for (int j = 0; j < kTile; j++) {
          _mm512_store_si512(tiles + j * kPairs, upper[j]);
          _mm512_store_si512(tiles + kTileSize + j * kPairs, lower[j]);
        }
      }
  }

  /* Sums of products for some places and channels, added to what is there or in its place. */
  void Sum(const uint16_t *x, int64_t item, int64_t end, float *sums, bool add) {
    alignas(64) float block[kBlock];
    const int64_t deep = of_.in / kPairs, steps = Padded(count_) / kPairs, blocks = of_.out / kPairs;
    int64_t look = 0, turn = 0;
    Look(x, item / deep, from_[look].data());
    for (int64_t i = 0; i < steps; i++) Pack(look, item % deep, packed_[turn], i);
    for (; item < end; item++, turn ^= 1, sums += kPairs * of_.out) {
      // What comes next is packed while the tiles are at work.
      const int64_t next = item + 1;
      if (next < end && next % deep == 0) Look(x, next / deep, from_[look ^= 1].data());
      int64_t done = 0, due = next < end ? 0 : -steps * blocks;
      for (int64_t c = 0; c < blocks; c++) {
        float *to = sums + c * kBlock;
        const auto pack = [&](int64_t) {
          if (++due < blocks) return;
          due = 0;
          Pack(look, next % deep, packed_[turn ^ 1], done++);
        };
        Multiply(turned_ + c * steps * 2 * kTileSize, kPairs, packed_[turn], kTileSize, 2 * kTileSize, steps, true,
                 add ? block : to, kPairs, pack, 2 * kTileSize);
        if (add)
          for (int i = 0; i < kBlock; i += kTile)
            _mm512_store_ps(to + i, _mm512_add_ps(_mm512_load_ps(to + i), _mm512_load_ps(block + i)));
      }
    }
  }

 private:
  /* Where each pixel finds what the filter saw of it at a place. */
  void Look(const uint16_t *x, int64_t place, const uint16_t **from) {
    const int64_t down = place / of_.across - of_.top, across = place % of_.across - of_.left;
    // The columns at which the filter saw the image there.
    const int64_t some = of_.stride - 1 - across, all = of_.width - across + of_.stride - 1;
    const int64_t begin = std::max<int64_t>(0, some / of_.stride), end = std::max<int64_t>(begin, all / of_.stride);
    int64_t column = first_ % of_.columns, row = first_ / of_.columns % of_.rows, image = first_ / of_.columns / of_.rows;
    for (int64_t i = 0; i < count_; column = 0) {
      const int64_t h = row * of_.stride + down, stop = std::min(of_.columns, column + count_ - i);
      const bool inside = h >= 0 && h < of_.height;
      const uint16_t *line = x + ((image * of_.height + h) * of_.width + across) * of_.in;
      for (int64_t w = column; w < stop; w++, i++)
        from[i] = inside && w >= begin && w < end ? line + w * of_.stride * of_.in : nothing_.data();
      if (++row == of_.rows) row = 0, image++;
    }
    std::fill(from + count_, from + Padded(count_), nothing_.data());
  }

  /* 32 channels of 32 pixels, in the order of tiles. */
  void Pack(int64_t look, int64_t channels, uint16_t *to, int64_t step) const {
    const uint16_t *const *from = from_[look].data() + step * kPairs;
    uint16_t *tile = to + step * 2 * kTileSize;
    for (int j = 0; j < kTile; j++) {
      const __m512i a = _mm512_loadu_si512(from[2 * j] + channels * kPairs);
      const __m512i b = _mm512_loadu_si512(from[2 * j + 1] + channels * kPairs);
      _mm512_store_si512(tile + j * kPairs, _mm512_permutex2var_epi16(a, low_, b));
      _mm512_store_si512(tile + kTileSize + j * kPairs, _mm512_permutex2var_epi16(a, high_, b));
    }
  }

  const PairOrder order_;
  const __m512i low_ = _mm512_load_si512(order_.of[0]), high_ = _mm512_load_si512(order_.of[1]);
  const Sizes &of_;
  const int64_t most_;
  uint16_t *const turned_, *const packed_[2];
  std::vector<const uint16_t *> from_[2];
  const std::vector<uint16_t> nothing_;
  int64_t first_ = 0, count_ = 0;
};

/* One share of the work. */
void Share(void *what, int share, int) {
  auto &call = *static_cast<Call *>(what);
  static thread_local Scratch scratch;
  const Op &op = call.op;
  const Sizes &of = op.of;
  const auto part = [&](int64_t all) { return std::pair{all * share / op.shares, all * (share + 1) / op.shares}; };
  const int64_t most = op.chunk();
  const auto pixels = op.by_pixels() ? part(of.pixels()) : std::pair{int64_t{0}, of.pixels()};
  const auto items = op.by_pixels() ? std::pair{int64_t{0}, of.items()} : part(of.items());
  if (items.first == items.second) return;
  float *sums = call.sums + (op.by_pixels() ? share * of.weights() : items.first * kPairs * of.out);
  if (pixels.first == pixels.second) std::memset(sums, 0, 4 * of.weights());
  char *memory = scratch.Of(Chunk::Bytes(op));
  if (memory == nullptr) return call.room.store(false);
  Chunk chunk(op, Parts(memory));
  const Tiles tiles;
  for (int64_t first = pixels.first; first < pixels.second; first += most) {
    chunk.Turn(call.dy, first, std::min(most, pixels.second - first));
    chunk.Sum(call.x, items.first, items.second, sums, first > pixels.first);
  }
}

/* Sums of some places and channels, added up in order and brought into the filter's. */
void Finish(void *what, int part, int parts) {
  const Call &call = *static_cast<const Call *>(what);
  const Sizes &of = call.op.of;
  const int64_t items = of.items(), copies = call.op.copies();
  for (int64_t i = items * part / parts; i < items * (part + 1) / parts; i++)
    for (int64_t c = 0; c < of.out; c += kTile)
      for (int64_t d = 0; d < kPairs; d += kTile) {
        const float *from = call.sums + i * kPairs * of.out + c / kPairs * kBlock + c % kPairs * kPairs + d;
        __m512 rows[kTile];
        for (int j = 0; j < kTile; j++) {
          rows[j] = _mm512_load_ps(from + j * kPairs);
          for (int64_t k = 1; k < copies; k++)
            rows[j] = _mm512_add_ps(rows[j], _mm512_load_ps(from + j * kPairs + k * of.weights()));
        }
        Transpose(reinterpret_cast<__m512i *>(rows));
        for (int j = 0; j < kTile; j++) _mm512_storeu_ps(call.result + (i * kPairs + d + j) * of.out + c, rows[j]);
      }
}

#pragma GCC pop_options

void *Create(TF_OpKernelConstruction *construction) {
  auto *op = new Op();
  int64_t sizes[12] = {};
  OpAttributes attributes(construction);
  attributes.Get("sizes", &sizes);
  attributes.Get("threads", &op->shares);
  std::memcpy(&op->of, sizes, sizeof sizes);
  return op;
}

void Compute(void *kernel, TF_OpKernelContext *context) {
  static thread_local Scratch scratch;
  const Op &op = *static_cast<Op *>(kernel);
  const Sizes &of = op.of;
  TF_Status *status = TF_NewStatus();
  TF_Tensor *x = nullptr, *dy = nullptr, *result = nullptr;
  TF_GetInput(context, 0, &x, status);
  if (TF_GetCode(status) == TF_OK) TF_GetInput(context, 1, &dy, status);
  if (TF_GetCode(status) == TF_OK &&
      (of.in % kPairs != 0 || of.out % kPairs != 0 || TF_TensorElementCount(x) != of.batch * of.height * of.width * of.in ||
       TF_TensorElementCount(dy) != of.pixels() * of.out))
    TF_SetStatus(status, TF_INVALID_ARGUMENT, "TuningForkFilterGradient: an operand has another size");
  if (TF_GetCode(status) == TF_OK) {
    const int64_t shape[] = {of.down, of.across, of.in, of.out};
    result = TF_AllocateOutput(context, 0, TF_FLOAT, shape, 4, 4 * of.weights(), status);
  }
  if (TF_GetCode(status) == TF_OK) {
    auto *sums = reinterpret_cast<float *>(scratch.Of(4 * of.weights() * op.copies()));
    Call call = {op, static_cast<uint16_t *>(TF_TensorData(x)), static_cast<uint16_t *>(TF_TensorData(dy)), sums,
                 static_cast<float *>(TF_TensorData(result))};
    if (sums != nullptr) Team::Share(op.shares, op.shares, &Share, &call);
    if (sums == nullptr || !call.room)
      TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "TuningForkFilterGradient: no room to compute in");
    else Team::Share(op.shares, op.shares, &Finish, &call);
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
  for (TF_Tensor *tensor : {x, dy, result})
    if (tensor != nullptr) TF_DeleteTensor(tensor);
  TF_DeleteStatus(status);
}

void Delete(void *kernel) { delete static_cast<Op *>(kernel); }

const bool registered = Register({"TuningForkFilterGradient",
                                  {"x: bfloat16", "dy: bfloat16"},
                                  {"dw: float"},
                                  {"sizes: list(int)", "threads: int"},
                                  &Create,
                                  &Compute,
                                  &Delete});

}  // namespace

#endif

/*
 * The ops TuningForkCosineAttention and TuningForkCosineAttentionGradient, for processors with AMX: softmax(s cos(q, k) + b) v of
 * the heads of windows (Liu et al. 2022, arXiv:2111.09883, equation 2) in bfloat16, and its gradients. Queries, keys and values are
 * read where a linear layer has written them, and their gradients written likewise.
 *
 * With u = q / |q| and w = k / |k| the gradient by u is g = s dS w, and that by q what of it is across u: (g - u (u g)) / |q|; by k
 * alike. dS itself is the gradient by b, u dS w that by s.
 */
#include "attention-head-gradient.h"
#include "attention-head.h"
#include "unit-vectors.h"

#ifdef TILES

#include "op-tensors.h"
#include "team.h"

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16")

/* Windows of a head are summed over in two halves, each by one core, so that sums are the same by however many. */
constexpr int64_t kHalves = 2;

/* What an op keeps. */
struct Kept {
  int64_t heads = 1, threads = 1;
  /* Below this squared length a vector counts as zero. */
  float shortest = 0;
};

struct Call {
  int64_t heads, windows, tokens, size;
  /* `[windows, tokens, 3, heads, size]`, `[windows, tokens, heads, size]`. */
  const uint16_t *qkv, *dy;
  /* `[heads]`, `[heads, tokens, tokens]`, and `[masks, tokens, tokens]` where there are some. */
  const float *sharpness, *bias, *mask;
  int64_t masks;
  float shortest;
  uint16_t *y, *dqkv;
  /* By sharpness, and by the bias: of halves `[2, heads]`, `[2, heads, tokens, tokens]`. */
  double *dsharpness;
  float *dbias[kHalves];
  std::atomic<bool> failed{false};

  int64_t width() const { return heads * size; }
  int64_t Offset(int64_t window, int64_t head, int64_t which) const {
    return (window * tokens * 3 + which) * width() + head * size;
  }
};

/* Unit vectors and lengths of queries and keys, and gradients by these. */
struct Vectors {
  uint16_t *units[2], *gradients[2];
  float *inverse[2];

  static int64_t Bytes(const Call &t) { return 2 * 4 * Padded(t.tokens) * Padded(t.size) + 4 * 2 * Padded(t.tokens); }
  Vectors(const Call &t, Parts memory) {
    for (auto &of : {units, gradients})
      for (int i = 0; i < 2; i++) of[i] = memory.Low(Padded(t.tokens) * Padded(t.size));
    for (auto &of : inverse) of = memory.Full(Padded(t.tokens));
  }
};

/* The head of a window, whose queries and keys have length 1, and what makes scores of its cosines. */
struct WindowHead {
  const Call &call;
  const Vectors &vectors;
  int64_t window, head;

  OneHead Prepare() const {
    static const Dropout none;
    const uint16_t *values = call.qkv + call.Offset(window, head, 2);
    const uint16_t *dy = call.dy == nullptr ? nullptr : call.dy + window * call.tokens * call.width() + head * call.size;
    // Tokens lie too far apart for the processor to guess which come next.
    for (int64_t n = 0; n < call.tokens; n++) {
      for (int i = 0; i < 3; i++)
        _mm_prefetch(call.qkv + call.Offset(window, head, i) + 3 * n * call.width(), _MM_HINT_T0);
      if (dy != nullptr) _mm_prefetch(dy + n * call.width(), _MM_HINT_T0);
    }
    for (int i = 0; i < 2; i++)
      Normalize(call.qkv + call.Offset(window, head, i), 3 * call.width(), call.tokens, call.size, call.shortest,
                vectors.units[i], vectors.inverse[i]);
    return {{vectors.units[0], vectors.units[1], values, dy}, {call.size, call.size, 3 * call.width(), call.width()}, call.tokens,
            call.tokens, call.size, 1, &none, 0};
  }

  void operator()(int64_t query, float *scores) const {
    const int64_t tokens = call.tokens;
    const float *bias = call.bias + (head * tokens + query) * tokens;
    const float *mask = call.masks == 0 ? nullptr : call.mask + (window % call.masks * tokens + query) * tokens;
    const __m512 sharpness = _mm512_set1_ps(call.sharpness[head]);
    for (int64_t i = 0; i < tokens; i += kTile) {
      const __mmask16 some = Lanes(tokens - i);
      __m512 x = _mm512_fmadd_ps(_mm512_load_ps(scores + i), sharpness, Load(bias + i, some));
      if (mask != nullptr) x = _mm512_add_ps(x, Load(mask + i, some));
      _mm512_store_ps(scores + i, x);
    }
  }
};

/* Memory for so many bytes after those of vectors; null where there is none. */
char *Room(Call &call, Scratch &scratch, int64_t more) {
  char *at = scratch.Of(Vectors::Bytes(call) + more);
  if (at == nullptr) call.failed = true;
  return at;
}

/* Some of the heads of all windows. */
void SomeHeads(void *what, int part, int parts) {
  Call &call = *static_cast<Call *>(what);
  static thread_local Scratch scratch;
  char *at = Room(call, scratch, HeadBuffers::Bytes(call.tokens, call.size));
  if (at == nullptr) return;
  const Vectors vectors(call, Parts(at));
  HeadBuffers buffers(call.tokens, call.size, Parts(at + Vectors::Bytes(call)));
  const Tiles tiles;
  const int64_t all = call.windows * call.heads;
  for (int64_t i = all * part / parts; i < all * (part + 1) / parts; i++) {
    const WindowHead one = {call, vectors, i / call.heads, i % call.heads};
    AttendHead(one.Prepare(), call.y + (one.window * call.tokens * call.heads + one.head) * call.size, call.width(), buffers, one);
  }
}

/* The gradients of some heads, each over half of the windows. */
void SomeGradients(void *what, int part, int parts) {
  Call &call = *static_cast<Call *>(what);
  static thread_local Scratch scratch;
  char *at = Room(call, scratch, GradientBuffers::Bytes(call.tokens, call.tokens, call.size));
  if (at == nullptr) return;
  const Vectors vectors(call, Parts(at));
  const GradientBuffers buffers(call.tokens, call.tokens, call.size, Parts(at + Vectors::Bytes(call)));
  const Tiles tiles;
  const int64_t tokens = call.tokens, size = call.size, stride = 3 * call.width(), all = kHalves * call.heads;
  for (int64_t i = all * part / parts; i < all * (part + 1) / parts; i++) {
    const int64_t half = i / call.heads, head = i % call.heads;
    const float sharpness = call.sharpness[head];
    float *dbias = call.dbias[half] + head * tokens * tokens;
    std::fill_n(dbias, tokens * tokens, 0.f);
    double dsharpness = 0;
    for (int64_t n = call.windows * half / kHalves; n < call.windows * (half + 1) / kHalves; n++) {
      const WindowHead one = {call, vectors, n, head};
      uint16_t *to[3];
      for (int of = 0; of < 3; of++) to[of] = call.dqkv + call.Offset(n, head, of);
      HeadGradients(one.Prepare(), {{vectors.gradients[0], size}, {vectors.gradients[1], size}, {to[2], stride}}, buffers, one,
                    [&](int64_t query, const uint16_t *ds) {
                      float *sums = dbias + query * tokens;
                      for (int64_t j = 0; j < tokens; j += kTile) {
                        const __mmask16 some = Lanes(tokens - j);
                        _mm512_mask_storeu_ps(sums + j, some, _mm512_add_ps(Load(sums + j, some), Load(ds + j, some)));
                      }
                    });
      for (int of = 0; of < 2; of++) {
        const float along = Across(vectors.gradients[of], vectors.units[of], vectors.inverse[of], tokens, size, sharpness, to[of], stride);
        if (of == 0) dsharpness += along;
      }
    }
    call.dsharpness[i] = dsharpness;
  }
}

#pragma GCC pop_options

void *Create(TF_OpKernelConstruction *construction) {
  auto *kept = new Kept();
  OpAttributes attributes(construction);
  attributes.Get("heads", &kept->heads);
  attributes.Get("threads", &kept->threads);
  attributes.Get("shortest", &kept->shortest);
  return kept;
}

/* The operands of a call from `first` on: sharpness, bias and a mask where there is one. */
bool Read(const Kept &kept, OpTensors &tensors, int first, Call &call) {
  if (!tensors.ok()) return false;
  const int64_t last = TF_NumDims(tensors.in(0)) == 3 ? TF_Dim(tensors.in(0), 2) : 0;
  const int64_t tokens = last == 0 ? 0 : TF_Dim(tensors.in(0), 1), pairs = tokens * tokens, masks = tensors.Count(first + 2);
  call.heads = kept.heads, call.shortest = kept.shortest, call.windows = last == 0 ? 0 : TF_Dim(tensors.in(0), 0), call.tokens = tokens;
  call.size = last / 3 / kept.heads, call.qkv = tensors.Of<uint16_t>(0);
  call.sharpness = tensors.Of<float>(first), call.bias = tensors.Of<float>(first + 1), call.mask = tensors.Of<float>(first + 2);
  call.masks = pairs == 0 ? 0 : masks / pairs;
  const bool fits = pairs > 0 && call.windows > 0 && call.size > 0 && call.size * kept.heads * 3 == last &&
                    tensors.Count(first) == kept.heads && tensors.Count(first + 1) == kept.heads * pairs &&
                    masks == call.masks * pairs && (masks == 0 || call.windows % call.masks == 0) &&
                    (first == 1 || 3 * tensors.Count(1) == tensors.Count(0));
  if (!fits) tensors.Fail(TF_INVALID_ARGUMENT, "operands of a cosine attention do not fit together");
  return fits;
}

void Compute(void *kernel, TF_OpKernelContext *context) {
  const Kept &kept = *static_cast<Kept *>(kernel);
  OpTensors tensors(context);
  Call call{};
  if (!Read(kept, tensors, 1, call)) return;
  call.y = static_cast<uint16_t *>(tensors.Result(0, TF_BFLOAT16, {call.windows, call.tokens, call.width()}));
  if (call.y == nullptr) return;
  Team::Share(kept.threads, call.windows * call.heads, &SomeHeads, &call);
  if (call.failed) tensors.Fail(TF_RESOURCE_EXHAUSTED, "a cosine attention has no room to compute in");
}

void ComputeGradients(void *kernel, TF_OpKernelContext *context) {
  const Kept &kept = *static_cast<Kept *>(kernel);
  OpTensors tensors(context);
  Call call{};
  if (!Read(kept, tensors, 2, call)) return;
  const int64_t heads = call.heads, pairs = call.tokens * call.tokens;
  call.dy = tensors.Of<uint16_t>(1);
  call.dqkv = static_cast<uint16_t *>(tensors.Result(0, TF_BFLOAT16, {call.windows, call.tokens, 3 * call.width()}));
  auto *dsharpness = static_cast<float *>(tensors.Result(1, TF_FLOAT, {heads}));
  call.dbias[0] = static_cast<float *>(tensors.Result(2, TF_FLOAT, {heads, call.tokens, call.tokens}));
  if (call.dbias[0] == nullptr) return;
  Scratch scratch;
  char *at = scratch.Of(4 * heads * pairs + 8 * kHalves * heads);
  if (at != nullptr) {
    call.dsharpness = reinterpret_cast<double *>(at);
    call.dbias[1] = reinterpret_cast<float *>(at + 8 * kHalves * heads);
    Team::Share(kept.threads, kHalves * heads, &SomeGradients, &call);
  }
  if (at == nullptr || call.failed)
    return tensors.Fail(TF_RESOURCE_EXHAUSTED, "the gradients of a cosine attention have no room to be computed in");
  for (int64_t h = 0; h < heads; h++) dsharpness[h] = static_cast<float>(call.dsharpness[h] + call.dsharpness[heads + h]);
  for (int64_t i = 0; i < heads * pairs; i++) call.dbias[0][i] += call.dbias[1][i];
}

void Delete(void *kept) { delete static_cast<Kept *>(kept); }

const bool registered =
    Register({"TuningForkCosineAttention",
              {"qkv: T", "sharpness: float", "bias: float", "mask: M"},
              {"y: T"},
              {"T: {bfloat16}", "M: list({float}) >= 0", "heads: int", "threads: int", "shortest: float"},
              &Create, &Compute, &Delete}) &&
    Register({"TuningForkCosineAttentionGradient",
              {"qkv: T", "dy: T", "sharpness: float", "bias: float", "mask: M"},
              {"dqkv: T", "dsharpness: float", "dbias: float"},
              {"T: {bfloat16}", "M: list({float}) >= 0", "heads: int", "threads: int", "shortest: float"},
              &Create, &ComputeGradients, &Delete});

}  // namespace

#endif

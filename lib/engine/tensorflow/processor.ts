import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { UserError } from "../../core/errors";

/**
 * What the processor's vector instructions are good for, from least to most: 256 bits; 512 bits;
 * products of bfloat16 (AMD Zen 4); tiles of bfloat16 (Intel Sapphire Rapids). `other` is no x86.
 */
const LEVELS = ["other", "avx2", "avx512", "avx512_bf16", "amx_bf16"] as const;

/** One of {@link LEVELS}. */
export type Level = (typeof LEVELS)[number];

/** What is chosen by the processor when a graph is made. All such choices stand here. */
export interface Processor {
  /** Its vector instructions. */
  readonly level: Level;
  /** Whether it multiplies bfloat16 by itself. Without, `mixed_bfloat16` works and gains nothing. */
  readonly multipliesBfloat16: boolean;
  /**
   * Whether oneDNN has its kernels besides products in bfloat16: norms have one for AVX-512 only. It is not
   * forced, since TensorFlow refuses a kernel that the processor does not have.
   */
  readonly normalizesBfloat16: boolean;
  /** Whether a linear layer in bfloat16 is a 1 × 1 convolution, which uses AMX's tiles better. */
  readonly pointwiseProducts: boolean;
  /** Whether predictions leave it to oneDNN how weights lie in memory; that costs a copy of them. */
  readonly keepsWeights: boolean;
  /**
   * Whether SiLU, gates of channels, layer norms, batch norms in training, and, in float32, attention and 3 × 3 convolutions
   * with their gradients are kernels of our own, which need AVX512_BF16.
   */
  readonly packsBfloat16: boolean;
  /**
   * Whether attention, cosine attention, linear layers in predictions and gradients by filters are kernels of our own, which
   * compute with AMX's tiles.
   */
  readonly usesTiles: boolean;
  /** About how many operations of a product one core does in a second, for choosing threads. */
  readonly productSpeed: { readonly float32: number; readonly bfloat16: number };
  /** How many cores there are for this process. */
  readonly cores: number;
  /** How many parts of a batch are computed side by side, one core each; 1: one after another by all cores. */
  readonly parts: number;
}

/** What is chosen for an NVIDIA GPU, whose kernels are neither oneDNN's nor XLA's for processors. */
const GPU = {
  multipliesBfloat16: true,
  normalizesBfloat16: true,
  pointwiseProducts: false,
  keepsWeights: false,
  packsBfloat16: false,
  usesTiles: false,
  parts: 1,
} as const;

/** More parts are not made: each makes the graph longer. */
const MOST_PARTS = 8;

let onGpu = false;

/** Have graphs made for an NVIDIA GPU from now on, whatever the processor beside it. */
export function makeForGpu(): void {
  onGpu = true;
  known = undefined;
}

let known: { readonly forced: string | undefined; readonly processor: Processor } | undefined;

/**
 * The processor that TensorFlow's graphs are made for.
 *
 * `TUNING_FORK_PROCESSOR=avx2|avx512|avx512_bf16|amx_bf16|other` has choices made as for another one.
 *
 * @throws UserError for another name in that variable.
 */
export function processor(): Processor {
  const forced = process.env.TUNING_FORK_PROCESSOR;
  if (known === undefined || known.forced !== forced) {
    known = { forced, processor: processorOf(cpuFlags(), forced, onGpu) };
  }
  return known.processor;
}

/**
 * @param flags The instruction sets, as /proc/cpuinfo lists them.
 * @param forced A level to take instead; empty or nothing for the flags' own.
 * @param gpu Whether an NVIDIA GPU beside it computes.
 * @throws UserError when `forced` is no level.
 */
export function processorOf(flags: ReadonlySet<string>, forced?: string, gpu = false): Processor {
  const own = levelOf(flags);
  const level = forced === undefined || forced === "" ? own : levelNamed(forced);
  const cores = availableParallelism();
  const from = (least: Level, of = level) => LEVELS.indexOf(of) >= LEVELS.indexOf(least);
  return {
    level,
    multipliesBfloat16: from("avx512_bf16"),
    normalizesBfloat16: from("avx512") && from("avx512", own),
    pointwiseProducts: from("amx_bf16"),
    keepsWeights: from("avx512_bf16"),
    packsBfloat16: from("avx512_bf16"),
    usesTiles: from("amx_bf16"),
    productSpeed: {
      float32: from("avx512") ? 1e11 : 5e10,
      bfloat16: from("amx_bf16") ? 5e11 : from("avx512_bf16") ? 2e11 : 5e10,
    },
    cores,
    parts: from("avx512_bf16") ? Math.min(cores, MOST_PARTS) : 1,
    ...(gpu ? GPU : {}),
  };
}

/**
 * How many cores each op may have where so many parts of a batch are computed side by side: a share of all; one after
 * another, no more than `TF_NUM_INTRAOP_THREADS` says, if it is set.
 */
export function coresOfPart(parts: number, { cores } = processor()): number {
  const share = Math.max(1, Math.floor(cores / parts));
  const most = Math.floor(Number(process.env.TF_NUM_INTRAOP_THREADS));
  return parts === 1 && most >= 1 ? Math.min(share, most) : share;
}

/** What kernels of our own compute with tiles, and what those do that need AVX512_BF16 alone. */
const TILED = [
  "attention",
  "cosine attention",
  "linear layers in predictions",
  "gradients by filters",
];
const PACKED = [
  "SiLU",
  "gates of channels",
  "layer norms",
  "batch norms in training",
  "attention in float32",
  "3 × 3 convolutions in float32",
];

/** One line about the processor, for `doctor`. */
export function describeProcessor(processor: Processor): string {
  const { level, multipliesBfloat16, pointwiseProducts, keepsWeights, packsBfloat16, usesTiles } =
    processor;
  const { cores, parts } = processor;
  const own = [...(usesTiles ? TILED : []), ...(packsBfloat16 ? PACKED : [])];
  const chosen = [
    `mixed_bfloat16 ${multipliesBfloat16 ? "is faster than float32" : "works, and float32 is faster"}`,
    ...(pointwiseProducts ? ["its linear layers are 1 × 1 convolutions"] : []),
    ...(own.length > 0
      ? [`kernels of this library (of GCC 11 or newer at set-up): ${own.join(", ")}`]
      : []),
    ...(keepsWeights ? ["predictions keep a copy of the weights in oneDNN's order"] : []),
    ...(parts > 1
      ? [
          `long predictions and networks without batch norm that learn: ${parts} parts of a batch side by side`,
        ]
      : []),
    ...(cores > 1
      ? [
          `predictions of little work, such as of one image, take one core${usesTiles ? ", but for these kernels" : ""}`,
        ]
      : []),
  ];
  return `${level}: ${chosen.join("; ")}`;
}

function levelOf(flags: ReadonlySet<string>): Level {
  if (flags.has("amx_bf16")) return "amx_bf16";
  if (flags.has("avx512_bf16")) return "avx512_bf16";
  if (["avx512f", "avx512bw", "avx512dq", "avx512vl"].every((flag) => flags.has(flag)))
    return "avx512";
  return flags.has("avx2") ? "avx2" : "other";
}

function levelNamed(name: string): Level {
  const level = LEVELS.find((known) => known === name);
  if (level !== undefined) return level;
  throw new UserError(
    `TUNING_FORK_PROCESSOR is "${name}"; expected one of ${LEVELS.join(", ")}`,
    "unset it, or give one of these names",
  );
}

/** The flags of the first processor; none where the system does not list them. */
function cpuFlags(): ReadonlySet<string> {
  const path = "/proc/cpuinfo";
  const line = existsSync(path) ? /^flags\s*:(.*)$/m.exec(readFileSync(path, "utf8"))?.[1] : "";
  return new Set(line?.trim().split(/\s+/));
}

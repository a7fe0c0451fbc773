import type { TensorSource } from "../io/safetensors";

/** A pattern of the names in `transformers`, and timm's name; undefined drops the tensor. */
type Rule = readonly [pattern: RegExp, name: string | undefined];

const encoder: readonly Rule[] = [
  [/^embeddings\.cls_token$/, "cls_token"],
  [/^embeddings\.position_embeddings$/, "pos_embed"],
  [/^embeddings\.register_tokens$/, "reg_token"],
  [/^embeddings\.mask_token$/, undefined],
  [/^embeddings\.patch_embeddings\.projection\./, "patch_embed.proj."],
  [/^encoder\.layer\.(\d+)\./, "blocks.$1."],
  [/attention\.attention\.(query|key|value)\./, "attn.$1."],
  [/attention\.output\.dense\./, "attn.proj."],
  [/layernorm_before\./, "norm1."],
  [/layernorm_after\./, "norm2."],
  [/intermediate\.dense\./, "mlp.fc1."],
  [/^(blocks\.\d+\.)output\.dense\./, "$1mlp.fc2."],
  [/layer_scale(\d)\.lambda1$/, "ls$1.gamma"],
  [/^pooler\./, undefined],
  [/^layernorm\./, "norm."],
  [/^classifier\./, "head."],
];

const convnext: readonly Rule[] = [
  [/^embeddings\.patch_embeddings\./, "stem.0."],
  [/^embeddings\.layernorm\./, "stem.1."],
  [/^encoder\.stages\.(\d+)\.downsampling_layer\./, "stages.$1.downsample."],
  [/^encoder\.stages\.(\d+)\.layers\.(\d+)\./, "stages.$1.blocks.$2."],
  [/\.dwconv\./, ".conv_dw."],
  [/\.pwconv(\d)\./, ".mlp.fc$1."],
  [/\.layer_scale_parameter$/, ".gamma"],
  [/(blocks\.\d+)\.layernorm\./, "$1.norm."],
  [/^layernorm\./, "head.norm."],
  [/^classifier\./, "head.fc."],
];

const swinv2: readonly Rule[] = [
  [/relative_(coords_table|position_index)$/, undefined],
  [/^embeddings\.patch_embeddings\.projection\./, "patch_embed.proj."],
  [/^embeddings\.norm\./, "patch_embed.norm."],
  [/^encoder\.layers\.(\d+)\.downsample\./, "layers.$1+1.downsample."],
  [/^encoder\.layers\./, "layers."],
  [/attention\.self\.(query|key|value)\.weight/, "attn.$1.weight"],
  [/attention\.self\.(q|v)(?:uery|alue)\.bias/, "attn.$1_bias"],
  [/attention\.self\.continuous_position_bias_mlp\./, "attn.cpb_mlp."],
  [/attention\.self\.logit_scale/, "attn.logit_scale"],
  [/attention\.output\.dense\./, "attn.proj."],
  [/layernorm_before\./, "norm1."],
  [/layernorm_after\./, "norm2."],
  [/intermediate\.dense\./, "mlp.fc1."],
  [/(blocks\.\d+\.)output\.dense\./, "$1mlp.fc2."],
  [/^layernorm\./, "norm."],
  [/^classifier\./, "head.fc."],
];

const resnet: readonly Rule[] = [
  [/^embedder\.embedder\.convolution\./, "conv1."],
  [/^embedder\.embedder\.normalization\./, "bn1."],
  [/^encoder\.stages\.(\d+)\.layers\./, "layer$1+1."],
  [/shortcut\.convolution\./, "downsample.0."],
  [/shortcut\.normalization\./, "downsample.1."],
  [/\.layer\.(\d+)\.convolution\./, ".conv$1+1."],
  [/\.layer\.(\d+)\.normalization\./, ".bn$1+1."],
  [/^classifier\.1\./, "fc."],
];

const regnet: readonly Rule[] = [
  [/^embedder\.embedder\./, "stem."],
  [/^encoder\.stages\.(\d+)\.layers\.(\d+)\./, "s$1+1.b$2+1."],
  [/shortcut\./, "downsample."],
  [/layer\.2\.attention\.0\./, "se.fc1."],
  [/layer\.2\.attention\.2\./, "se.fc2."],
  [/layer\.0\./, "conv1."],
  [/layer\.1\./, "conv2."],
  [/layer\.3\./, "conv3."],
  [/\.convolution\./, ".conv."],
  [/\.normalization\./, ".bn."],
  [/^classifier\.1\./, "head.fc."],
];

/** The prefix of each family's names in `transformers`, and its table. */
const families: Readonly<Record<string, readonly Rule[]>> = {
  vit: encoder,
  dinov2: encoder,
  dinov2_with_registers: encoder,
  convnext,
  swinv2,
  resnet,
  regnet,
};

/**
 * See a checkpoint of `transformers` under timm's names: renamed, queries, keys and values joined.
 *
 * @returns undefined when the names are none of `transformers`' for ViT, DINOv2, ConvNeXt, Swin V2,
 * ResNet or RegNet. (CvT has its names here from `transformers`.)
 */
export function fromTransformers(source: TensorSource): TensorSource | undefined {
  const family = familyOf([...source.tensors.keys()]);
  if (family === undefined) return undefined;
  const parts = new Map<string, string[]>();
  for (const name of source.tensors.keys()) {
    const renamed = rename(name, family);
    if (renamed === undefined) continue;
    const joined = renamed.replace(/attn\.(query|key|value)\./, "attn.qkv.");
    parts.set(joined, [...(parts.get(joined) ?? []), name]);
  }
  const order = ["query", "key", "value"];
  const rank = (name: string) => order.findIndex((part) => name.includes(part));
  for (const names of parts.values()) names.sort((a, b) => rank(a) - rank(b));

  const shapeOf = (name: string) => source.tensors.get(name)?.shape ?? [];
  const tensors = new Map(
    [...parts].map(([name, names]) => {
      const [first, ...rest] = shapeOf(names[0]);
      return [
        name,
        { shape: names.length > 1 ? [first * names.length, ...rest] : shapeOf(names[0]) },
      ];
    }),
  );
  const read = (name: string) => join((parts.get(name) ?? [name]).map((part) => source.read(part)));
  const renamed = { name: source.name, metadata: source.metadata, tensors, read };
  return tensors.has("reg_token") ? withoutClassPosition(renamed) : renamed;
}

function familyOf(names: readonly string[]): string | undefined {
  for (const family of Object.keys(families)) {
    if (names.some((name) => name.startsWith(`${family}.`))) return family;
  }
  // A backbone that was saved alone has no prefix.
  if (names.some((name) => /^encoder\.layer\.\d+\.attention\.attention\./.test(name))) return "vit";
  return undefined;
}

function rename(name: string, family: string): string | undefined {
  let renamed = name.startsWith(`${family}.`) ? name.slice(family.length + 1) : name;
  for (const [pattern, to] of families[family]) {
    if (!pattern.test(renamed)) continue;
    if (to === undefined) return undefined;
    renamed = renamed.replace(pattern, to).replace(/(\d+)\+1/g, (_, n) => String(Number(n) + 1));
  }
  return renamed;
}

/**
 * With registers, timm gives the class token no position of its own: it holds the sum of both.
 */
function withoutClassPosition(source: TensorSource): TensorSource {
  const [, tokens, width] = source.tensors.get("pos_embed")?.shape ?? [];
  const tensors = new Map(source.tensors).set("pos_embed", { shape: [1, tokens - 1, width] });
  return {
    name: source.name,
    metadata: source.metadata,
    tensors,
    read(name) {
      const values = source.read(name);
      if (name === "pos_embed") return values.slice(width);
      if (name !== "cls_token") return values;
      const position = source.read("pos_embed");
      return values.map((value, i) => value + position[i]);
    },
  };
}

function join(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0];
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

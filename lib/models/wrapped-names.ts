import type { TensorSource } from "../io/safetensors";

/** What PyTorch, its compiler, Lightning and others put before the names of a model that they wrap. */
const WRAPPERS = ["module.", "_orig_mod.", "model.", "backbone."];

/**
 * See a state dict without the wrappers around its names: `module.` of DataParallel, `_orig_mod.` of
 * `torch.compile`, `model.` and `backbone.`, one inside another as well.
 *
 * @param isOwn Whether a name is one that the model itself uses; such a name stays.
 * @returns the source as it is where two names would become one
 */
export function withoutWrappers(
  source: TensorSource,
  isOwn: (name: string) => boolean,
): TensorSource {
  const original = new Map<string, string>();
  for (const name of source.tensors.keys()) original.set(unwrap(name, isOwn), name);
  if (original.size < source.tensors.size) return source;
  const entries = [...original].flatMap(([name, from]) => {
    const entry = source.tensors.get(from);
    return entry === undefined ? [] : [[name, entry] as const];
  });
  return {
    name: source.name,
    metadata: source.metadata,
    tensors: new Map(entries),
    read: (name) => source.read(original.get(name) ?? name),
  };
}

function unwrap(name: string, isOwn: (name: string) => boolean): string {
  if (isOwn(name)) return name;
  const wrapper = WRAPPERS.find((prefix) => name.startsWith(prefix));
  return wrapper === undefined ? name : unwrap(name.slice(wrapper.length), isOwn);
}

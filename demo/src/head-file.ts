import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "#lib/core/errors";
import type { TrainedHead } from "#lib/evaluate/linear-head";
import { encodeHeader, parseHeader } from "#lib/io/safetensors-header";
import { DESCRIPTION_KEY, readDescription } from "#lib/models/description";
import type { Model } from "#lib/models/module";
import { createModel } from "#lib/models/registry";
import { stateDict } from "#lib/models/state-dict";
import { current } from "./loaded-network";

/** The network with another head, as a safetensors file that `predict --weights` takes. */
export async function withHead(head: TrainedHead, outputs: readonly string[]): Promise<Blob> {
  const { model, manifest } = current();
  const own = createModel(model.name, { ...manifest.description, numClasses: outputs.length });
  try {
    for (const [name, { variable }] of model.parameters) {
      if (!isHead(model, name)) own.parameters.get(name)?.variable.assign(variable);
    }
    const { weight, bias } = head;
    const shape: [number, number] = [model.numFeatures, outputs.length];
    tf.tidy(() => {
      const at = (name: string) => own.parameters.get(`${model.classifier}.${name}`)?.variable;
      const matrix = tf.tensor2d(weight, shape);
      const stored = at("weight");
      const turned = stored?.shape[0] !== shape[0] || stored.shape[1] !== shape[1];
      stored?.assign(turned ? tf.transpose(matrix) : matrix);
      at("bias")?.assign(tf.tensor1d(bias));
    });
    const description = {
      ...manifest.description,
      numClasses: outputs.length,
      task: { task: "classification", loss: "crossEntropy", outputs },
    };
    const tensors = stateDict(own);
    const header = encodeHeader(tensors, { [DESCRIPTION_KEY]: JSON.stringify(description) });
    return new Blob([header, ...tensors.map((t) => t.read())] as BlobPart[]);
  } finally {
    own.dispose();
  }
}

/** The head and the answers of a file that {@link withHead} made of this network. */
export async function readHead(file: File) {
  const { model } = current();
  const bytes = new Uint8Array(await file.arrayBuffer());
  const { tensors, metadata } = parseHeader(file.name, bytes.length, (from, length) =>
    bytes.subarray(from, from + length),
  );
  const answers = readDescription(metadata, file.name)?.task?.outputs ?? [];
  const values = (name: string) => {
    const entry = tensors.get(name);
    if (entry?.dtype !== "F32") return undefined;
    return new Float32Array(bytes.slice(entry.offset, entry.offset + entry.bytes).buffer);
  };
  const other = stateDict(model).find(({ name, read }) => {
    const [own, there] = [read(), values(name)];
    return !isHead(model, name) && !own.every((value, i) => value === there?.[i]);
  });
  const [weight, bias] = ["weight", "bias"].map((name) => values(`${model.classifier}.${name}`));
  const width = model.numFeatures;
  const fits = weight?.length === answers.length * width && bias?.length === answers.length;
  if (other !== undefined || !fits || answers.length < 2) {
    throw new UserError(
      `${file.name} is no head on the network that is open here`,
      "open weights that this page saved, beside the same network",
    );
  }
  // From PyTorch's layout, a row for each answer.
  const turned = weight.map((_, i) => {
    const [feature, answer] = [Math.floor(i / answers.length), i % answers.length];
    return weight[answer * width + feature];
  });
  return { head: { weight: turned, bias }, answers };
}

const isHead = ({ classifier }: Model, name: string) => name.startsWith(`${classifier}.`);

import { openDataset } from "tuning-fork/data";
import { tf } from "tuning-fork/engine";
import { readPredictions } from "tuning-fork/evaluate";
import {
  attentionMaps,
  captureAttention,
  explain,
  gradCam,
  occlusion,
  pickGalaxies,
  readPicked,
  rollout,
  type SaliencyMaps,
} from "tuning-fork/explain";
import { createModel } from "tuning-fork/models";
import { expectType, type Same } from "./expect-type";

export async function calls() {
  const model = createModel("vit_base_patch16_224", { numClasses: 10 });
  const picked = pickGalaxies(await readPredictions("predictions.csv"), "mistake", 5);
  // @ts-expect-error: no such choice
  pickGalaxies(await readPredictions("predictions.csv"), "random");
  const pictures = await readPicked(await openDataset("synthetic"), picked);
  const maps = await explain(model, pictures, "rollout", [0, 1]);
  expectType<Same<typeof maps, SaliencyMaps>>();
  // @ts-expect-error: pictures carry their size
  await explain(model, pictures.pixels, "rollout");
  // @ts-expect-error: classes are numbers
  await explain(model, pictures, "rollout", "spiral");

  const images = tf.zeros<tf.Rank.R4>([1, 224, 224, 3]);
  gradCam(model, images, { target: 3, layer: "layer4.2", form: "grad-cam++" });
  // @ts-expect-error: no such form
  gradCam(model, images, { form: "score-cam" });
  // @ts-expect-error: a batch, not one image
  gradCam(model, tf.zeros<tf.Rank.R3>([224, 224, 3]));
  occlusion(model, images, { window: 16, stride: 8 });
  // @ts-expect-error: no such option
  occlusion(model, images, { size: 16 });
  const attention = captureAttention(model, images);
  rollout(attention, { fusion: "max", discard: 0.9 });
  // @ts-expect-error: no such way to join heads
  rollout(attention, { fusion: "median" });
  attentionMaps(attention.layers[0]);
  // @ts-expect-error: one layer's maps
  attentionMaps(attention);
  attention.dispose();
}

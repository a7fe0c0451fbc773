import { tf } from "tuning-fork/engine";
import {
  type Context,
  createModel,
  createPretrained,
  type Freeze,
  freeze,
  loadModel,
  type Model,
  modelDefinition,
  modelSummary,
  registerArchitecture,
  saveModel,
} from "tuning-fork/models";
import { expectType, type Same } from "./expect-type";

export async function calls() {
  const model = createModel("resnet50", { numClasses: 10, seed: 1, inputSize: [224, 224] });
  expectType<Same<typeof model, Model>>();
  // @ts-expect-error: how many outputs has to be said
  createModel("resnet50");
  // @ts-expect-error: timm's word is numClasses
  createModel("resnet50", { classes: 10 });
  // @ts-expect-error: height and width
  createModel("resnet50", { numClasses: 10, inputSize: 224 });

  const images = tf.zeros<tf.Rank.R4>([2, 224, 224, 3]);
  const logits = model.forward(images, { training: false });
  expectType<Same<typeof logits, tf.Tensor2D>>();
  model.forwardHead(
    model.forwardFeatures(images, { training: true }),
    { training: true },
    {
      preLogits: true,
    },
  );
  // @ts-expect-error: whether it trains has to be said
  model.forward(images, {});
  // @ts-expect-error: a batch has four dimensions
  model.forward(tf.zeros<tf.Rank.R3>([224, 224, 3]), { training: false });
  const look: Context = { training: false, hook: (name, value) => console.log(name, value.shape) };
  model.forward(images, look);
  // @ts-expect-error: a hook gives a tensor or nothing
  const wrong: Context = { training: false, hook: (name) => name.length };
  model.forward(images, wrong);

  expectType<Same<ReturnType<typeof registerArchitecture>, () => void>>();
  registerArchitecture({ my_resnet: modelDefinition("resnet50") });
  // @ts-expect-error: a network and what it is given stand in a definition
  registerArchitecture({ my_resnet: createModel("resnet50", { numClasses: 2 }) });

  expectType<Same<Freeze, number | "none" | "backbone">>();
  freeze(model, "backbone");
  freeze(model, 3);
  // @ts-expect-error: no such part
  freeze(model, "head");
  // @ts-expect-error: parameters are changed one by one
  model.parameters.set("fc.bias", undefined);
  // @ts-expect-error: the classifier is changed by resetClassifier
  model.numClasses = 5;
  model.resetClassifier(5);

  saveModel(model, "model.safetensors");
  const { model: again, description } = loadModel("model.safetensors");
  expectType<Same<typeof again, Model>>();
  description.preprocessing.mean.map((value) => value.toFixed(3));
  modelSummary(again).parameters.slice(0, 2);
  const pretrained = await createPretrained("resnet18", { numClasses: 10 });
  pretrained.model.dispose();
  // @ts-expect-error: what was loaded is said beside the model
  pretrained.dispose();
}

import { useState } from "preact/hooks";
import type { Pictures } from "#lib/predict/image-batch";
import { CropView, VIEW } from "./crop-view";
import { middle } from "./draw";
import { useLatest } from "./latest";
import type { ModelCard } from "./loaded-network";
import { network } from "./network";
import { Range } from "./range";
import { Answers, heading, likeliest } from "./ranking";
import { type SliderValues, sliders } from "./sliders";

/** Pixels of the made galaxy. */
const SIZE = 128;
const keys = Object.keys(sliders) as (keyof SliderValues)[];
const usual = Object.fromEntries(keys.map((key) => [key, sliders[key].value])) as SliderValues;

/** Turn a galaxy's properties and see the network's answer change with it. */
export function Make({ model }: { readonly model: ModelCard }) {
  const [values, setValues] = useState(usual);
  const [seed, setSeed] = useState(1);
  const [opacity, setOpacity] = useState(0);
  const [shown, setShown] = useState<{
    readonly picture: Pictures;
    readonly answers: Float64Array;
    readonly map?: ArrayLike<number>;
  }>();

  useLatest(async () => {
    const picture = await network.sliderGalaxy(values, seed, SIZE);
    const { answers } = await network.answer([picture]);
    const target = likeliest(model, answers);
    const seen = opacity > 0;
    const map = seen ? await network.look(picture, model.methods[0], target, VIEW / 2) : undefined;
    setShown({ picture, answers, map });
  }, [values, seed, opacity > 0]);

  return (
    <div class="columns three">
      <section aria-label="The galaxy">
        {shown ? (
          <CropView
            picture={shown.picture}
            crop={middle(shown.picture.size)}
            onCrop={() => {}}
            map={shown.map}
            opacity={opacity}
          />
        ) : (
          <div class="crop" />
        )}
        <Range
          label={`Overlay (${model.methods[0]})`}
          min={0}
          max={1}
          step={0.05}
          value={opacity}
          onInput={setOpacity}
        />
      </section>
      <section aria-label="Its properties">
        <h2>Make a galaxy</h2>
        {keys.map((key) => (
          <Range
            key={key}
            {...sliders[key]}
            value={values[key]}
            onInput={(value) => setValues({ ...values, [key]: value })}
          />
        ))}
        <div class="row">
          <button type="button" onClick={() => setSeed(seed + 1)}>
            Another like it
          </button>
          <button type="button" onClick={() => setValues(usual)}>
            Start again
          </button>
        </div>
      </section>
      <section aria-label="What the network says" aria-live="polite">
        <h2>{heading(model, shown?.answers)}</h2>
        {shown && <Answers model={model} answers={shown.answers} />}
      </section>
    </div>
  );
}

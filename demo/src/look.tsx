import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { CropView, VIEW } from "./crop-view";
import { type Decoded, type Stretch, usualStretch } from "./decode";
import { type Crop, cut, drawMap, middle, save, toCanvas } from "./draw";
import { network, sentence } from "./network";
import { type Asked, type Looked, Opinion } from "./opinion";
import { Range } from "./range";

/** Pixels of a made galaxy: twice those of the network that ships with the page. */
const GALLERY_SIZE = 128;
const GALLERY = Array.from({ length: 8 }, (_, i) => 101 + i);

/** A picture with its name, and its file where it can be stretched anew. */
interface Source {
  readonly name: string;
  readonly picture: Decoded;
  readonly file?: File;
}

/** Drop, paste or pick a galaxy; see its classes and what each network looked at. */
export function Look({
  asked,
  engine,
}: {
  readonly asked: readonly Asked[];
  readonly engine: string;
}) {
  const [source, setSource] = useState<Source>();
  const [crop, setCrop] = useState<Crop>();
  const [stretch, setStretch] = useState<Stretch>(usualStretch);
  const [looked, setLooked] = useState<readonly (Looked | undefined)[]>([]);
  const [over, setOver] = useState(0);
  const [opacity, setOpacity] = useState(0.6);
  const [problem, setProblem] = useState("");
  const picker = useRef<HTMLInputElement>(null);
  const part = useMemo(() => source && crop && cut(source.picture, crop), [source, crop]);
  const map = looked[over]?.map;

  const show = async (next: Source) => {
    setProblem("");
    setCrop(middle(next.picture.size, await network.usualSide(next.picture.size)));
    setSource(next);
  };
  const open = async (files: Iterable<File>) => {
    const [file] = files;
    if (file === undefined) return;
    try {
      await show({ name: file.name, picture: await network.decode(file, stretch), file });
    } catch (error) {
      setProblem(sentence(error));
    }
  };
  const make = async (seed: number) => {
    await show({ name: `made-${seed}`, picture: await network.galaxy(seed, GALLERY_SIZE) });
  };

  // The whole page takes what is dropped or pasted.
  useEffect(() => {
    const drop = (event: DragEvent) => {
      event.preventDefault();
      open(event.dataTransfer?.files ?? []);
    };
    const over = (event: DragEvent) => event.preventDefault();
    const paste = (event: ClipboardEvent) => open(event.clipboardData?.files ?? []);
    addEventListener("drop", drop);
    addEventListener("dragover", over);
    addEventListener("paste", paste);
    return () => {
      removeEventListener("drop", drop);
      removeEventListener("dragover", over);
      removeEventListener("paste", paste);
    };
  });
  useEffect(() => void make(GALLERY[0]), []);

  const restretch = async (next: Stretch) => {
    setStretch(next);
    if (source?.file === undefined) return;
    try {
      setSource({ ...source, picture: await network.decode(source.file, next) });
    } catch (error) {
      setProblem(sentence(error));
    }
  };

  return (
    <div class="columns">
      <section aria-label="The picture">
        {source && crop ? (
          <CropView
            picture={source.picture}
            crop={crop}
            onCrop={setCrop}
            map={map}
            opacity={opacity}
          />
        ) : (
          <div class="crop" />
        )}
        <div class="row">
          <button type="button" class="main" onClick={() => picker.current?.click()}>
            Open a picture …
          </button>
          <button
            type="button"
            disabled={source === undefined}
            onClick={() => source && setCrop(middle(source.picture.size))}
          >
            All of it
          </button>
          <input
            ref={picker}
            type="file"
            hidden
            aria-label="A picture"
            accept="image/*,.fits,.fit,.fts,.gz"
            onChange={({ currentTarget }) => {
              open(currentTarget.files ?? []);
              currentTarget.value = "";
            }}
          />
        </div>
        <p class="hint">
          Or drop or paste one anywhere: PNG, JPEG, WebP, FITS. It stays in this browser.
        </p>
        {problem && (
          <p role="alert" class="problem">
            {problem}
          </p>
        )}
        {source?.picture.fitsPlanes !== undefined && (
          <StretchControls
            planes={source.picture.fitsPlanes}
            stretch={stretch}
            onChange={restretch}
          />
        )}
        <Gallery onPick={make} />
      </section>
      <div class="opinions">
        {asked.map((one, i) => (
          <Opinion
            key={i}
            {...one}
            picture={part}
            source={source}
            name={asked.length > 1 ? `network ${i + 1}` : undefined}
            onLooked={(found, chosen) => {
              setLooked((before) => asked.map((_, j) => (j === i ? found : before[j])));
              if (chosen) setOver(i);
            }}
          />
        ))}
        <section aria-label="What is shown and kept">
          <Range label="Overlay" min={0} max={1} step={0.05} value={opacity} onInput={setOpacity} />
          <div class="row">
            <button
              type="button"
              disabled={!source || !map}
              onClick={() => source && crop && savePicture(source, crop, map, opacity)}
            >
              Save PNG
            </button>
            <button
              type="button"
              disabled={!source || asked.some((_, i) => looked[i] === undefined)}
              onClick={() => {
                if (!source) return;
                const said = asked.map(({ model }, i) => {
                  const { architecture, task, calibrated, outputs } = model;
                  const named = outputs.map((name, o) => [name, looked[i]?.answers[o]]);
                  const answers = Object.fromEntries(named);
                  return { answers, model: { architecture, task, calibrated } };
                });
                const [first, ...others] = said;
                const result = { picture: source.name, crop, ...first, engine };
                const json = others.length === 0 ? result : { ...result, others };
                const text = `${JSON.stringify(json, null, 2)}\n`;
                save(`${source.name}.json`, text, "application/json");
              }}
            >
              Save JSON
            </button>
          </div>
        </section>
      </div>
    </div>
  );
}

function StretchControls(props: {
  readonly planes: number;
  readonly stretch: Stretch;
  readonly onChange: (stretch: Stretch) => void;
}) {
  const { planes, stretch, onChange } = props;
  const set = (key: keyof Stretch) => (value: number) =>
    onChange({ ...stretch, legacy: false, [key]: value });
  return (
    <fieldset>
      <legend>Stretch (Lupton)</legend>
      {planes === 3 && (
        <label class="check">
          <input
            type="checkbox"
            checked={stretch.legacy}
            onChange={({ currentTarget }) =>
              onChange({ ...stretch, legacy: currentTarget.checked })
            }
          />
          as the Legacy Survey draws g, r, z
        </label>
      )}
      <Range
        label="Black"
        min={-3}
        max={5}
        step={0.1}
        value={stretch.black}
        onInput={set("black")}
      />
      <Range
        label="Width"
        min={-1}
        max={4}
        step={0.05}
        value={stretch.stretch}
        onInput={set("stretch")}
      />
      <Range label="Softening Q" min={0} max={30} step={0.5} value={stretch.Q} onInput={set("Q")} />
    </fieldset>
  );
}

function Gallery({ onPick }: { readonly onPick: (seed: number) => void }) {
  const [urls, setUrls] = useState<string[]>([]);
  useEffect(() => {
    (async () => {
      for (const seed of GALLERY) {
        const url = toCanvas(await network.galaxy(seed, 64)).toDataURL();
        setUrls((before) => [...before, url]);
      }
    })();
  }, []);
  return (
    <>
      <h3>Made galaxies</h3>
      <div class="gallery">
        {GALLERY.map((seed, i) => (
          <button
            type="button"
            key={seed}
            aria-label={`Made galaxy ${i + 1}`}
            onClick={() => onPick(seed)}
          >
            {urls[i] && <img src={urls[i]} alt="" width="64" height="64" />}
          </button>
        ))}
        <button type="button" onClick={() => onPick(Math.floor(Math.random() * 1e6))}>
          another
        </button>
      </div>
    </>
  );
}

function savePicture(
  { name, picture }: Source,
  { left, top, side }: Crop,
  map: ArrayLike<number> | undefined,
  opacity: number,
): void {
  const canvas = document.createElement("canvas");
  canvas.width = 2 * VIEW;
  canvas.height = VIEW;
  const context = canvas.getContext("2d");
  if (context === null) return;
  for (const x of [0, VIEW]) {
    context.drawImage(toCanvas(picture), left, top, side, side, x, 0, VIEW, VIEW);
  }
  if (map) {
    const layer = document.createElement("canvas");
    drawMap(layer, map);
    context.globalAlpha = opacity;
    context.drawImage(layer, VIEW, 0, VIEW, VIEW);
  }
  canvas.toBlob((blob) => blob && save(`${name}.png`, blob));
}

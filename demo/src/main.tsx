import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Batch } from "./batch";
import { Look } from "./look";
import { Make } from "./make";
import { network, openNetwork, progress, sentence } from "./network";
import type { Asked } from "./opinion";
import type { PageEngine } from "./start-engine";
import "./style.css";
import { Teach } from "./teach";
import { ThemeButton } from "./theme-button";

/** What the page can do; the address names one after `#`. */
const rooms = {
  look: { title: "Look", Room: Look },
  make: { title: "Make", Room: Make },
  teach: { title: "Teach", Room: Teach },
  batch: { title: "Batch", Room: Batch },
} as const;

type RoomName = keyof typeof rooms;

function roomOfAddress(): RoomName {
  const name = location.hash.slice(1);
  return Object.hasOwn(rooms, name) ? (name as RoomName) : "look";
}

/**
 * The page; `?engine=wasm` in the address asks for an engine, `?model=FOLDER/` for another model than its
 * own, `?compare=FOLDER/` for a second one, `?pictures=FOLDER/` for pictures that can be opened by a press.
 */
function App() {
  const [room, setRoom] = useState(roomOfAddress);
  const [engine, setEngine] = useState<PageEngine>();
  const [asked, setAsked] = useState<readonly Asked[]>([]);
  const [share, setShare] = useState(0);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    const change = () => setRoom(roomOfAddress());
    addEventListener("hashchange", change);
    progress.show = (done, total) => setShare(done / total);
    const start = async () => {
      const wanted = new URLSearchParams(location.search);
      const load = async (own: typeof network, folder: string) => {
        const started = await own.start(wanted.get("engine") ?? undefined);
        const model = await own.load(new URL(folder, location.href).href);
        setAsked((before) => [...before, { network: own, model }]);
        return started;
      };
      setEngine(await load(network, wanted.get("model") ?? "model/"));
      const other = wanted.get("compare");
      if (other !== null) await load(openNetwork(), other);
    };
    start().catch((error) => setProblem(sentence(error)));
    return () => removeEventListener("hashchange", change);
  }, []);

  const { Room } = rooms[room];
  const [first] = asked;
  return (
    <>
      <header>
        <h1>Tuning fork</h1>
        <nav aria-label="What to do">
          {Object.entries(rooms).map(([name, { title }]) => (
            <a key={name} href={`#${name}`} aria-current={name === room ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <span class="chip" title={engine?.passedOver.join("; ")} data-testid="engine">
          {engine?.name ?? "engine …"}
        </span>
        {asked.map(({ model }, i) => (
          <span key={i} class="chip" title={`${model.parameters} numbers`}>
            {model.architecture}, {model.inputSize.join(" × ")}
          </span>
        ))}
        <ThemeButton />
      </header>
      <main>
        {problem && (
          <p role="alert" class="problem">
            {problem}
          </p>
        )}
        {first && engine ? (
          <Room model={first.model} asked={asked} engine={engine.name} />
        ) : (
          !problem && (
            <p class="loading">
              <label>
                The network is loading … <progress value={share} />
              </label>
            </p>
          )
        )}
      </main>
      <footer>
        <p>
          Nothing leaves this browser. The network that comes with the page learned from simulated
          galaxies: try your own run by <code>npx tuning-fork demo --run RUN</code>.
        </p>
      </footer>
    </>
  );
}

const root = document.getElementById("app");
if (root !== null) {
  root.textContent = "";
  render(<App />, root);
}
if (import.meta.env.PROD) navigator.serviceWorker?.register("./offline.js").catch(() => {});

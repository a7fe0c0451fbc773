import type { Figure } from "../plots/figure";
import { resize } from "../plots/theme";
import { hasThumbnails, NOTEBOOK_THUMBNAILS } from "../plots/thumbnails";
import { inNotebook, type MimeBundle, newSlot, show } from "./display";

/** The media type under which JupyterLab and VS Code draw plotly figures. */
const PLOTLY = "application/vnd.plotly.v1+json";

/** No button that sends the figure's data to a server (plotly's default), and none that nobody needs. */
const CONFIG = {
  displaylogo: false,
  responsive: true,
  showSendToCloud: false,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"],
};

/** Pixels for output in JupyterLab in a window of 1280: a figure of a page's width would be cut off. */
const WIDEST = 840;

/** Two redraws a second are enough for a curve, and leave the browser and the training their time. */
const REDRAW_MS = 500;

/** Show an interactive figure below the cell; in a plain terminal, one line that describes it. */
export function showFigure(figure: Figure): void {
  show(figureBundle(figure));
  if (hasThumbnails(figure) && inNotebook()) {
    show({ "text/plain": "", "text/html": NOTEBOOK_THUMBNAILS });
  }
}

/** A figure that is redrawn in place. */
export interface LiveFigure {
  /** Draw this instead. Calls that come too fast are drawn later, the last one for sure. */
  update(figure: Figure): void;
  /** Draw now whatever waits. */
  finish(): void;
}

/**
 * A figure that changes while the cell runs: a loss curve during training. Its place is where it is made.
 *
 * In a plain terminal it says one line, at {@link LiveFigure.finish}.
 */
export function liveFigure(): LiveFigure {
  const slot = newSlot();
  const live = inNotebook();
  let waiting: Figure | undefined;
  let timer: NodeJS.Timeout | undefined;
  let drawnAt = Number.NEGATIVE_INFINITY;
  if (live) slot.show({ "text/plain": "", "text/html": "" });

  const draw = () => {
    clearTimeout(timer);
    timer = undefined;
    if (!waiting) return;
    const bundle = figureBundle(waiting);
    // JupyterLab's plotly renderer draws once and ignores what follows. Another form in between, of
    // the same height, makes JupyterLab begin a new one.
    if (live && drawnAt > 0) {
      const { height = 360 } = waiting.layout;
      const gap = `<div style="height:${Number(height)}px"></div>`;
      slot.show({ "text/plain": bundle["text/plain"], "text/html": gap });
    }
    slot.show(bundle);
    waiting = undefined;
    drawnAt = performance.now();
  };
  return {
    update(figure) {
      waiting = figure;
      if (!live) return;
      const wait = drawnAt + REDRAW_MS - performance.now();
      if (wait <= 0) draw();
      else timer ??= setTimeout(draw, wait);
    },
    finish: draw,
  };
}

/** What {@link showFigure} shows, in every form it has. */
export function figureBundle(figure: Figure): MimeBundle {
  const { data, layout } = Number(figure.layout.width) > WIDEST ? resize(figure, WIDEST) : figure;
  return {
    "text/plain": describeFigure(figure),
    [PLOTLY]: {
      data: plain(data),
      layout: plain(layout),
      config: CONFIG,
    },
  };
}

/** Typed arrays become JSON arrays, and NaN becomes null, which plotly leaves out. */
function plain(value: unknown): object {
  return JSON.parse(
    JSON.stringify(value, (_key, item: unknown) =>
      ArrayBuffer.isView(item) && !(item instanceof DataView)
        ? Array.from(item as Float64Array)
        : item,
    ),
  );
}

function describeFigure(figure: Figure): string {
  const { title } = figure.layout;
  const text = typeof title === "object" && title !== null && "text" in title ? title.text : title;
  const kinds = new Set(
    figure.data.map((trace) => ("type" in trace ? String(trace.type) : "scatter")),
  );
  const name = typeof text === "string" && text !== "" ? ` "${text.replace(/<[^>]*>/g, "")}"` : "";
  return `[figure${name}: ${[...kinds].join(", ")}]`;
}

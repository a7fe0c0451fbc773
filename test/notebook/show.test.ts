import { strict as assert } from "node:assert";
import fc from "fast-check";
import sharp from "sharp";
import { showAblation } from "#lib/notebook/ablate";
import { liveFigure, showFigure } from "#lib/notebook/figures";
import { showImages } from "#lib/notebook/images";
import { showTable } from "#lib/notebook/tables";
import { train } from "#lib/notebook/training";
import type { Experiment } from "#lib/train/experiment";
import { type Bundle, closeCell, openCell } from "./open-cell";

let shown: Bundle[] = [];

function html(): string {
  return String(shown[0]["text/html"]);
}

describe("what a cell shows", () => {
  beforeEach(() => {
    shown = openCell();
  });
  afterEach(closeCell);

  it("escapes whatever a table or a caption holds", async () => {
    const allowed = /<\/?(table|thead|tbody|tr|th|td|p|div|figure|figcaption|img|wbr)( [^<>]*)?>/g;
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", minLength: 1 }), async (text) => {
        shown = openCell();
        showTable({ [`${text}_`]: [text] }, { pictures: [text] });
        assert.doesNotMatch(html().replace(allowed, ""), /[<>]/);
        shown = openCell();
        await showImages(new Uint8Array(3), [1, 1], { captions: [text], width: 1 });
        const alt = /alt="([^"]*)" style/.exec(html());
        assert.ok(alt, html());
        assert.doesNotMatch(html().replace(allowed, ""), /[<>]/);
      }),
      { numRuns: 50 },
    );
  });

  it("writes the numbers of a column alike and says what it left out", () => {
    showTable({ n: ["a", "b", "c"], x: new Float64Array([0.5, 12.3456, Number.NaN]) }, { rows: 2 });
    assert.equal(shown[0]["text/plain"], "n       x\na  0.5000\n…\nc       –\n… 1 more of 3 rows");
    assert.match(html(), /<tr data-gap><td colspan="2">…<\/td><\/tr><tr><td [^>]*>c</);
  });

  it("shows a table whole up to 80 rows, and of a longer one the first rows and the last", () => {
    const count = (length: number, options = {}) => {
      shown = openCell();
      showTable({ n: Float64Array.from({ length }, (_, i) => i) }, options);
      return String(shown[0]["text/plain"]).split("\n").slice(1);
    };
    assert.equal(count(80).length, 80);
    const long = count(81);
    assert.deepEqual(long.slice(-4), ["18", "…", "80", "… 61 more of 81 rows"]);
    assert.deepEqual(count(3, { rows: 1 }), ["0", "… 2 more of 3 rows"]);
    // Pictures are of the first rows.
    const pictures = ["a", "b"];
    assert.deepEqual(count(3, { rows: 2, pictures }), ["0", "1", "… 1 more of 3 rows"]);
  });

  it("writes very large and very small numbers with their exponents, and never breaks one", () => {
    showTable({ large: [2.5e6, 1.5], p: [0.25, 2e-5], small: [3e-5, 2e-5] });
    assert.match(
      String(shown[0]["text/plain"]),
      /2\.500e\+6 {2}0\.2500 {2}3\.000e-5\n1\.500e\+0 {2}2\.0e-5 {2}2\.000e-5/,
    );
    assert.equal(html().match(/<td [^>]*white-space:nowrap/g)?.length, 6);
  });

  it("draws a figure anew by way of something else, without which JupyterLab keeps the first one", async () => {
    const figure = (y: number) => ({ data: [{ type: "bar", y: [y] }], layout: { height: 200 } });
    const live = liveFigure();
    live.update(figure(1));
    live.update(figure(2));
    live.update(figure(3));
    live.finish();
    const forms = shown.map((bundle) => {
      const drawn = bundle["application/vnd.plotly.v1+json"] as { data: [{ y: number[] }] };
      return drawn === undefined ? bundle["text/html"] : drawn.data[0].y[0];
    });
    // The second one waited for its turn, and the third took its place.
    assert.deepEqual(forms, ["", 1, '<div style="height:200px"></div>', 3]);
  });

  it("has one figure of all trainings of an ablation, of the one under way", () => {
    const shown = openCell();
    const { log } = console;
    console.log = () => {};
    const ablation = showAblation(2);
    const row = { epoch: 1, trainLoss: 1 };
    for (const [index, name] of ["small", "large"].entries()) {
      ablation.onTraining({ name, index, total: 2, state: "new", differences: [] });
      ablation.onEpoch(row, { epoch: [1, 2], trainLoss: [2 + index, 1 + index] });
    }
    ablation.finish();
    console.log = log;
    const drawn = shown.flatMap((bundle) => bundle["application/vnd.plotly.v1+json"] ?? []);
    const figures = drawn as { data: { y: number[] }[]; layout: { xaxis: { title: unknown } } }[];
    assert.deepEqual(
      figures.map(({ data }) => data[0].y),
      [
        [2, 1],
        [3, 2],
      ],
    );
    assert.match(JSON.stringify(figures[0].layout.xaxis.title), /Epoch \(small\)/);
    assert.match(JSON.stringify(figures[1].layout.xaxis.title), /Epoch \(large\)/);
    const places = shown.filter((bundle) => bundle["text/html"] === "");
    assert.equal(places.length, 1, "places of figures");
  });

  it("draws the curves of a run that was finished before", async () => {
    const history = { epoch: [1, 2], trainLoss: [1, 0.5] };
    const experiment = {
      state: () => ({ state: "finished", differences: [] }),
      train: async () => ({ history, bestEpoch: 2, seconds: 1, stoppedEarly: false }),
    };
    await train(experiment as unknown as Experiment);
    const [drawn] = shown.flatMap((bundle) => bundle["application/vnd.plotly.v1+json"] ?? []);
    const { data } = drawn as { data: { y: number[] }[] };
    assert.deepEqual(data[0].y, history.trainLoss);
  });

  it("takes a value that is not known, and still aligns the numbers right", () => {
    showTable({ metric: ["accuracy", "log loss"], value: [null, 0.25] });
    assert.equal(shown[0]["text/plain"], "metric     value\naccuracy       –\nlog loss  0.2500");
    showTable({ published: [null, null] });
    assert.equal(shown[1]["text/plain"], "published\n        –\n        –");
  });

  it("writes shares with as many decimals where one of them is 1", () => {
    showTable({ here: [0.953, 1], from: [0.9232, 0.8897] });
    assert.equal(shown[0]["text/plain"], "  here    from\n0.9530  0.9232\n1.0000  0.8897");
  });

  it("shows a picture beside each row, and refuses to leave one out", () => {
    const rows = { id: ["a", "b", "c"] };
    const pictures = ["data:image/png;base64,AA==", "data:image/png;base64,AB=="];
    showTable(rows, { rows: 2, pictures });
    assert.deepEqual(
      [...html().matchAll(/<tr><td><img src="([^"]*)"[^>]*><\/td><td[^>]*>(.)</g)].map((m) =>
        m.slice(1),
      ),
      [
        [pictures[0], "a"],
        [pictures[1], "b"],
      ],
    );
    assert.throws(() => showTable(rows, { pictures }), /2 pictures for 3 rows/);
  });

  it("refuses columns of different lengths", () => {
    assert.throws(() => showTable({ a: [1], b: [1, 2] }), /a: 1, b: 2/);
  });

  it("shows the pixels it was given", async () => {
    const red = [255, 0, 0];
    const blue = [0, 0, 255];
    const pixels = Uint8Array.from([red, blue].flatMap((c) => Array(64).fill(c).flat()));
    await showImages(pixels, [8, 8], { captions: ["red", "blue"] });
    const sources = [...html().matchAll(/src="data:image\/jpeg;base64,([^"]*)"/g)];
    const means = await Promise.all(
      sources.map(async ([, data]) => {
        const image = sharp(Buffer.from(data, "base64"));
        // Browsers enlarge better than files do.
        assert.equal((await image.metadata()).width, 8);
        const { channels } = await image.stats();
        return channels.map(({ mean }) => mean);
      }),
    );
    assert.equal(means.length, 2);
    for (const [mean, color] of [
      [means[0], red],
      [means[1], blue],
    ]) {
      color.forEach((value, i) => {
        assert.ok(Math.abs(mean[i] - value) < 4, `${mean} for ${color}`);
      });
    }
  });

  it("refuses pixels that are not whole images", async () => {
    await assert.rejects(showImages(new Uint8Array(10), [2, 2]), /10 values .* 2 × 2/);
    await assert.rejects(showImages(new Uint8Array(12), [2, 2], { captions: [] }), /0 captions/);
  });

  it("sends a figure as plain JSON, whatever arrays it is made of", () => {
    showFigure({
      data: [{ type: "bar", y: new Float32Array([1, Number.NaN]) }],
      layout: { title: { text: "<b>Classes</b>" } },
    });
    const figure = shown[0]["application/vnd.plotly.v1+json"] as {
      data: unknown;
      config: { showSendToCloud: boolean };
    };
    assert.equal(figure.config.showSendToCloud, false);
    assert.deepEqual(figure.data, [{ type: "bar", y: [1, null] }]);
    assert.equal(shown[0]["text/plain"], '[figure "Classes": bar]');
  });

  it("shows a figure of a page's width whole", () => {
    showFigure({ data: [], layout: { width: 875, height: 500 } });
    const { layout } = shown[0]["application/vnd.plotly.v1+json"] as { layout: object };
    assert.deepEqual(layout, { width: 840, height: 480 });
  });
});

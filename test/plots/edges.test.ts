import assert from "node:assert/strict";
import { UserError } from "#lib/core/errors";
import { accuracyByColumn } from "#lib/evaluate/by-column";
import { createPredictions } from "#lib/evaluate/predictions";
import { evaluate } from "#lib/evaluate/summary";
import { accuracyCurve } from "#lib/plots/accuracy-curve";
import { attentionGrid } from "#lib/plots/attention-grid";
import { augmentationSheet } from "#lib/plots/augmentation-sheet";
import { classDistribution } from "#lib/plots/class-distribution";
import { colorMap } from "#lib/plots/color-maps";
import { confusedPairs } from "#lib/plots/confused-pairs";
import { confusionMatrix } from "#lib/plots/confusion-matrix";
import { exampleDataset, examplePredictions, exampleVoteTable } from "#lib/plots/examples";
import { hexBins } from "#lib/plots/hex-bins";
import { panels } from "#lib/plots/panels";
import { pictureUris } from "#lib/plots/pictures";
import { type RunFigure, runCaption, runFigureRegistry, runFigures } from "#lib/plots/run-figures";
import { sampleGrid } from "#lib/plots/sample-grid";
import { scoreCurves } from "#lib/plots/score-curves";
import { trainingCurves } from "#lib/plots/training-curves";
import { votePosterior } from "#lib/plots/vote-posterior";

type Traces = readonly Record<string, unknown>[];

const one = createPredictions({
  classNames: ["smooth", "featured"],
  ids: ["a"],
  labels: Int32Array.of(0),
  probabilities: Float64Array.of(0.9, 0.1),
});

const legendX = ({ layout }: { layout: object }) => (layout as { legend: { x: number } }).legend.x;

describe("figures of little or odd data", () => {
  it("draw one right prediction", async () => {
    const figures = runFigures({ predictions: one, history: { epoch: [1], trainLoss: [2] } });
    for (const [name, { layout }] of Object.entries(figures)) {
      assert.ok((layout.height as number) > 50, name);
      assert.ok(!JSON.stringify(layout).includes("null"), name);
    }
    const pairs = await confusedPairs({ dataset: exampleDataset(), predictions: one });
    assert.match(JSON.stringify(pairs.layout), /No mistakes/);
    accuracyCurve({ model: accuracyByColumn(one, [3]) }, { title: "size (arcsec)" });
  });

  it("keep six series of the same values apart, and each bin's points together", () => {
    const bins = [14, 15, 17].map((median) => ({
      ...{ low: median - 0.5, high: median + 0.5, median, count: 10, correct: 8 },
      ...{ accuracy: 0.8, accuracyLow: 0.6, accuracyHigh: 0.9 },
    }));
    const models = Object.fromEntries(Array.from({ length: 6 }, (_, m) => [`model ${m}`, bins]));
    const { data } = accuracyCurve(models, { title: "magnitude" });
    const all = data.flatMap((trace) => (trace as { x: number[] }).x).sort((a, b) => a - b);
    const steps = all.slice(1).map((x, i) => x - all[i]);
    assert.ok(Math.min(...steps) > 0.1, `${all}`);
    for (const [b, { median }] of bins.entries()) {
      const own = all.slice(6 * b, 6 * b + 6);
      assert.ok(Math.abs(own.reduce((sum, x) => sum + x / 6, 0) - median) < 1e-9, `${own}`);
      assert.ok(
        bins.every((other) => own.every((x) => Math.abs(x - median) <= Math.abs(x - other.median))),
      );
    }
  });

  it("name curves below the plot in two columns, or in one where a name is long", () => {
    const legends = (name: string) => {
      const names = [name, "b", "c", "d"];
      const curves = Object.fromEntries(names.map((one) => [one, [{ x: 1, value: 0.5 }]]));
      const { data, layout } = scoreCurves(curves, { xTitle: "x", yTitle: "y" });
      const used = new Set((data as Traces).map(({ legend }) => legend));
      return [used.size, Number(layout.height)];
    };
    const [[two, low], [one, high]] = ["vit", "linformerWeighted (test_linformer)"].map(legends);
    assert.deepEqual([two, one, high - low], [2, 1, 34]);
  });

  it("have no tick at half a galaxy where few are counted", () => {
    const dtick = (values: number[]) => {
      const points = values.map((value, x) => ({ x, value }));
      const { layout } = scoreCurves({ found: points }, { xTitle: "x", yTitle: "y" });
      return (layout.yaxis as { dtick?: number }).dtick;
    };
    assert.deepEqual(
      [
        [10, 12],
        [0.5, 2],
        [1, 90],
      ].map(dtick),
      [1, undefined, undefined],
    );
  });

  it("show the loss of one epoch above 0, and no other epoch", () => {
    const { layout } = trainingCurves({ epoch: [1], trainLoss: [0.1], valLoss: [0.1] });
    const { xaxis, yaxis } = layout as Record<string, Record<string, unknown>>;
    assert.deepEqual([xaxis.tickvals, yaxis.rangemode], [[1], "nonnegative"]);
    const scores = trainingCurves({ epoch: [1], valKappa: [-0.1] }, { metrics: ["kappa"] });
    assert.equal(
      (scores.layout as typeof layout & { yaxis: typeof yaxis }).yaxis.rangemode,
      "normal",
    );
  });

  it("write the names of curves with one peak below each other", () => {
    const table = exampleVoteTable();
    const values = table.values.map(() => 1 / 3);
    const strengths = table.strengths?.map(() => 0.3);
    const { layout } = votePosterior({ table: { ...table, values, strengths }, row: 5 });
    const all = layout.annotations as { xref: string; yshift?: number; xanchor: string }[];
    const names = all.filter(({ yshift }) => yshift !== undefined);
    const axes = [...new Set(names.map(({ xref }) => xref))];
    const byAxis = axes.map((axis) => names.filter(({ xref }) => xref === axis));
    assert.ok(byAxis.some((labels) => labels.length > 2));
    for (const labels of byAxis) {
      const down = labels.map(({ yshift }) => -Number(yshift)).sort((a, b) => a - b);
      assert.ok(
        down.every((one, i) => i === 0 || one - down[i - 1] >= 12),
        `${down}`,
      );
    }
  });

  it("have splits in the order in which they are used, and colors at the ends beyond 0 and 1", () => {
    const table = { label: Int32Array.of(0, 0, 0, 0), split: ["unused", "test", "val", "train"] };
    const { data } = classDistribution({ classNames: ["smooth"], table });
    assert.deepEqual(
      (data as Traces).map(({ name }) => name),
      ["training", "validation", "test", "unused"],
    );
    const two = { label: Int32Array.of(0, 0), split: ["test", "train"] };
    assert.equal(legendX(classDistribution({ classNames: ["smooth"], table: two })), 0);
    const long = { classNames: ["completely round and smooth"], table };
    assert.ok(legendX(classDistribution(long)) < 0, "names over a narrow plot wrap");
    assert.deepEqual([...colorMap([-1, 2])], [...colorMap([0, 1])]);
  });

  it("show a loss on a logarithmic scale where one epoch towers over the others", () => {
    const loss = (valLoss: number[]) => {
      const history = { epoch: [1, 2, 3, 4], loss: [1.9, 1.1, 0.8, 0.6], valLoss };
      const { layout } = trainingCurves(history);
      return layout.yaxis as { type?: string; title: { text: string }; ticktext?: string[] };
    };
    const peak = loss([1.7, 20, 1, 0.7]);
    assert.deepEqual([peak.type, peak.title.text], ["log", "Loss (log scale)"]);
    assert.ok(peak.ticktext?.includes("0.3") && peak.ticktext.includes("10"), `${peak.ticktext}`);
    for (const usual of [
      [1.7, 2.3, 1, 0.7],
      [1.7, Number.NaN, 1, 0.7],
      [1.7, 20, 1, 0],
    ])
      assert.equal(loss(usual).type, undefined);
  });

  it("of a run are those that its tables suffice for, or those asked for by name", () => {
    const history = { epoch: [1], trainLoss: [2] };
    assert.deepEqual(Object.keys(runFigures({ history })), ["training-curves"]);
    assert.deepEqual(runFigures({ history: {} }), {});
    assert.equal(Object.keys(runFigures({ predictions: one })).length, 6);
    const { probabilities: _, ...classes } = one;
    assert.deepEqual(Object.keys(runFigures({ predictions: classes, history })), [
      ...["training-curves", "confusion-matrix", "confusion-matrix-counts", "per-class-bars"],
    ]);
    const unknown = { ...one, labels: Int32Array.of(-1) };
    assert.deepEqual(runFigures({ predictions: unknown }), {});
    const some = ["per-class-bars", "training-curves"];
    assert.deepEqual(
      Object.keys(runFigures({ predictions: one, history }, { figures: some })),
      some,
    );
    assert.throws(
      () => runFigures({ history }, { figures: ["pie"] }),
      /"pie" is no figure of a run/,
    );
  });

  it("of a run can be added to, with their caption", () => {
    const all = runFigureRegistry as Record<string, RunFigure>;
    const figure = { data: [], layout: {} };
    all.mine = { caption: ({ model }) => `Mine of ${model}.`, draw: () => figure };
    try {
      assert.equal(runFigures({}).mine, figure);
      const context = { model: "ViT", data: "d", galaxies: 1 };
      for (const name of Object.keys(all)) assert.match(runCaption(name, context), /ViT.*\.$/);
    } finally {
      delete all.mine;
    }
  });

  it("draw a class without galaxies, and places without pictures", async () => {
    const dataset = {
      classNames: ["smooth", "featured", "never seen"],
      table: { id: ["a", "b", "c"], label: [1, 0, 1] },
      imageSize: [2, 2] as const,
      read: async (rows: ArrayLike<number>) => new Uint8Array(rows.length * 12),
    };
    const { layout } = await sampleGrid(dataset, { perClass: 3 });
    assert.equal((layout.images as object[]).length, 3);
    const bars = classDistribution(dataset).data as Traces;
    assert.deepEqual(bars[0].x, [1, 2, 0]);
  });

  it("show the galaxies that were mistaken", async () => {
    const predictions = examplePredictions();
    const seen: number[] = [];
    const dataset = {
      ...exampleDataset(),
      read: async (rows: ArrayLike<number>) => {
        seen.push(...Array.from(rows));
        return new Uint8Array(rows.length * 64 * 64 * 3);
      },
    };
    await confusedPairs({ dataset, predictions }, { pairs: 2, perPair: 3 });
    assert.equal(seen.length, 6);
    const k = predictions.classNames.length;
    for (const row of seen) {
      const p = predictions.probabilities?.subarray(row * k, (row + 1) * k) ?? [];
      assert.ok(Math.max(...p) > p[predictions.labels[row]]);
    }
    const other = { ...dataset, table: { ...dataset.table, id: ["x"], label: [0] } };
    await assert.rejects(confusedPairs({ dataset: other, predictions }), /has no galaxy example-/);
  });

  it("read the columns of a history by name", () => {
    const history = {
      epoch: [1, 2],
      trainLoss: [2, 1],
      valLoss: [2, Number.NaN],
      val_accuracy: [0.4, 0.5],
      learningRate: [1, 1],
    };
    const all = trainingCurves(history).data as Traces;
    const traces = all.filter(({ name }) => name !== "best epoch: 1");
    assert.equal(all.length, traces.length + 2);
    assert.deepEqual(
      traces.map(({ name, yaxis }) => [name, yaxis]),
      [
        ["training", "y"],
        ["validation", "y"],
        ["validation", "y2"],
      ],
    );
    assert.deepEqual(
      traces.map(({ showlegend }) => showlegend),
      [true, true, false],
    );
    const seldom = trainingCurves({
      epoch: [1, 2, 3, 4],
      valMae: [Number.NaN, 0.2, Number.NaN, 0.1],
    });
    const [line] = seldom.data as Traces;
    assert.deepEqual(
      [line.x, line.y],
      [
        [2, 4],
        [0.2, 0.1],
      ],
    );
    assert.match(JSON.stringify(seldom.layout), /"MAE"/);
    assert.throws(() => trainingCurves({ epoch: [1], seconds: [3] }), /columns epoch, seconds/);
  });

  it("have no half epochs where a training was short", () => {
    const ticks = (length: number) => {
      const column = Array.from({ length }, (_, i) => i + 1);
      const { layout } = trainingCurves({ epoch: column, trainLoss: column });
      return (layout as { xaxis?: { dtick?: number } }).xaxis?.dtick;
    };
    assert.deepEqual([ticks(2), ticks(7), ticks(8)], [1, 1, undefined]);
  });

  it("count every galaxy once in hexagons", () => {
    const ids = Array.from({ length: 500 }, (_, i) => `g${i}`);
    const values = Float64Array.from(ids, (_, i) => ((i * 37) % 500) / 499);
    const other = Float64Array.from(ids, (_, i) => ((i * 91) % 500) / 499);
    const votes = (v: Float64Array) => ({ answers: ["smooth"], ids, values: v });
    const traces = hexBins({ predicted: votes(values), truth: votes(other) }).data as Traces;
    const counted = traces.find(({ mode, hovertemplate }) => mode === "markers" && hovertemplate);
    const counts = counted?.customdata as number[];
    assert.equal(
      counts.reduce((sum, n) => sum + n, 0),
      500,
    );
  });

  it("count a galaxy in the hexagon whose center is nearest, and none without votes", () => {
    const points = [
      [0.26, 0.26],
      [0.24, 0.02],
      [0.9, 0.8],
      [0.5, Number.NaN],
    ];
    const votes = (k: 0 | 1) => ({
      answers: ["smooth"],
      ids: points.map((_, i) => `g${i}`),
      values: Float64Array.from(points, (point) => point[k]),
    });
    const compared = { truth: votes(0), predicted: votes(1) };
    const traces = hexBins(compared, { across: 2 }).data as Traces;
    const { x, y, customdata } = traces.find(({ mode }) => mode === "markers") as {
      x: number[];
      y: number[];
      customdata: number[];
    };
    assert.deepEqual(customdata, [1, 1, 1]);
    // The two lattices: half a hexagon apart to the right, half a row upwards.
    const [w, h] = [1 / 2, Math.sqrt(3) / 2];
    const centers = [-1, 0, 1, 2, 3].flatMap((i) =>
      [-1, 0, 1, 2, 3].flatMap((j) => [
        [i * w, j * h],
        [(i + 0.5) * w, (j + 0.5) * h],
      ]),
    );
    points.slice(0, 3).forEach((point, i) => {
      const from = ([cx, cy]: readonly number[]) => Math.hypot(point[0] - cx, point[1] - cy);
      const least = Math.min(...centers.map(from));
      assert.ok(Math.abs(from([x[i], y[i]]) - least) < 1e-6, `galaxy ${i}`);
    });
    const centered = new Set(x.map((value) => (value / w) % 1 !== 0));
    assert.equal(centered.size, 2, "points of both lattices are among them");
  });

  it("label the x axis below the last facet of each column only", () => {
    const answers = ["a", "b", "c"];
    const votes = { answers, ids: ["g"], values: Float64Array.of(0.1, 0.2, 0.3) };
    const { layout } = hexBins({ predicted: votes, truth: votes });
    const axes = layout as Record<string, { showticklabels?: boolean }>;
    const labeled = ["xaxis", "xaxis2", "xaxis3"].map((name) => axes[name].showticklabels);
    assert.deepEqual(labeled, [false, true, true]);
    const left = ["yaxis", "yaxis2", "yaxis3"].map((name) => axes[name].showticklabels);
    assert.deepEqual(left, [true, false, true]);
  });

  it("never read a class name as markup", () => {
    const figure = confusionMatrix({
      perClass: [{ name: "<b>smooth</b>" }, { name: "a & b" }],
      confusion: [
        [1, 0],
        [0, 1],
      ],
    });
    assert.ok(!JSON.stringify(figure).includes("<b>"));
    assert.ok(JSON.stringify(figure).includes("a &amp; b"));
  });

  it("keep a second y axis apart from the next panel's", () => {
    const predictions = examplePredictions();
    const { "reliability-diagram": first, "roc-curves": second } = runFigures({ predictions });
    const axes = (figure: { layout: object }) =>
      Object.keys(figure.layout).filter((key) => /^[xy]axis/.test(key)).length;
    const { layout } = panels([second, first, second]);
    assert.equal(axes({ layout }), axes(first) + 2 * axes(second));
    const { yaxis3 } = layout as Record<string, { anchor: string }>;
    assert.equal(yaxis3.anchor, "x2", "the histogram shares its panel's x axis");
  });

  it("keep their axes apart as panels", () => {
    const history = { epoch: [1, 2], loss: [2, 1], accuracy: [0, 1] };
    const { data, layout } = panels([
      trainingCurves(history),
      confusionMatrix(evaluate(one)),
      trainingCurves(history),
    ]);
    const axes = (data as Traces).map(({ xaxis, yaxis }) => `${xaxis}${yaxis}`);
    assert.deepEqual(axes, ["xy", "x2y2", "x3y3", "x4y4", "x5y5"]);
    const { xaxis5, yaxis4, legend2, annotations } = layout as Record<string, never>;
    assert.equal((xaxis5 as { matches: string }).matches, "x4");
    assert.equal((yaxis4 as { anchor: string }).anchor, "x4");
    assert.ok(legend2);
    const letters = (annotations as { text: string }[]).map(({ text }) => text);
    assert.deepEqual(
      letters.filter((text) => /^<b>[a-z]<\/b>$/.test(text)),
      ["<b>a</b>", "<b>b</b>", "<b>c</b>"],
    );
  });

  it("refuse pixels and maps of the wrong size", async () => {
    await assert.rejects(pictureUris(new Uint8Array(10), [2, 2]), UserError);
    await assert.rejects(
      attentionGrid({ maps: [1, 2], mapSize: [2, 2], rowLabels: ["a"], columnLabels: ["b"] }),
      /2 values for 1 × 1 maps of 2 × 2/,
    );
    const images = { original: new Uint8Array(12), flipped: new Uint8Array(24) };
    await assert.rejects(
      augmentationSheet({ images, imageSize: [2, 2] }),
      /"flipped" has 2 images/,
    );
  });
});

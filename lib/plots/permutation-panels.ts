import type { PermutationTest } from "../evaluate/permutation-test";
import { facets } from "./facets";
import type { Figure } from "./figure";
import { plain } from "./text";
import { COLUMN, type FigureOptions, layoutOf, SMALL_TEXT, themeOf } from "./theme";

/**
 * What permutation tests found, a panel a test: bars show the statistic of samples that differ by chance
 * alone, the line that of the two samples.
 *
 * @param tests Name of the statistic → what `permutationTest` gives.
 */
export function permutationPanels(
  tests: Readonly<Record<string, PermutationTest>>,
  options: FigureOptions = {},
): Figure {
  const theme = themeOf(options);
  const names = Object.keys(tests);
  const [left, right, top, bottom, height, gap] = [44, 12, 20, 42, 110, 62];
  const grid = facets(names.length, 1, 0, gap / (names.length * height + (names.length - 1) * gap));
  const axes: Record<string, unknown> = {};
  const marks = names.map((name, i) => {
    const { statistic, pValue, permuted } = tests[name];
    const all = [...permuted, statistic];
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const margin = 0.06 * (high - low || 1);
    const bins = 24;
    const step = (high - low || 1) / bins;
    const counts = new Array<number>(bins).fill(0);
    for (const value of permuted) counts[Math.min(Math.floor((value - low) / step), bins - 1)]++;
    Object.assign(
      axes,
      grid[i].axes(
        theme,
        { title: plain(name), range: [low - margin, high + margin], nticks: 5 },
        { title: "Permutations", nticks: 4 },
      ),
    );
    return {
      bar: {
        type: "bar",
        x: counts.map((_, bin) => low + (bin + 0.5) * step),
        y: counts,
        width: step,
        ...grid[i].ref,
        hovertemplate: "%{x:.3g}: %{y}<extra></extra>",
        marker: { color: theme.palette[3] },
      },
      line: {
        type: "line",
        x0: statistic,
        x1: statistic,
        y0: 0,
        y1: 1,
        xref: grid[i].ref.xaxis,
        yref: `${grid[i].ref.yaxis} domain`,
        line: { color: theme.palette[2], width: 2 },
      },
      text: {
        text: `p ${pValue < 0.001 ? "< 0.001" : `= ${pValue.toPrecision(2)}`}`,
        x: statistic > (low + high) / 2 ? grid[i].x[1] - 0.03 : 0.03,
        y: grid[i].y[1],
        xref: "paper",
        yref: "paper",
        xanchor: statistic > (low + high) / 2 ? "right" : "left",
        yanchor: "bottom",
        showarrow: false,
        font: { size: SMALL_TEXT },
      },
    };
  });
  return {
    data: marks.map(({ bar }) => bar),
    layout: layoutOf(
      theme,
      {
        width: COLUMN,
        height: top + bottom + names.length * height + (names.length - 1) * gap,
        margin: { l: left, r: right, t: top, b: bottom },
      },
      {
        ...axes,
        bargap: 0,
        shapes: marks.map(({ line }) => line),
        annotations: marks.map(({ text }) => text),
      },
    ),
  };
}

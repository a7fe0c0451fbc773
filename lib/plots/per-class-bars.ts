import type { ClassScores } from "../evaluate/classification-scores";
import { axisOf, LINE_LEGEND, rowsAxis } from "./axes";
import type { Figure } from "./figure";
import { plain, twoLines, widest } from "./text";
import { type FigureOptions, layoutOf, TEXT, themeOf } from "./theme";

const METRICS = [
  ["precision", "precision"],
  ["recall", "recall"],
  ["f1", "F1"],
] as const;

/**
 * Precision, recall and F1 of each class.
 *
 * @param summary What `evaluate` gives, or a run's `metrics.json`.
 */
export function perClassBars(
  { perClass }: { readonly perClass: readonly (ClassScores & { readonly name: string })[] },
  options: FigureOptions = {},
): Figure {
  const theme = themeOf(options);
  const names = perClass.map(({ name }) => twoLines(name));
  const places = names.map((_, c) => c);
  return {
    data: METRICS.map(([key, title], m) => ({
      type: "bar",
      orientation: "h",
      name: title,
      x: perClass.map((scores) => scores[key]),
      y: places,
      width: 0.25,
      offset: 0.25 * m - 0.375,
      customdata: perClass.map(({ name, support }) => [plain(name), support]),
      hovertemplate: `%{customdata[0]}: ${title} %{x:.3f} (%{customdata[1]} galaxies)<extra></extra>`,
      marker: { color: theme.palette[m] },
    })),
    layout: layoutOf(
      theme,
      {
        height: names.length * 36 + 68,
        margin: { l: widest(names, TEXT) + 10, r: 12, t: 26, b: 42 },
        keepHeight: true,
      },
      {
        barmode: "overlay",
        showlegend: true,
        legend: LINE_LEGEND,
        xaxis: axisOf(theme, "Score", { range: [0, 1], grid: true, dtick: 0.2 }),
        yaxis: rowsAxis(theme, names),
      },
    ),
  };
}

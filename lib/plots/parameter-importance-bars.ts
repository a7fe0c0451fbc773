import { parameterImportance, type SweepTable } from "../evaluate/sweep-table";
import { axisOf, rowsAxis } from "./axes";
import type { Figure } from "./figure";
import { plain, widest } from "./text";
import { COLUMN, type FigureOptions, layoutOf, TEXT, themeOf } from "./theme";

/** How much of a sweep's scores each parameter explains by itself, the most on top: `parameterImportance`. */
export function parameterImportanceBars(table: SweepTable, options: FigureOptions = {}): Figure {
  const theme = themeOf(options);
  const importance = parameterImportance(table);
  const rows = table.parameters
    .map(({ name }, p) => ({ name: plain(name.split(".").at(-1) ?? name), share: importance[p] }))
    .sort((a, b) => (b.share || 0) - (a.share || 0));
  const names = rows.map(({ name }) => name);
  return {
    data: [
      {
        type: "bar",
        orientation: "h",
        x: rows.map(({ share }) => (Number.isFinite(share) ? share : null)),
        y: rows.map((_, row) => row),
        marker: { color: theme.palette[0] },
        text: names,
        textposition: "none",
        hovertemplate: "%{text}: %{x:.2f}<extra></extra>",
      },
    ],
    layout: layoutOf(
      theme,
      {
        width: COLUMN,
        height: rows.length * 26 + 66,
        margin: { l: widest(names, TEXT) + 12, r: 14, t: 12, b: 42 },
        keepHeight: true,
      },
      {
        bargap: 0.3,
        xaxis: axisOf(theme, "Share of the score's variance", { grid: true, range: [0, 1] }),
        yaxis: rowsAxis(theme, names),
      },
    ),
  };
}

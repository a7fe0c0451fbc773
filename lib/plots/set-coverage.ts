import type { CoverageRow } from "../evaluate/conformal";
import { axisOf, diagonal, LINE_LEGEND } from "./axes";
import type { Figure } from "./figure";
import { plain } from "./text";
import { COLUMN, type FigureOptions, layoutOf, themeOf } from "./theme";

/**
 * How often sets of classes hold the true one, against how often they were to, and how many classes
 * they have for it: the price of being sure. The dotted line is the promise kept.
 *
 * @param tables What `coverageTable` gives, by the name of the way to make sets.
 */
export function setCoverage(
  tables: Readonly<Record<string, readonly CoverageRow[]>>,
  options: FigureOptions = {},
): Figure {
  const theme = themeOf(options);
  const range = [0.48, 1.01];
  const lines = Object.entries(tables).flatMap(([name, rows], i) =>
    (["coverage", "meanSize"] as const).map((value) => ({
      type: "scatter",
      mode: "lines+markers",
      name: plain(name),
      legendgroup: name,
      showlegend: value === "coverage",
      x: rows.map(({ asked }) => asked),
      y: rows.map((row) => row[value]),
      ...(value === "meanSize" ? { yaxis: "y2" } : {}),
      hovertemplate: `asked %{x:.2f}: %{y:.3f}<extra>${plain(name)}</extra>`,
      line: { color: theme.palette[i % theme.palette.length], width: 1.6 },
      marker: { color: theme.palette[i % theme.palette.length], size: 5 },
      cliponaxis: false,
    })),
  );
  return {
    data: [{ ...diagonal(theme), showlegend: false }, ...lines],
    layout: layoutOf(
      theme,
      { height: Math.round(COLUMN * 1.1), margin: { l: 56, r: 12, t: 24, b: 42 } },
      {
        xaxis: axisOf(theme, "Coverage asked for", { range, dtick: 0.1, anchor: "y2" }),
        yaxis: axisOf(theme, "Coverage reached", { range, dtick: 0.1, domain: [0.44, 1] }),
        yaxis2: axisOf(theme, "Classes in a set", {
          domain: [0, 0.34],
          rangemode: "tozero",
          nticks: 4,
        }),
        showlegend: Object.keys(tables).length > 1,
        legend: LINE_LEGEND,
      },
    ),
  };
}

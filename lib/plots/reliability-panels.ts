import type { AnswerReliability } from "../evaluate/vote-reliability";
import { diagonal } from "./axes";
import { facets } from "./facets";
import type { Figure } from "./figure";
import { plain } from "./text";
import { type FigureOptions, layoutOf, PAGE, SMALL_TEXT, themeOf } from "./theme";

/** Panels side by side. */
const COLUMNS = 5;

/**
 * Reliability of predicted vote fractions, a panel an answer: how often volunteers gave it where it was
 * predicted so often, with one standard error. A calibrated network lies on the diagonal; the number is the
 * mean distance from it. Larger dots are more galaxies.
 *
 * @param answers What `voteReliability` gives.
 */
export function reliabilityPanels(
  answers: readonly AnswerReliability[],
  options: FigureOptions = {},
): Figure {
  const theme = themeOf(options);
  const columns = Math.min(COLUMNS, answers.length);
  const rows = Math.ceil(answers.length / columns);
  const [left, right, top, bottom] = [44, 8, 24, 40];
  const [gapX, gapY] = [12, 26];
  const plotWidth = PAGE - left - right;
  const side = (plotWidth - gapX * (columns - 1)) / columns;
  const plotHeight = rows * side + (rows - 1) * gapY;
  const grid = facets(answers.length, columns, gapX / plotWidth, gapY / plotHeight);
  const axes: Record<string, unknown> = {};
  const data = answers.flatMap(({ answer, bins }, i) => {
    const filled = bins.filter(({ count }) => count > 0);
    const most = Math.max(...filled.map(({ count }) => count), 1);
    const axis = { range: [-0.02, 1.02], tickvals: [0, 0.5, 1], outer: true } as const;
    Object.assign(
      axes,
      grid[i].axes(theme, { title: "Predicted", ...axis }, { title: "Volunteers", ...axis }),
    );
    return [
      diagonal(theme, grid[i].ref),
      {
        type: "scatter",
        mode: "lines+markers",
        x: filled.map(({ predicted }) => predicted),
        y: filled.map(({ voted }) => voted),
        ...grid[i].ref,
        error_y: {
          type: "data",
          array: filled.map(({ error }) => error),
          thickness: 1,
          width: 0,
        },
        customdata: filled.map(({ count }) => count),
        hovertemplate: `predicted %{x:.2f}, volunteers %{y:.2f}<br>%{customdata} galaxies<extra>${plain(answer)}</extra>`,
        line: { color: theme.palette[0], width: 1.2 },
        marker: {
          color: theme.palette[0],
          size: filled.map(({ count }) => 3 + 5 * Math.sqrt(count / most)),
        },
        cliponaxis: false,
      },
    ];
  });
  const label = (text: string, i: number, inside: boolean) => ({
    text,
    x: grid[i].x[0] + (inside ? 0.04 * (grid[i].x[1] - grid[i].x[0]) : 0),
    y: grid[i].y[1],
    xref: "paper",
    yref: "paper",
    xanchor: "left",
    yanchor: inside ? "top" : "bottom",
    showarrow: false,
    font: { size: SMALL_TEXT, color: inside ? theme.muted : theme.ink },
  });
  return {
    data,
    layout: layoutOf(
      theme,
      {
        width: PAGE,
        height: Math.round(top + bottom + plotHeight),
        margin: { l: left, r: right, t: top, b: bottom },
      },
      {
        ...axes,
        annotations: answers.flatMap(({ answer, calibrationError }, i) => [
          label(shortened(plain(answer), side), i, false),
          label(calibrationError.toFixed(3), i, true),
        ]),
      },
    ),
  };
}

/** A name that fits above its panel: the end says which answer it is. */
function shortened(name: string, width: number): string {
  const most = Math.floor(width / (0.58 * SMALL_TEXT));
  return name.length <= most ? name : `…${name.slice(name.length - most + 1)}`;
}
